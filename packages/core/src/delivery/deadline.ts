import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError } from '../errors.ts';
import { toAnalyticsError } from './reporter.ts';

/**
 * Runs `work` of a backend and resolves to its error, or to undefined if it succeeded. After `timeoutMs`, its signal is aborted,
 * and the error is `TIMEOUT`. The timer is ref'd: it keeps the process alive while somebody waits for `work`. Never rejects.
 */
export async function failureOf(
  clock: Clock,
  timeoutMs: number,
  backend: string,
  what: string,
  work: (signal: AbortSignal) => unknown,
): Promise<AnalyticsError | undefined> {
  const controller = new AbortController();
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      const error = backendError(backend, 'TIMEOUT', `${what} took longer than ${Math.round(timeoutMs)} ms`);
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    await Promise.race([work(controller.signal), late]);
    return undefined;
  } catch (thrown) {
    return toAnalyticsError(thrown, backend);
  } finally {
    clock.clearTimeout(timer);
  }
}
