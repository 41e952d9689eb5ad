import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../../test/support/memory.ts';
import { createQueue } from '../src/delivery/queue.ts';
import { sizeOf } from '../src/events/size.ts';
import { turn } from './support/clock.ts';
import { names, namesOf, skill } from './support/events.ts';
import { eventOf, minimal } from './support/normalize.ts';

function filled(count: number, maxEvents = 1000, maxBytes = 1e9): ReturnType<typeof createQueue> {
  const queue = createQueue(maxEvents, maxBytes);
  for (const name of names(count)) {
    const event = eventOf(skill(name));
    queue.push(event, sizeOf(event));
  }
  return queue;
}

describe('queue', () => {
  test('gives the oldest first, and keeps them until they are removed', () => {
    const queue = filled(5);
    expect(namesOf(queue.peek(3))).toEqual(['e1', 'e2', 'e3']);
    expect(namesOf(queue.peek(3))).toEqual(['e1', 'e2', 'e3']);
    queue.remove(2);
    expect(namesOf(queue.peek(10))).toEqual(['e3', 'e4', 'e5']);
    expect(queue.size).toBe(3);
  });

  test('refuses one event more than its bound, and takes it when there is room again', () => {
    const queue = createQueue(3, 1e9);
    const event = eventOf(skill('e'));
    expect([1, 2, 3, 4].map(() => queue.push(event, 10))).toEqual([true, true, true, false]);
    expect(queue.size).toBe(3);
    queue.remove(1);
    expect([queue.push(event, 10), queue.push(event, 10)]).toEqual([true, false]);
  });

  test('refuses what would pass its bound of bytes, and takes what just fits', () => {
    const queue = createQueue(1000, 100);
    const event = eventOf(skill('e'));
    expect([queue.push(event, 60), queue.push(event, 41), queue.push(event, 40), queue.push(event, 1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(queue.bytes).toBe(100);
    expect(queue.size).toBe(2);
  });

  test('counts the bytes of exactly what it holds', () => {
    const queue = createQueue(1000, 1e9);
    const events = names(20).map((name, at) => eventOf({ ...skill(name), userId: 'x'.repeat(at * 7) }));
    for (const event of events) {
      queue.push(event, sizeOf(event));
    }
    for (let left = 20; left > 0; left -= 4) {
      const expected = events.slice(20 - left).reduce((sum, event) => sum + sizeOf(event), 0);
      expect(queue.bytes).toBe(expected);
      queue.remove(4);
    }
    expect(queue.bytes).toBe(0);
    expect(queue.size).toBe(0);
  });

  test('counts the bytes of what it held when it grew', () => {
    const queue = createQueue(1000, 1e9);
    const event = eventOf(skill('e'));
    const sizes = Array.from({ length: 200 }, (_, at) => at * at);
    const push = (from: number, to: number) => sizes.slice(from, to).map((size) => queue.push(event, size));
    push(0, 60);
    queue.remove(30);
    push(60, 200);
    for (let removed = 30; removed < 200; removed += 1) {
      expect(queue.bytes).toBe(sizes.slice(removed).reduce((sum, size) => sum + size, 0));
      queue.remove(1);
    }
    expect(queue.bytes).toBe(0);
  });

  test('keeps its order while it is filled and emptied at once', () => {
    const queue = createQueue(100, 1e9);
    const taken: string[] = [];
    let made = 0;
    for (let round = 0; round < 500; round += 1) {
      for (let at = 0; at < (round * 7) % 11; at += 1) {
        made += 1;
        const event = eventOf(skill(`e${made}`));
        if (!queue.push(event, sizeOf(event))) {
          made -= 1;
        }
      }
      const batch = queue.peek((round * 5) % 9);
      taken.push(...namesOf(batch));
      queue.remove(batch.length);
    }
    taken.push(...namesOf(queue.peek(1000)));
    expect(taken).toEqual(names(made));
    expect(made).toBeGreaterThan(1000);
  });

  test.each([
    [0, 1000],
    [400, 600],
    [900, 100],
    [1000, 0],
  ])('of 1000 events, %i removed, keeps %i alive', async (removed, alive) => {
    const queue = createQueue(10_000, 1e9);
    const references = Array.from({ length: 1000 }, () => {
      const event = eventOf(minimal.health);
      queue.push(event, 1);
      return new WeakRef(event);
    });
    queue.remove(removed);
    // What a reference has been made to lives on until the end of the turn.
    await turn();
    collectGarbage();
    expect(references.filter((reference) => reference.deref() !== undefined)).toHaveLength(alive);
    expect(queue.size).toBe(alive);
  });
});
