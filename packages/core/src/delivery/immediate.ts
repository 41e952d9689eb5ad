import type { Backend } from '../backend.ts';
import { toAnalyticsError } from '../errors.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import { failureOf } from './deadline.ts';
import type { Sink, SinkEvents, SinkOptions } from './sink.ts';

/** In batches, recording takes a tenth less time: there are fewer calls, and code and tables stay in the CPU's caches. */
const maxUncounted = 64;

/**
 * A sink for backends that work in memory: events are written as they are offered, or for one that is `counting`, several at a
 * time and before anybody looks.
 */
export function immediateSink(backend: Backend, { clock, maxQueueEvents }: SinkOptions, events: SinkEvents): Sink {
  // The contract asks for a synchronous `write`. If it returns a promise all the same, the promise decides the outcome.
  const writes = new Set<Promise<void>>();
  const bound = `at most ${maxQueueEvents} writes may be under way`;
  // Not looked up for each event: that is slow in a backend with a getter of its own, as V8 keeps its properties in a dictionary.
  const write: (batch: readonly AnalyticsEvent[]) => unknown = backend.write.bind(backend);
  /** Events that a `counting` backend does not have yet. */
  let uncounted: AnalyticsEvent[] = [];
  /** Events whose write has not ended. */
  let pending = 0;
  let epoch = 0;

  function fail(count: number, thrown: unknown): void {
    events.lost(count, toAnalyticsError(thrown, backend.name));
  }

  function follow(count: number, written: unknown): void {
    const started = epoch;
    const settled = (end: () => void): void => {
      writes.delete(outcome);
      if (epoch === started) {
        pending -= count;
        end();
      }
    };
    // A promise of our own: the backend's may be shared by several events, or be a thenable that calls back twice.
    const outcome = new Promise((resolve) => resolve(written)).then(
      () => settled(() => events.delivered(count)),
      (thrown) => settled(() => fail(count, thrown)),
    );
    writes.add(outcome);
  }

  function count(event: AnalyticsEvent): void {
    if (uncounted.push(event) === maxUncounted) {
      countAll();
    }
  }

  function countAll(): void {
    const batch = uncounted;
    if (batch.length > 0) {
      uncounted = [];
      writeNow(batch);
    }
  }

  function writeNow(batch: readonly AnalyticsEvent[]): void {
    const { length } = batch;
    if (pending >= maxQueueEvents) {
      events.refused('queue_full', bound, length);
      return;
    }
    pending += length;
    try {
      const written = write(batch);
      if (typeof written === 'object' && written !== null && 'then' in written) {
        follow(length, written);
        return;
      }
    } catch (thrown) {
      pending -= length;
      fail(length, thrown);
      return;
    }
    pending -= length;
    events.delivered(length);
  }

  return {
    offer: backend.delivery === 'counting' ? count : (event) => writeNow([event]),
    async settle(timeoutMs) {
      countAll();
      return writes.size === 0
        ? undefined
        : failureOf(clock, timeoutMs, backend.name, 'writing', () => Promise.all(writes));
    },
    abandon() {
      const count = pending;
      epoch += 1;
      pending = 0;
      return count;
    },
    flushSync() {},
    stats() {
      countAll();
      return { queued: pending, queuedBytes: 0, state: 'ok' };
    },
  };
}
