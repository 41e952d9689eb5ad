import type { Clock } from './client.ts';

/**
 * Resolves after `delayMs`, or as soon as the signal is aborted. Unless `keepsAlive`, the program may exit meanwhile; so a caller
 * that somebody awaits has to keep it alive.
 */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal, keepsAlive = false): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    function done(): void {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    const timer = clock.setTimeout(done, delayMs);
    if (!keepsAlive) {
      timer.unref?.();
    }
    signal?.addEventListener('abort', done);
  });
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it is aborted; the work then continues unattended. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal?.reason);
  if (signal?.aborted) {
    abort();
  }
  signal?.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
