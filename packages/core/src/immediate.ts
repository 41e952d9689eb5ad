import type { Backend } from './backend.ts';
import type { Clock } from './client.ts';
import { withDeadline } from './deadline.ts';
import { AnalyticsError } from './errors.ts';
import { dropReason } from './ledger.ts';
import { toAnalyticsError } from './reporter.ts';
import type { Sink, SinkEvents } from './sink.ts';

/** For a backend that counts in memory: each event is written as it is offered. */
export function immediateSink(backend: Backend, clock: Clock, maxPending: number, events: SinkEvents): Sink {
  // The contract asks for a synchronous write. One that returns a promise all the same is held to what the promise says.
  const pending = new Set<PromiseLike<unknown>>();
  let epoch = 0;

  function fail(thrown: unknown): void {
    const error = toAnalyticsError(thrown, backend.name);
    events.lost(dropReason(error.code), 1, error);
  }

  function follow(written: PromiseLike<unknown>): void {
    const started = epoch;
    pending.add(written);
    const settled = (end: () => void): void => {
      if (epoch === started) {
        pending.delete(written);
        end();
      }
    };
    written.then(
      () => settled(() => events.delivered(1)),
      (thrown) => settled(() => fail(thrown)),
    );
  }

  return {
    get queued() {
      return pending.size;
    },
    queuedBytes: 0,
    state: 'ok',
    offer(event) {
      if (pending.size >= maxPending) {
        const message = `${backend.name}: ${maxPending} writes are under way; new events are dropped`;
        events.lost('queue_full', 1, new AnalyticsError('EVENTS_DROPPED', message, { backend: backend.name }));
        return;
      }
      try {
        const written: unknown = backend.write([event]);
        if (typeof written === 'object' && written !== null && 'then' in written) {
          follow(written as PromiseLike<unknown>);
          return;
        }
      } catch (thrown) {
        fail(thrown);
        return;
      }
      events.delivered(1);
    },
    async settle(timeoutMs) {
      if (pending.size === 0) {
        return undefined;
      }
      try {
        await withDeadline(clock, timeoutMs, `${backend.name}: writing`, () => Promise.allSettled(pending));
        return undefined;
      } catch (thrown) {
        return toAnalyticsError(thrown, backend.name);
      }
    },
    abandon() {
      const count = pending.size;
      epoch += 1;
      pending.clear();
      return count;
    },
    flushSync() {},
  };
}
