import { AsyncLocalStorage } from 'node:async_hooks';
import type { Backend, BatchDelivery } from '../backend.ts';
import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError, type ErrorCode } from '../errors.ts';
import { createQueue } from './queue.ts';
import { toAnalyticsError } from './reporter.ts';
import type { Sink, SinkEvents, SinkOptions } from './sink.ts';

/** Failed deliveries in a row after which nobody waits for the backend any more. */
const breakerFailures = 5;
/** A disk that has room again should be noticed soon. */
const storageFullMaxDelayMs = 5_000;
/** The longest wish of a far side that is granted. */
const maxRetryAfterMs = 300_000;

const retryable: readonly ErrorCode[] = ['BACKEND_UNAVAILABLE', 'STORAGE_FULL'];
const divisible: readonly ErrorCode[] = ['EVENTS_REJECTED', 'TOO_LARGE'];

interface Waiter {
  /** Number of the last event waited for, counted from 1. */
  readonly target: number;
  readonly final: boolean;
  done(error: AnalyticsError | undefined): void;
}

/** For a backend with a far side: a bounded queue, batches in order, one at a time, retried. */
export function queuedSink(
  backend: Backend,
  delivery: BatchDelivery,
  { clock, random, retry, batchSize, maxQueueEvents, maxQueueBytes }: SinkOptions,
  events: SinkEvents,
): Sink {
  const { maxDelayMs } = delivery;
  const maxEvents = Math.min(delivery.maxEvents, batchSize);
  const queue = createQueue(maxQueueEvents, maxQueueBytes);
  const bound = `the queue holds at most ${maxQueueEvents} events and ${maxQueueBytes} bytes`;
  /** Bound, as deliveries belong to no request of the host's, whichever one has started them. */
  const run = AsyncLocalStorage.bind(runNow);
  let waiters: Waiter[] = [];
  /** Events ever queued; what left the queue again is the difference to its size. */
  let enqueued = 0;
  /** Number of the last event that must not wait for the timer. */
  let due = 0;
  let running = false;
  let timer: ReturnType<Clock['setTimeout']> | undefined;
  let timerIsShort: boolean;
  /** Ends the pause before a retry. */
  let wake: (() => void) | undefined;
  /** Size of the next batch: shrinks to find the event that the far side rejects, and stays the same for a retry. */
  let limit = maxEvents;
  let attempts = 0;
  /** Failed deliveries in a row, of any batch. */
  let failures = 0;
  /** Single events that were refused since something was delivered. */
  let refusedInRow = 0;
  let lastError: AnalyticsError | undefined;
  /** Tells a write that was abandoned from the current one. */
  let epoch = 0;

  const settledCount = (): number => enqueued - queue.size;

  function schedule(delayMs: number): void {
    stopTimer();
    timerIsShort = delayMs === 0;
    timer = clock.setTimeout(() => {
      timer = undefined;
      due = enqueued;
      void run();
    }, delayMs);
    timer.unref?.();
  }

  function stopTimer(): void {
    if (timer !== undefined) {
      clock.clearTimeout(timer);
      timer = undefined;
    }
  }

  async function runNow(): Promise<void> {
    if (running) {
      return;
    }
    running = true;
    stopTimer();
    while (queue.size > 0 && (settledCount() < due || queue.size >= maxEvents)) {
      await deliver();
      notify();
    }
    running = false;
    if (queue.size === 0) {
      stopTimer();
    }
  }

  async function deliver(): Promise<void> {
    const batch = queue.peek(limit);
    const started = epoch;
    try {
      await backend.write(batch);
    } catch (thrown) {
      if (epoch === started) {
        await failed(batch.length, toAnalyticsError(thrown, backend.name));
      }
      return;
    }
    if (epoch === started) {
      limit = Math.min(limit * 2, maxEvents);
      attempts = 0;
      failures = 0;
      refusedInRow = 0;
      queue.remove(batch.length);
      events.delivered(batch.length);
    }
  }

  async function failed(count: number, error: AnalyticsError): Promise<void> {
    lastError = error;
    if (divisible.includes(error.code)) {
      // Whoever refuses is there.
      failures = 0;
      if (count > 1) {
        attempts = 0;
        limit = Math.ceil(count / 2);
        return;
      }
    }
    if (retryable.includes(error.code)) {
      attempts += 1;
      failures += 1;
      if (attempts < retry.maxAttempts) {
        limit = count;
        events.retrying(error);
        notify();
        await pause(retryDelayMs(error));
        return;
      }
    }
    attempts = 0;
    // One is searched for by halves; of several, the next one is likely to be refused as well.
    limit = divisible.includes(error.code) && refusedInRow > 0 ? 1 : maxEvents;
    refusedInRow += 1;
    queue.remove(count);
    events.lost(count, error);
  }

  function retryDelayMs({ code, retryAfterMs = 0 }: AnalyticsError): number {
    const max = code === 'STORAGE_FULL' ? Math.min(storageFullMaxDelayMs, retry.maxDelayMs) : retry.maxDelayMs;
    // Zero times what is beyond all numbers is none.
    const jittered = random() * (Math.min(max, retry.minDelayMs * 2 ** (failures - 1)) || 0);
    // What a far side says may be any number, or none. It says the same to all of its clients: they are not to come at once either.
    return (retryAfterMs > 0 ? Math.min(retryAfterMs, maxRetryAfterMs) : 0) + jittered;
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const pauseTimer = clock.setTimeout(() => wake?.(), delayMs);
      pauseTimer.unref?.();
      wake = () => {
        wake = undefined;
        clock.clearTimeout(pauseTimer);
        resolve();
      };
    });
  }

  /** Answers the waiters that need not wait any longer. */
  function notify(): void {
    const settled = settledCount();
    const unavailable = failures >= breakerFailures ? lastError : undefined;
    waiters = waiters.filter((waiter) => {
      const reached = settled >= waiter.target;
      if (!reached && (unavailable === undefined || waiter.final)) {
        return true;
      }
      waiter.done(reached ? undefined : unavailable);
      return false;
    });
  }

  function forget(): number {
    const count = queue.size;
    epoch += 1;
    attempts = 0;
    limit = maxEvents;
    queue.remove(count);
    wake?.();
    stopTimer();
    return count;
  }

  return {
    get queued() {
      return queue.size;
    },
    get queuedBytes() {
      return queue.bytes;
    },
    get state() {
      if (failures === 0) {
        return 'ok';
      }
      return failures < breakerFailures ? 'retrying' : 'open';
    },
    offer(event, bytes) {
      if (bytes > maxQueueBytes) {
        events.refused('too_large', bound);
        return;
      }
      if (!queue.push(event, bytes)) {
        events.refused('queue_full', bound);
        return;
      }
      enqueued += 1;
      // Never from here: writing would take its time inside the caller's `record()`.
      if (queue.size >= maxEvents && !running) {
        if (timer === undefined || !timerIsShort) {
          schedule(0);
        }
      } else if (timer === undefined) {
        schedule(maxDelayMs);
      }
    },
    settle(timeoutMs, final) {
      const target = enqueued;
      if (settledCount() >= target) {
        return Promise.resolve(undefined);
      }
      due = target;
      return new Promise((resolve) => {
        // Ref'd: the process lives on while somebody waits.
        const deadline = clock.setTimeout(() => {
          waiters = waiters.filter((other) => other !== waiter);
          const message = `${target - settledCount()} events not delivered within ${timeoutMs} ms`;
          resolve(backendError(backend.name, 'TIMEOUT', message, failures > 0 ? lastError : undefined));
        }, timeoutMs);
        const waiter: Waiter = {
          target,
          final,
          done(error) {
            clock.clearTimeout(deadline);
            resolve(error);
          },
        };
        waiters.push(waiter);
        if (wake !== undefined && failures >= breakerFailures) {
          notify();
        }
        if (failures < breakerFailures || final) {
          wake?.();
        }
        void run();
      });
    },
    abandon() {
      const count = forget();
      notify();
      return count;
    },
    flushSync() {
      if (backend.writeSync === undefined || queue.size === 0) {
        return;
      }
      try {
        backend.writeSync(queue.peek(queue.size));
        events.delivered(forget());
        failures = 0;
        notify();
      } catch (thrown) {
        events.retrying(toAnalyticsError(thrown, backend.name));
      }
    },
  };
}
