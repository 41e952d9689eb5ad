import type { Clock } from '../client.ts';
import { type AnalyticsError, copyOf, type ErrorCode } from '../errors.ts';

/** Calls a listener of the host. What it throws, or rejects with if it is async, is ignored. */
export function tell<T>(listener: ((value: T) => unknown) | undefined, value: T): void {
  try {
    Promise.resolve(listener?.(value)).catch(() => {});
  } catch {
    // The host's error, not ours.
  }
}

/** At most one call a minute for each pair of code and `about`. */
const intervalMs = 60_000;

/** Reports to the host what went wrong inside. */
export interface Reporter {
  /** `about` is a backend or a field, of few distinct values. `make` is called only if the error will be passed on. */
  report(code: ErrorCode, about: string | undefined, make: () => AnalyticsError): void;
}

/** Passes errors to the user's callback, at a bounded rate; what the callback throws or rejects with is swallowed. */
export function createReporter(onError: ((error: AnalyticsError) => unknown) | undefined, clock: Clock): Reporter {
  const recent = new Map<string, { at: number; left: number }>();
  return {
    report(code, about, make) {
      if (onError === undefined) {
        return;
      }
      try {
        const key = `${code} ${about}`;
        const now = clock.monotonic();
        const last = recent.get(key);
        if (last !== undefined && !(now - last.at >= intervalMs)) {
          last.left += 1;
          return;
        }
        recent.set(key, { at: now, left: 0 });
        tell(onError, withCount(make(), last?.left ?? 0));
      } catch {
        // An error that cannot be read must not hurt the host either.
      }
    },
  };
}

/** Adds the count to a copy, as the error may be the user's, and may be reported again. */
function withCount(error: AnalyticsError, left: number): AnalyticsError {
  return left === 0 ? error : copyOf(error, `${error.message} (${left} more since the last report)`);
}
