import { describe, expect, test } from 'vitest';
import { createDelivery, type Delivery } from '../src/delivery/delivery.ts';
import { createReporter } from '../src/delivery/reporter.ts';
import { toEvent } from '../src/events/normalize.ts';
import { sizeOf } from '../src/events/size.ts';
import { AnalyticsError } from '../src/index.ts';
import { uuidV7Source } from '../src/values/id.ts';
import { type TestClock, testClock, turn } from './support/clock.ts';
import { names, namesOf, skill } from './support/events.ts';
import { type FarSide, farSide, hanging } from './support/far-side.ts';

interface Bench {
  readonly clock: TestClock;
  readonly side: FarSide;
  readonly delivery: Delivery;
  offer(...names: string[]): void;
}

/** A delivery by itself: what the client calls at the exit of the process. */
function bench(side: FarSide): Bench {
  const clock = testClock();
  const newId = uuidV7Source();
  const delivery = createDelivery(side, {
    clock,
    random: () => 0.5,
    retry: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 10 },
    batchSize: 1000,
    maxQueueEvents: 1000,
    maxQueueBytes: 1e9,
    reporter: createReporter(undefined, clock),
  });
  return {
    clock,
    side,
    delivery,
    offer(...list) {
      for (const name of list) {
        const event = toEvent(skill(name), { now: clock.now, newId, context: () => undefined, errorMessages: true });
        delivery.offer(event, sizeOf(event));
      }
    },
  };
}

describe('the last, synchronous flush', () => {
  test('counts what was queued, whatever the backend does to the array', () => {
    const { delivery, offer, side } = bench(farSide({ sync: true }));
    side.writeSync = (batch) => void (batch as unknown[]).splice(0);
    offer(...names(3));
    delivery.flushSync();
    expect(delivery.stats()).toMatchObject({ accepted: 3, delivered: 3, queued: 0 });
  });

  test('delivers everything that is queued, in order', () => {
    const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 4, sync: true }));
    offer(...names(10));
    delivery.flushSync();
    expect(clock.timers).toEqual([]);
    expect(side.triedSync.map(namesOf)).toEqual([names(10)]);
    expect(delivery.stats()).toMatchObject({ accepted: 10, delivered: 10, queued: 0, queuedBytes: 0 });
  });

  test('covers what is under way, and how that write ends is not counted again', async () => {
    for (const end of ['succeed', 'fail'] as const) {
      const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 2, sync: true }));
      const stuck = hanging();
      side.answer = stuck.answer;
      offer(...names(5));
      await clock.advance(0);
      expect(side.tried).toHaveLength(1);
      delivery.flushSync();
      expect(namesOf(side.triedSync.flat())).toEqual(names(5));
      stuck[end](new AnalyticsError('BACKEND_UNAVAILABLE', 'late'));
      await clock.advance(60_000);
      expect(delivery.stats()).toMatchObject({ accepted: 5, delivered: 5, queued: 0, retries: 0 });
      expect(side.tried).toHaveLength(1);
      expect(namesOf(side.held)).toEqual(names(5));
    }
  });

  test('ends the pause before a retry', async () => {
    const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 2, sync: true }));
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    offer(...names(2));
    await clock.advance(0);
    delivery.flushSync();
    expect(delivery.stats()).toMatchObject({ delivered: 2, queued: 0, state: 'ok' });
    expect(clock.timers).toEqual([]);
    await clock.advance(60_000);
    expect(side.tried).toHaveLength(1);
    expect(clock.timers).toEqual([]);
  });

  test('answers a flush that waits', async () => {
    const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 2, sync: true }));
    side.answer = hanging().answer;
    offer('e1');
    let ok: boolean | undefined;
    void delivery.flush(10_000).then((report) => {
      ok = report.ok;
    });
    await turn();
    delivery.flushSync();
    await turn();
    expect(ok).toBe(true);
    // The write goes on, and is reported if it does not end.
    expect(clock.timers).toEqual([{ dueInMs: 60_000, keepsAlive: false }]);
  });

  test('of a process that lives on does not hide a write that hangs', async () => {
    const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 2, sync: true }));
    side.answer = hanging().answer;
    offer('e1', 'e2');
    await clock.advance(0);
    delivery.flushSync();
    offer('e3');
    await clock.advance(60_000);
    expect(delivery.failure()).toMatchObject({ final: true, error: { code: 'TIMEOUT' } });
    expect(delivery.stats()).toMatchObject({ accepted: 3, delivered: 2, queued: 1 });
  });

  test('also delivers what writing records, and counts it only then', () => {
    const side = farSide({ sync: true });
    const { delivery, offer } = bench(side);
    const { writeSync } = side;
    side.writeSync = (batch) => {
      if (side.triedSync.length === 0) {
        offer('recorded by the write');
        delivery.flushSync();
      }
      writeSync?.(batch);
    };
    offer('e1');
    delivery.flushSync();
    expect(side.triedSync.map(namesOf)).toEqual([['e1'], ['recorded by the write']]);
    expect(delivery.stats()).toMatchObject({ accepted: 2, delivered: 2, queued: 0 });
  });

  test('ends, even if each write records something', () => {
    const side = farSide({ sync: true });
    const { delivery, offer } = bench(side);
    const { writeSync } = side;
    side.writeSync = (batch) => {
      // Nothing else would end a flush that goes on for ever.
      if (side.triedSync.length === 100) {
        throw new Error('one after the other');
      }
      offer('more');
      writeSync?.(batch);
    };
    offer('e1');
    delivery.flushSync();
    expect(side.triedSync.length).toBeLessThan(100);
    const { accepted, delivered, queued } = delivery.stats();
    expect([accepted - delivered, queued]).toEqual([1, 1]);
  });

  test('that is asynchronous against the contract counts nothing, and its rejection does not end the process', async () => {
    const side = farSide({ sync: true });
    const { delivery, offer } = bench(side);
    side.writeSync = async () => {
      throw new Error('disk gone');
    };
    offer('e1');
    delivery.flushSync();
    await turn();
    expect(delivery.stats()).toMatchObject({ accepted: 1, delivered: 0, queued: 1 });
    expect(delivery.failure()).toMatchObject({ error: { code: 'INTERNAL' } });
  });

  test('leaves a client that lives on in order: later events are delivered with all of their attempts', async () => {
    const { clock, delivery, offer, side } = bench(farSide({ maxEvents: 2, sync: true }));
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    offer(...names(2));
    await clock.advance(20_000);
    delivery.flushSync();
    const tried = side.tried.length;
    offer('e3', 'e4');
    await clock.advance(1_000_000);
    expect(side.tried.length - tried).toBe(10);
    side.answer = () => {};
    offer('e5');
    await clock.advance(1000);
    expect(namesOf(side.held)).toEqual(['e1', 'e2', 'e5']);
    expect(delivery.stats()).toMatchObject({ accepted: 5, delivered: 3, queued: 0, dropped: { send_failed: 2 } });
  });

  test('that fails keeps the events queued', () => {
    const { delivery, offer, side } = bench(farSide({ sync: true }));
    side.writeSync = () => {
      throw new Error('disk gone');
    };
    offer('e1');
    delivery.flushSync();
    expect(delivery.stats()).toMatchObject({ accepted: 1, delivered: 0, queued: 1 });
  });

  test('does nothing for a backend that cannot, or when nothing is queued', () => {
    const cannot = bench(farSide({ sync: false }));
    cannot.offer('e1');
    cannot.delivery.flushSync();
    expect(cannot.delivery.stats()).toMatchObject({ queued: 1, delivered: 0 });

    const idle = bench(farSide({ sync: true }));
    idle.delivery.flushSync();
    expect(idle.side.triedSync).toEqual([]);
  });

  test('is done once', () => {
    const { delivery, offer, side } = bench(farSide({ sync: true }));
    offer('e1');
    delivery.flushSync();
    delivery.flushSync();
    expect(side.triedSync).toHaveLength(1);
  });
});
