import type { Clock } from '@toolweaver/analytics-core';

/** Resolves after `delayMs`, or as soon as the signal is aborted. The timer does not keep a finished program alive. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, delayMs);
    timer.unref?.();
    signal?.addEventListener('abort', done, { once: true });
  });
}

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

/** The longest delay of a Node timer. */
const longestMs = 2 ** 31 - 1;

/** Keeps the program alive until the work is done. A program that awaits it could otherwise exit during a pause. */
export function keptAlive<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return within(clock, longestMs, () => work);
}
