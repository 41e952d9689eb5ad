import type { Clock } from '@toolweaver/analytics-core';

/** Resolves after so long, or as soon as the signal is aborted. An unref'd timer: it keeps no finished program alive. */
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

/** Aborts the signal of the work after so long. Until it is done the timer keeps the program alive, which a pause does not. */
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

/** What a timer of Node can hold. */
const longestMs = 2 ** 31 - 1;

/** Keeps the program alive until the work is done: who waits for it would else end in the middle of a pause. */
export function keptAlive<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return within(clock, longestMs, () => work);
}
