import { setTimeout } from 'node:timers/promises';
import { type AnalyticsError, type AnalyticsEvent, type Backend, isAnalyticsError } from '@toolweaver/analytics-core';

const minDelayMs = 200;
const maxDelayMs = 5_000;

export interface DeliverOptions {
  /** How long a backend may be unavailable or full before it is given up. */
  readonly patienceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Told how many more it has. */
  taken(count: number): void;
  /** Told about an event that the backend refuses, by its place in the batch. */
  refused(place: number, error: AnalyticsError): void;
}

/**
 * Has a backend write some events, as a client's delivery would; rejects with the backend's error when it is given up. The
 * events are in their batch from `start` on.
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

/** The error of a backend that takes some of the events only. */
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
      // A timer holds 25 days.
      await pause(Math.min(wanted, deadline - performance.now(), 2 ** 31 - 1), signal);
    }
  }
}

/** Keeps the process alive until a backend is done, which need not do so itself. */
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
    // What the caller has aborted with, instead of the timer's own.
    signal?.throwIfAborted();
    throw error;
  }
}
