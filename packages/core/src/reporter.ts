import type { Clock } from './client.ts';
import { AnalyticsError, type ErrorCode, isAnalyticsError } from './errors.ts';

/** One call a minute for each backend and code. */
const intervalMs = 60_000;

export interface Reporter {
  /** `make` is only called when the error will be passed on. */
  report(code: ErrorCode, backend: string | undefined, make: () => AnalyticsError): void;
}

/** Passes errors to the user's callback, at a bounded rate; what the callback throws or rejects with is swallowed. */
export function createReporter(onError: ((error: AnalyticsError) => unknown) | undefined, clock: Clock): Reporter {
  const recent = new Map<string, { at: number; left: number }>();
  return {
    report(code, backend, make) {
      if (onError === undefined) {
        return;
      }
      try {
        const key = `${code} ${backend ?? ''}`;
        const now = clock.monotonic();
        const last = recent.get(key);
        if (last !== undefined && now - last.at < intervalMs) {
          last.left += 1;
          return;
        }
        recent.set(key, { at: now, left: 0 });
        const error = make();
        if (last !== undefined && last.left > 0) {
          error.message += ` (${last.left} more of this kind since the last report)`;
        }
        const result = onError(error);
        if (result instanceof Promise) {
          result.catch(() => {});
        }
      } catch {
        // A broken callback must not hurt the host either.
      }
    },
  };
}

/** What a backend or a callback threw, as an error of ours. */
export function toAnalyticsError(thrown: unknown, backend: string): AnalyticsError {
  if (isAnalyticsError(thrown)) {
    return thrown;
  }
  let message = 'threw something that is no error';
  try {
    message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : message;
  } catch {
    // The error's own getters throw.
  }
  return new AnalyticsError('INTERNAL', message, { cause: thrown, backend });
}
