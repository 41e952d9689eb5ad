import { type AnalyticsError, type BackendStats, createAnalytics, memory } from '@toolweaver/analytics-core';
import {
  artifact,
  deterministicIds,
  execution,
  expectRecorded,
  fakeClock,
  health,
  ledgerHolds,
  metrics,
  rating,
  run,
  tally,
  toolkit,
} from '@toolweaver/analytics-testkit';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { hostileNames } from '../src/samples.ts';

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('the event builders', () => {
  const builders = { execution, rating, health, toolkit, metrics, run, artifact };

  test.each(Object.entries(builders))('%s() is what core makes of the same input', async (type, build) => {
    const errors: AnalyticsError[] = [];
    const store = memory();
    const analytics = createAnalytics({ backends: [store], onError: (error) => errors.push(error) });
    const event = build();
    analytics.record(event as Parameters<typeof analytics.record>[0]);
    await analytics.close();
    expect(errors).toEqual([]);
    expect(store.events).toEqual([event]);
    expect(event.type).toBe(type);
  });

  test('take other values for any field', () => {
    expect(execution({ name: 'other', id: 'x', at: 5, latencyMs: undefined })).toMatchObject({
      name: 'other',
      id: 'x',
      at: 5,
      latencyMs: undefined,
      kind: 'skill',
    });
    expect(artifact({ bytes: new Uint8Array([1]) })).not.toHaveProperty('path');
  });

  test('freeze what they make, to the bottom', () => {
    const event = run({ config: { nested: { list: [1] } }, tags: ['a'] });
    expect(() => Object.assign(event, { state: 'failed' })).toThrow(TypeError);
    expect(() => Object.assign(event.config?.['nested'] as object, { list: [] })).toThrow(TypeError);
    expect(() => (event.tags as string[]).push('b')).toThrow(TypeError);
  });

  test('leave what they are given to its owner', () => {
    const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
    const attributes = JSON.parse('{"nested": {"list": [{"n": 1}]}, "__proto__": {"n": 1}}');
    const bytes = new Uint8Array([1]);
    const event = execution({ usage, attributes });
    expect(event).toEqual({ ...event, usage, attributes });
    expect(Object.keys(event.attributes ?? {})).toEqual(['nested', '__proto__']);
    usage.inputTokens = 2;
    attributes.nested.list[0].n = 2;
    attributes.nested.list.push(3);
    expect(event).toMatchObject({ usage: { inputTokens: 1 }, attributes: { nested: { list: [{ n: 1 }] } } });
    expect(artifact({ bytes }).bytes).toBe(bytes);
  });

  test('give each event an id of its own', () => {
    const events = Object.values(builders).flatMap((build) => [build(), build()]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(14);
    for (const { id } of events) {
      expect(id).toMatch(uuidV7);
    }
  });
});

test('the hostile names are what core would let through', async () => {
  const store = memory();
  const analytics = createAnalytics({ backends: [store] });
  for (const name of hostileNames) {
    analytics.recordSkillExecution({ skillId: name, success: true });
  }
  await analytics.close();
  expect(store.events.map((event) => 'name' in event && event.name)).toEqual(hostileNames);
});

describe('deterministicIds', () => {
  test('makes the same valid ids in each run, in ascending order', () => {
    const [one, two] = [deterministicIds(), deterministicIds()];
    const ids = Array.from({ length: 300 }, () => one());
    expect(ids.slice(0, 2)).toEqual(['019b76da-a800-7000-8000-000000000001', '019b76da-a800-7000-8000-000000000002']);
    expect(Array.from({ length: 300 }, () => two())).toEqual(ids);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.every((id) => uuidV7.test(id))).toBe(true);
  });

  test('makes other ids in other series', () => {
    expect(deterministicIds(1)()).not.toBe(deterministicIds(0)());
    expect(deterministicIds(4094)()).toMatch(uuidV7);
  });

  test.each([-1, 4096, 0.5, Number.NaN])('refuses the series %s', (series) => {
    expect(() => deterministicIds(series)).toThrow('series must be a whole number from 0 to 4095');
  });
});

describe('fakeClock', () => {
  test('stands still until it is advanced', async () => {
    const clock = fakeClock({ startAt: 5000 });
    expect([clock.now(), clock.monotonic()]).toEqual([5000, 0]);
    await clock.advance(250.5);
    expect([clock.now(), clock.monotonic()]).toEqual([5250.5, 250.5]);
    expect(fakeClock().now()).toBe(Date.UTC(2026, 0, 1));
  });

  test('fires timers when they are due: earliest first, equals in the order they were set', async () => {
    const clock = fakeClock();
    const fired: [string, number][] = [];
    const set = (name: string, ms: number): unknown =>
      clock.setTimeout(() => fired.push([name, clock.monotonic()]), ms);
    set('c', 30);
    set('a', 10);
    set('b1', 20);
    set('b2', 20);
    await clock.advance(19);
    expect(fired).toEqual([['a', 10]]);
    await clock.advance(100);
    expect(fired).toEqual([
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['c', 30],
    ]);
    expect(clock.timers).toBe(0);
  });

  test('fires the timers that are set on the way, by timers and by promises', async () => {
    const clock = fakeClock();
    const fired: number[] = [];
    async function repeat(): Promise<void> {
      for (;;) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
        fired.push(clock.monotonic());
      }
    }
    void repeat();
    await clock.advance(350);
    expect(fired).toEqual([100, 200, 300]);
    expect(clock.timers).toBe(1);
  });

  test('never fires a timer that was cleared', async () => {
    const clock = fakeClock();
    const fired = vi.fn();
    const timer = clock.setTimeout(fired, 10);
    timer.unref?.();
    clock.clearTimeout(timer);
    clock.clearTimeout(undefined);
    await clock.advance(1000);
    expect(fired).not.toHaveBeenCalled();
  });

  test('lets time pass between timers of 0 ms', async () => {
    const clock = fakeClock();
    let fired = 0;
    const again = (): void => {
      fired += 1;
      clock.setTimeout(again, 0);
    };
    again();
    await clock.advance(5);
    expect(fired).toBe(6);
  });

  test('rejects with what a timer throws, and goes on from there', async () => {
    const clock = fakeClock();
    clock.setTimeout(() => {
      throw new Error('in a timer');
    }, 10);
    await expect(clock.advance(50)).rejects.toThrow('in a timer');
    expect(clock.monotonic()).toBe(10);
    await clock.advance(40);
    expect(clock.monotonic()).toBe(50);
  });

  test('advances by one call after the other', async () => {
    const clock = fakeClock();
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(clock.monotonic()), 120);
    const seen: number[] = [];
    const then = (): unknown => seen.push(clock.monotonic());
    await Promise.all([clock.advance(100).then(then), clock.advance(50).then(then)]);
    expect({ seen, fired }).toEqual({ seen: [100, 150], fired: [120] });
  });

  test('advances by what a timer adds once that timer’s own call is done, also for one that waits for it', async () => {
    const clock = fakeClock();
    const seen: number[] = [];
    const added = new Promise<void>((resolve) => {
      clock.setTimeout(async () => {
        seen.push(clock.monotonic());
        await clock.advance(30);
        seen.push(clock.monotonic());
        resolve();
      }, 10);
    });
    clock.setTimeout(() => void clock.advance(5), 20);
    await clock.advance(100);
    expect(clock.monotonic()).toBe(100);
    await added;
    await clock.advance(0);
    expect({ seen, end: clock.monotonic() }).toEqual({ seen: [10, 130], end: 135 });
  });

  test('advances by later calls though an earlier one rejects', async () => {
    const clock = fakeClock();
    clock.setTimeout(() => {
      throw new Error('in a timer');
    }, 10);
    const calls = [clock.advance(50), clock.advance(-1), clock.advance(40)];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(clock.monotonic()).toBe(50);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 5n, Symbol('ms')])('does not advance by %s ms', async (ms) => {
    await expect(fakeClock().advance(ms as number)).rejects.toThrow('ms must be a finite number >= 0');
  });

  test.each([Number.NaN, new Date(0), 'now'])('does not start at %j', (startAt) => {
    expect(() => fakeClock({ startAt: startAt as number })).toThrow('startAt must be Unix time in ms');
  });

  describe('beside the fake timers of a runner', () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    test('goes on by itself', async () => {
      vi.useFakeTimers();
      const clock = fakeClock();
      const fired = vi.fn();
      clock.setTimeout(fired, 10);
      await clock.advance(10);
      expect(fired).toHaveBeenCalledOnce();
    });
  });
});

describe('expectRecorded', () => {
  const events = [
    execution({ name: 'first', attributes: { page: 1, tags: ['a'] } }),
    execution({ name: 'second', success: false, error: { type: 'TypeError', message: 'no' } }),
    rating({ skillId: 'first', rating: 5 }),
  ];

  test('returns what matches, as events of the named type', () => {
    const found = expectRecorded(events, { type: 'execution', error: { type: 'TypeError' } });
    expect(found).toEqual([events[1]]);
    expectTypeOf(found[0]?.kind).toEqualTypeOf<
      'skill' | 'tool' | 'llm' | 'agent' | 'search' | 'operation' | undefined
    >();
  });

  test('matches objects field by field, and arrays as a whole', () => {
    expectRecorded(events, { attributes: { page: 1 } }, { times: 1 });
    // Fields that only some types of events have, without the type.
    expectRecorded([execution({ name: 'search', success: false })], { name: 'search', success: false });
    expectRecorded(events, { attributes: { tags: ['a'] } }, { times: 1 });
    expectRecorded(events, { attributes: { tags: [] } }, { times: 0 });
    expectRecorded([artifact({ bytes: new Uint8Array([1, 2]) })], { type: 'artifact', bytes: new Uint8Array([1, 2]) });
  });

  test('takes `undefined` for a field that is not there', () => {
    expectRecorded(events, { type: 'execution', error: undefined }, { times: 1 });
  });

  test('counts', () => {
    expectRecorded(events, { type: 'execution' }, { times: 2 });
    expectRecorded(events, { type: 'health' }, { times: 0 });
    expect(() => expectRecorded(events, { type: 'execution' }, { times: 1 })).toThrow(
      /^expected 1 event like \{ type: 'execution' \}, found 2 among 3\nmatching:\n {2}\{ type: 'execution'.*'first'.*\n {2}\{.*'second'/,
    );
    expect(() => expectRecorded(events, { type: 'rating' }, { times: 0 })).toThrow(/^expected 0 events(?!.*closest)/s);
  });

  test('shows how the closest event differs', () => {
    expect(() => expectRecorded(events, { type: 'execution', name: 'second', error: { type: 'RangeError' } })).toThrow(
      /found 0 among 3\nclosest: .*'second'.*\n {2}error\.type: is 'TypeError', expected 'RangeError'$/,
    );
    expect(() => expectRecorded([], { type: 'run' })).toThrow('found 0 among 0');
  });

  test('is not fooled by fields of the prototype', () => {
    expectRecorded(events, { attributes: { constructor: undefined } }, { times: 1 });
    expect(() => expectRecorded(events, { attributes: { constructor: 'x' } })).toThrow('found 0');
    expect(() => expectRecorded(events, JSON.parse('{"attributes": {"toString": "x"}}'))).toThrow('found 0');
  });
});

test.each([
  ['events must be an array: the `events` of memory()', () => expectRecorded(memory() as never, {})],
  ['events must be an array: the `events` of memory()', () => tally(memory() as never)],
  ["times must be a whole number, got '1'", () => expectRecorded([execution()], {}, { times: '1' as never })],
  ['times must be a whole number, got Symbol(once)', () => expectRecorded([], {}, { times: Symbol('once') as never })],
  ['got [Object: null prototype] {}', () => fakeClock({ startAt: Object.create(null) })],
  ['got Symbol(series)', () => deterministicIds(Symbol('series') as never)],
  ['stats must be what `stats()` of a client gives', () => ledgerHolds(createAnalytics({ backends: [] }) as never)],
  ['stats must be what `stats()` of a client gives', () => ledgerHolds(undefined as never)],
])('%s', (message, assertion) => {
  expect(assertion).toThrow(message);
});

describe('ledgerHolds', () => {
  const dropped: BackendStats['dropped'] = {
    queue_full: 0,
    invalid: 2,
    too_large: 0,
    sampled: 0,
    rejected: 0,
    send_failed: 1,
    storage_full: 0,
    shutdown_timeout: 0,
    closed: 0,
    callback_error: 0,
  };
  const good: BackendStats = {
    accepted: 10,
    delivered: 4,
    queued: 3,
    queuedBytes: 900,
    dropped,
    retries: 0,
    state: 'ok',
  };

  test('holds', () => {
    ledgerHolds({ backends: { good, other: good } });
    ledgerHolds({ backends: {} });
  });

  test.each<[what: string, stats: Partial<BackendStats>, message: string]>([
    [
      'an event is missing',
      { delivered: 3 },
      'bad: accepted 10, but delivered 3 + queued 3 + dropped 3 (invalid 2, send_failed 1); 1 missing',
    ],
    ['an event is counted twice', { queued: 5 }, '; 2 too many'],
    ['a count is negative', { delivered: 8, queued: -1 }, '; queued is -1, which is no count'],
    ['a count is no number', { queued: Number.NaN }, '; queued is NaN, which is no count'],
  ])('does not when %s', (_what, wrong, message) => {
    expect(() => ledgerHolds({ backends: { good, bad: { ...good, ...wrong } } })).toThrow(message);
  });
});
