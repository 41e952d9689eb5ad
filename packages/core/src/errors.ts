import { thrownText } from './values/thrown.ts';

/**
 * The closed set of codes. Codes are stable across minor versions; messages are not.
 *
 * | code | meaning | thrown at start | retried by delivery |
 * | --- | --- | --- | --- |
 * | `INVALID_CONFIG` | options or environment are wrong; `problems` lists all of them | yes | |
 * | `UNKNOWN_BACKEND` | a backend name that does not exist | yes | |
 * | `BACKEND_NOT_INSTALLED` | the backend's package is missing; the message holds the install command | yes | |
 * | `UNSUPPORTED` | this runtime or this set of backends cannot do what was asked | yes | |
 * | `INVALID_EVENT` | a recorded event was refused, or part of it left out; `problems` names the field | | |
 * | `BACKEND_UNAVAILABLE` | the far side cannot be reached or asks to be tried later | by a backend that cannot be opened | yes |
 * | `STORAGE_FULL` | the far side has no room | by a backend that cannot be opened | yes |
 * | `EVENTS_REJECTED` | the far side refuses these very events | | halves, to spare the good ones |
 * | `TOO_LARGE` | the batch is too large for the far side | | halves |
 * | `TIMEOUT` | a deadline passed, or a write has not ended for a minute | | |
 * | `EVENTS_DROPPED` | events were lost; the message says how many and why | | |
 * | `CLOSED` | used after `close()` | | |
 * | `INTERNAL` | anything else: a defect in a backend, a callback or this library | | |
 */
export type ErrorCode =
  | 'INVALID_CONFIG'
  | 'UNKNOWN_BACKEND'
  | 'BACKEND_NOT_INSTALLED'
  | 'UNSUPPORTED'
  | 'INVALID_EVENT'
  | 'BACKEND_UNAVAILABLE'
  | 'STORAGE_FULL'
  | 'EVENTS_REJECTED'
  | 'TOO_LARGE'
  | 'TIMEOUT'
  | 'EVENTS_DROPPED'
  | 'CLOSED'
  | 'INTERNAL';

/** One thing that is wrong with an input: which field or variable, and what would be right. Never holds a secret value. */
export interface Problem {
  /** Option, event field or environment variable, e.g. `latencyMs` or `ANALYTICS_DB_PATH`. */
  readonly field: string;
  /** What was wrong, what is allowed and what to do. */
  readonly message: string;
}

/** What an error holds besides its code and message. */
export interface AnalyticsErrorOptions {
  readonly cause?: unknown;
  /** Name of the backend that the error concerns. */
  readonly backend?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  /** How long the far side asks to wait before a retry, in ms (an HTTP `Retry-After`, say). */
  readonly retryAfterMs?: number | undefined;
}

const brand: unique symbol = Symbol.for('@toolweaver/analytics-core/AnalyticsError') as never;

/** The only error class of these packages. Tell errors apart by `code`. */
export class AnalyticsError extends Error {
  override readonly name = 'AnalyticsError';
  readonly code: ErrorCode;
  readonly backend: string | undefined;
  readonly problems: readonly Problem[];
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: AnalyticsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : options);
    this.code = code;
    this.backend = options.backend;
    this.problems = options.problems ?? [];
    this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The error for `JSON.stringify`, with its message, which other errors lack there. */
  toJSON(): object {
    return { ...this, message: this.message };
  }
}

/** An error about a backend; its message begins with the backend's name. */
export function backendError(backend: string, code: ErrorCode, message: string, cause?: unknown): AnalyticsError {
  return new AnalyticsError(code, `${backend}: ${message}`, { cause, backend });
}

/** The message of an error about a backend, without the name at its start, to be quoted in another one. */
export function withoutName({ backend, message }: AnalyticsError): string {
  return message.startsWith(`${backend}: `) ? message.slice(`${backend}: `.length) : message;
}

/** True for an `AnalyticsError` of any copy of this package (`instanceof` fails when two copies are installed). */
export function isAnalyticsError(value: unknown): value is AnalyticsError {
  try {
    return value instanceof Error && brand in value;
  } catch {
    // A Proxy whose traps throw.
    return false;
  }
}

/** Makes one `INVALID_CONFIG` error out of any number of problems. */
export function configError(problems: readonly Problem[]): AnalyticsError {
  const list = problems.map(({ field, message }) => `${field}: ${message}`);
  const text = list.length === 1 ? list[0] : `${list.length} problems:\n  - ${list.join('\n  - ')}`;
  return new AnalyticsError('INVALID_CONFIG', `Invalid analytics options: ${text}`, { problems });
}

/** Returns what `read` reads from an `AnalyticsError`; undefined for anything else, and if a getter throws. */
export function ifOurs<T>(thrown: unknown, read: (error: AnalyticsError) => T): T | undefined {
  try {
    return isAnalyticsError(thrown) ? read(thrown) : undefined;
  } catch {
    return undefined;
  }
}

/** The same error with another message, caused by it: it may be the user's, and may be used again. */
export function copyOf(
  error: AnalyticsError,
  message: string,
  backend: string | undefined = error.backend,
): AnalyticsError {
  return new AnalyticsError(error.code, message, { ...error, cause: error, backend });
}

/** Returns what a backend threw as an `AnalyticsError` that names the backend. */
export function toAnalyticsError(thrown: unknown, backend: string): AnalyticsError {
  const ours = ifOurs(thrown, (error) => (error.backend === undefined ? copyOf(error, error.message, backend) : error));
  return ours ?? backendError(backend, 'INTERNAL', thrownText(thrown), thrown);
}
