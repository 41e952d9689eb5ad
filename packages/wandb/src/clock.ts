import type { Clock } from '@toolweaver/analytics-core';
import { maxTimerMs } from '@toolweaver/analytics-core/backend';

/** Aborts the signal of the work after `timeoutMs`. Unlike `pause`, keeps the program alive until the work is done. */
export async function within<T>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(new Error(`not within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await work(late.signal);
  } finally {
    clock.clearTimeout(timer);
  }
}

/** Keeps the program alive until the work is done. A program that awaits it could otherwise exit during a pause. */
export function keptAlive<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return within(clock, maxTimerMs, () => work);
}
