import type { Backend } from '../backend.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import { failureOf } from './deadline.ts';
import { toAnalyticsError } from './reporter.ts';
import type { Sink, SinkEvents, SinkOptions } from './sink.ts';

/** A sink for backends that count in memory: each event is written as it is offered. */
export function immediateSink(backend: Backend, { clock, maxQueueEvents }: SinkOptions, events: SinkEvents): Sink {
  // The contract asks for a synchronous `write`. If it returns a promise all the same, the promise decides the outcome.
  const writes = new Set<Promise<void>>();
  const bound = `at most ${maxQueueEvents} writes may be under way`;
  // Not looked up for each event: that is slow in a backend with a getter of its own, as V8 keeps its properties in a dictionary.
  const write: (events: readonly AnalyticsEvent[]) => unknown = backend.write.bind(backend);
  /** Events whose write has not ended. */
  let pending = 0;
  let epoch = 0;

  function fail(thrown: unknown): void {
    events.lost(1, toAnalyticsError(thrown, backend.name));
  }

  function follow(written: unknown): void {
    const started = epoch;
    const settled = (end: () => void): void => {
      writes.delete(outcome);
      if (epoch === started) {
        pending -= 1;
        end();
      }
    };
    // A promise of our own: the backend's may be shared by several events, or be a thenable that calls back twice.
    const outcome = new Promise((resolve) => resolve(written)).then(
      () => settled(() => events.delivered(1)),
      (thrown) => settled(() => fail(thrown)),
    );
    writes.add(outcome);
  }

  return {
    offer(event) {
      if (pending >= maxQueueEvents) {
        events.refused('queue_full', bound);
        return;
      }
      pending += 1;
      try {
        const written: unknown = write([event]);
        if (typeof written === 'object' && written !== null && 'then' in written) {
          follow(written);
          return;
        }
      } catch (thrown) {
        pending -= 1;
        fail(thrown);
        return;
      }
      pending -= 1;
      events.delivered(1);
    },
    async settle(timeoutMs) {
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
    stats: () => ({ queued: pending, queuedBytes: 0, state: 'ok' }),
  };
}
