import type { Clock } from '../client.ts';
import { AnalyticsError } from '../errors.ts';

/**
 * Settles as `work` does, or rejects with `TIMEOUT` after `timeoutMs`; the signal given to `work` is aborted then. The timer
 * is ref'd: it keeps the process alive while somebody waits for `work`.
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  what: string,
  work: (signal: AbortSignal) => T | PromiseLike<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      const error = new AnalyticsError('TIMEOUT', `${what} took longer than ${Math.round(timeoutMs)} ms`);
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
