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
