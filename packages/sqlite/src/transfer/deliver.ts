import { setTimeout } from 'node:timers/promises';
import { type AnalyticsError, type AnalyticsEvent, type Backend, isAnalyticsError } from '@toolweaver/analytics-core';

const minDelayMs = 200;
const maxDelayMs = 5_000;

export interface DeliverOptions {
  /** How long a backend may be unavailable or full before delivery gives up. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of events that the backend accepted. */
  taken(count: number): void;
  /** Called for an event that the backend rejects, with its index in the batch. */
  refused(place: number, error: AnalyticsError): void;
}

/**
 * Writes events to a backend with retries, as a client's delivery would; rejects with the backend's error when it gives up.
 * `start` is the index of the first event in its batch.
 */
export async function deliver(
  target: Backend,
  events: readonly AnalyticsEvent[],
  options: DeliverOptions,
  start = 0,
): Promise<void> {
  const error = await tryToWrite(target, events, options);
  if (error === undefined) {
    options.taken(events.length);
    return;
  }
  if (events.length === 1) {
    options.refused(start, error);
    return;
  }
  const half = Math.ceil(events.length / 2);
  await deliver(target, events.slice(0, half), options, start);
  await deliver(target, events.slice(half), options, start + half);
}

/** Returns the backend's error if it rejects some of the events. */
async function tryToWrite(
  target: Backend,
  events: readonly AnalyticsEvent[],
  { patienceMs, signal }: DeliverOptions,
): Promise<AnalyticsError | undefined> {
  const deadline = performance.now() + patienceMs;
  for (let failures = 0; ; failures += 1) {
    signal?.throwIfAborted();
    try {
      await held(target.write(events));
      return undefined;
    } catch (error) {
      if (!isAnalyticsError(error)) {
        throw error;
      }
      if (error.code === 'EVENTS_REJECTED' || error.code === 'TOO_LARGE') {
        return error;
      }
      const isPassing = error.code === 'BACKEND_UNAVAILABLE' || error.code === 'STORAGE_FULL';
      if (!isPassing || performance.now() >= deadline) {
        throw error;
      }
      const jittered = Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** failures);
      const wanted = Math.max(jittered, error.retryAfterMs ?? 0);
      // Timers are limited to 2³¹ - 1 ms, about 25 days.
      await pause(Math.min(wanted, deadline - performance.now(), 2 ** 31 - 1), signal);
    }
  }
}

/** Keeps the process alive until the backend is done, as the backend itself may not. */
async function held(written: void | Promise<void>): Promise<void> {
  const timer = setInterval(() => {}, 2 ** 30);
  try {
    await written;
  } finally {
    clearInterval(timer);
  }
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, signal && { signal });
  } catch (error) {
    // Throws the caller's reason instead of the timer's own error.
    signal?.throwIfAborted();
    throw error;
  }
}
