import { describe, expect, test } from 'vitest';
import { createAnalytics, type MemoryOptions, memory } from '../src/index.ts';
import { names, namesOf, skill } from './support/events.ts';
import { eventOf } from './support/normalize.ts';

describe('the memory backend', () => {
  test('keeps what is delivered, in order, and forgets it on request', async () => {
    const backend = memory();
    const analytics = createAnalytics({ backends: [backend] });
    for (const name of names(5)) {
      analytics.record(skill(name));
    }
    await analytics.flush();
    expect(namesOf(backend.events)).toEqual(names(5));
    backend.clear();
    expect(backend.events).toEqual([]);
    await analytics.close();
  });

  test('keeps an event once, however often it is delivered', () => {
    const backend = memory();
    const event = eventOf(skill('e'));
    void backend.write([event]);
    void backend.write([event, event]);
    void backend.write([{ ...event, at: 0 }]);
    expect(backend.events).toEqual([event]);
  });

  test('keeps the newest only, if asked', () => {
    const backend = memory({ maxEvents: 3 });
    const events = names(5).map((name, at) =>
      eventOf({ ...skill(name), id: `0190b0c4-7a1e-7000-8000-00000000000${at}` }),
    );
    void backend.write(events);
    expect(namesOf(backend.events)).toEqual(['e3', 'e4', 'e5']);
  });

  test('has a name, and settings that are plain JSON', () => {
    expect([memory().name, memory({ name: 'other' }).name]).toEqual(['memory', 'other']);
    expect([memory().settings, memory({ maxEvents: 3 }).settings]).toEqual([{ maxEvents: null }, { maxEvents: 3 }]);
  });

  test('refuses a name that no option has', () => {
    expect(() => memory({ max: 3 } as MemoryOptions)).toThrow('max: is not an option; the options are name, maxEvents');
  });

  test.each([null, 'main', []])('refuses %j as options', (options) => {
    expect(() => memory(options as never)).toThrow(/options: must be an object, got /);
  });

  test.each([0, -1, Number.NaN, '5'])('refuses to keep %j events', (maxEvents) => {
    expect(() => memory({ maxEvents } as MemoryOptions)).toThrow(/maxEvents: must be a number >= 1, got /);
  });

  test('gives a list that later events do not change', () => {
    const backend = memory();
    const before = backend.events;
    void backend.write([eventOf(skill('e'))]);
    expect(before).toEqual([]);
  });
});
