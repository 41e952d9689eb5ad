import { AnalyticsError, type ErrorCode } from '@toolweaver/analytics-core';
import { tell } from '@toolweaver/analytics-core/backend';
import { messageOf } from './failure.ts';
import type { ConnectionOptions } from './settings/options.ts';

export type Notify = (message: string, cause?: unknown, code?: ErrorCode) => void;

/** Returns a function that reports problems to `onNotice`. Errors that the callback throws are ignored. */
export function createNotify(backend: string, onNotice: ConnectionOptions['onNotice']): Notify {
  return (message, cause, code = 'BACKEND_UNAVAILABLE') =>
    tell(onNotice, new AnalyticsError(code, `${backend}: ${message}`, { backend, cause }));
}

/** Returns the error as an AnalyticsError with the backend's name. */
export function named(error: unknown, backend: string): AnalyticsError {
  const known = error instanceof AnalyticsError ? error : undefined;
  if (known?.backend !== undefined) {
    return known;
  }
  const options = {
    backend,
    cause: known?.cause ?? error,
    problems: known?.problems ?? [],
    retryAfterMs: known?.retryAfterMs,
  };
  return new AnalyticsError(known?.code ?? 'INTERNAL', `${backend}: ${messageOf(error)}`, options);
}
