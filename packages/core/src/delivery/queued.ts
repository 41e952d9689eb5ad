import { AsyncLocalStorage } from 'node:async_hooks';
import * as types from 'node:util/types';
import type { Backend, BatchDelivery } from '../backend.ts';
import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError, type ErrorCode, toAnalyticsError } from '../errors.ts';
import type { AnalyticsEvent } from '../events/event.ts';
import { maxRetryAfterMs } from '../retry-after.ts';
import { eventCount } from '../values/describe.ts';
import { createQueue } from './queue.ts';
import type { DeliveryState } from './report.ts';
import type { Sink, SinkEvents, SinkOptions } from './sink.ts';

/** Failed deliveries in a row after which `flush()` no longer waits for the backend. */
const breakerFailures = 5;
/** Short, so that a disk with room again is noticed soon. */
const storageFullMaxDelayMs = 5_000;
/** In the last flush of a process: each batch after the first has what writing the one before it recorded. */
const maxSyncBatches = 10;
/** A write that takes longer is reported: nothing is delivered meanwhile, and nobody would hear of it. */
const stalledMs = 60_000;

const retryable: readonly ErrorCode[] = ['BACKEND_UNAVAILABLE', 'STORAGE_FULL'];
const divisible: readonly ErrorCode[] = ['EVENTS_REJECTED', 'TOO_LARGE'];

/**
 * Runs deliveries outside of any request: neither in the one that happens to start them, nor in the one that created the client,
 * whose data would stay in memory.
 */
const outsideOfRequests = /* @__PURE__ */ AsyncLocalStorage.snapshot();

interface Waiter {
  /** Number of the last event waited for, counted from 1. */
  readonly target: number;
  readonly final: boolean;
  done(error: AnalyticsError | undefined): void;
}

/** A sink for backends with a far side: a bounded queue, written in order, one batch at a time, with retries. */
export function queuedSink(
  backend: Backend,
  delivery: BatchDelivery,
  { clock, random, retry, batchSize, maxQueueEvents, maxQueueBytes }: SinkOptions,
  events: SinkEvents,
): Sink {
  const { maxDelayMs } = delivery;
  const maxEvents = Math.min(delivery.maxEvents, batchSize);
  /** A queue that is half full does not wait for company, as it might drop events meanwhile. */
  const [enoughEvents, enoughBytes] = [Math.min(maxEvents, maxQueueEvents / 2), maxQueueBytes / 2];
  const queue = createQueue(maxQueueEvents, maxQueueBytes);
  const bound = `the queue holds at most ${maxQueueEvents} events and ${maxQueueBytes} bytes`;
  const run = (): Promise<void> => outsideOfRequests(runNow);
  let waiters: Waiter[] = [];
  /** Events ever queued; minus the queue's size, the number that have left it. */
  let enqueued = 0;
  /** Number of the last event that must not wait for the timer. */
  let due = 0;
  let running = false;
  let timer: ReturnType<Clock['setTimeout']> | undefined;
  let timerIsShort: boolean;
  /** Runs while a write is under way. */
  let stalled: typeof timer;
  /** Ends the pause before a retry. */
  let wake: (() => void) | undefined;
  /** Size of the next batch: shrinks to find the event that the far side rejects, and stays the same for a retry. */
  let limit = maxEvents;
  let attempts = 0;
  /** Failed deliveries in a row, of any batch. */
  let failures = 0;
  /** Batches that were given up since something was delivered. */
  let givenUpInRow = 0;
  let lastError: AnalyticsError | undefined;
  /** Tells an abandoned write from the current one. */
  let epoch = 0;
  let isWritingSync = false;

  const settledCount = (): number => enqueued - queue.size;
  const isEnough = (): boolean => queue.size >= enoughEvents || queue.bytes >= enoughBytes;

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
    while (queue.size > 0 && (settledCount() < due || isEnough())) {
      await deliver();
      notify();
    }
    running = false;
    if (queue.size === 0) {
      stopTimer();
    }
  }

  async function write(batch: readonly AnalyticsEvent[]): Promise<void> {
    const written = backend.write(batch);
    stalled = clock.setTimeout(() => {
      const message = `a write has not ended for ${stalledMs / 1000} s; ${eventCount(queue.size)} waiting`;
      events.stalled(backendError(backend.name, 'TIMEOUT', message));
    }, stalledMs);
    stalled.unref?.();
    try {
      await written;
    } finally {
      endStall();
    }
  }

  function endStall(): void {
    if (stalled !== undefined) {
      clock.clearTimeout(stalled);
      stalled = undefined;
    }
  }

  async function deliver(): Promise<void> {
    const batch = queue.peek(limit);
    // Now, as a backend that changes the array must not change what is counted, or stop the queue.
    const count = batch.length;
    const started = epoch;
    try {
      await write(batch);
    } catch (thrown) {
      if (epoch === started) {
        await failed(count, toAnalyticsError(thrown, backend.name));
      }
      return;
    }
    if (epoch === started) {
      limit = Math.min(limit * 2, maxEvents);
      attempts = 0;
      failures = 0;
      givenUpInRow = 0;
      queue.remove(count);
      events.delivered(count);
    }
  }

  async function failed(count: number, error: AnalyticsError): Promise<void> {
    lastError = error;
    if (divisible.includes(error.code)) {
      // A rejection proves that the backend can be reached.
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
    // The first rejected event is found by halving. After it, the next one is likely to be rejected too, so it is tried alone.
    limit = divisible.includes(error.code) && givenUpInRow > 0 ? 1 : maxEvents;
    givenUpInRow += 1;
    queue.remove(count);
    events.lost(count, error);
  }

  function retryDelayMs({ code, retryAfterMs = 0 }: AnalyticsError): number {
    const max = code === 'STORAGE_FULL' ? Math.min(storageFullMaxDelayMs, retry.maxDelayMs) : retry.maxDelayMs;
    // 0 × Infinity is NaN.
    const jittered = random() * (Math.min(max, retry.minDelayMs * 2 ** (failures - 1)) || 0);
    // `retryAfterMs` may be any number, even NaN. Jitter is added, as all clients get the same one and must not retry at once.
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

  /** Resolves the waiters that need not wait any longer. */
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

  function state(): DeliveryState {
    if (failures === 0) {
      return 'ok';
    }
    return failures < breakerFailures ? 'retrying' : 'open';
  }

  /** Removes the `count` oldest events; how a write of them ends no longer matters. */
  function forget(count: number): void {
    epoch += 1;
    attempts = 0;
    limit = maxEvents;
    queue.remove(count);
    wake?.();
    if (queue.size === 0) {
      stopTimer();
    }
  }

  return {
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
      // Only schedules: a write from here would run inside the caller's `record()`.
      if (!running && isEnough()) {
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
        // Ref'd: keeps the process alive while somebody waits.
        const deadline = clock.setTimeout(() => {
          waiters = waiters.filter((other) => other !== waiter);
          const message = `${eventCount(target - settledCount())} not delivered within ${timeoutMs} ms`;
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
      const count = queue.size;
      forget(count);
      endStall();
      notify();
      return count;
    },
    flushSync() {
      // It may be called from a `writeSync` that records something.
      if (backend.writeSync === undefined || isWritingSync) {
        return;
      }
      isWritingSync = true;
      try {
        for (let batches = 0; queue.size > 0 && batches < maxSyncBatches; batches += 1) {
          const count = queue.size;
          const written: unknown = backend.writeSync(queue.peek(count));
          if (types.isPromise(written)) {
            written.catch(() => {});
            throw backendError(backend.name, 'INTERNAL', 'writeSync() must not be asynchronous');
          }
          forget(count);
          events.delivered(count);
          failures = 0;
          notify();
        }
      } catch (thrown) {
        events.retrying(toAnalyticsError(thrown, backend.name));
      } finally {
        isWritingSync = false;
      }
    },
    stats: () => ({ queued: queue.size, queuedBytes: queue.bytes, state: state() }),
  };
}
