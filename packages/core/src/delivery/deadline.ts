import type { Clock } from '../client.ts';
import { type AnalyticsError, backendError, toAnalyticsError, withoutName } from '../errors.ts';

/**
 * Runs `work` of a backend and resolves to its error, or to undefined if it succeeded. After `timeoutMs`, its signal is aborted,
 * and the error is `TIMEOUT`, with what `work` rejects with at once as its cause. The timer is ref'd: it keeps the process alive
 * while somebody waits for `work`. Never rejects.
 */
export async function failureOf(
  clock: Clock,
  timeoutMs: number,
  backend: string,
  what: string,
  work: (signal: AbortSignal) => unknown,
): Promise<AnalyticsError | undefined> {
  const controller = new AbortController();
  const { signal } = controller;
  const tooLong = `${what} took longer than ${Math.round(timeoutMs)} ms`;
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      controller.abort(backendError(backend, 'TIMEOUT', tooLong));
      // Once all that follows from the abort has happened: `work` may know what takes so long.
      queueMicrotask(() => process.nextTick(reject, signal.reason));
    }, timeoutMs);
  });
  try {
    await Promise.race([work(signal), late]);
    return undefined;
  } catch (thrown) {
    const error = toAnalyticsError(thrown, backend);
    return !signal.aborted || thrown === signal.reason
      ? error
      : backendError(backend, 'TIMEOUT', `${tooLong}: ${withoutName(error)}`, error);
  } finally {
    clock.clearTimeout(timer);
  }
}
