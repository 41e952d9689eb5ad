import { AnalyticsError } from '@toolweaver/analytics-core';

/** Details of a failed request, besides its message. */
export interface Failure {
  /** `refused` and `untrusted` (the certificate): the same request will fail again, so the run has to continue without the service. */
  readonly kind: 'refused' | 'untrusted' | 'unavailable';
  /** False if the service cannot have processed the request. */
  readonly mayHaveArrived: boolean;
  /** HTTP status, if there was an answer. */
  readonly status?: number | undefined;
}

const brand = Symbol('failure');

export interface FailureText extends Failure {
  readonly message: string;
  readonly cause?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** Creates the error of a failed request. Core retries it, unless the run goes offline before. */
export function serviceError({ message, cause, retryAfterMs, ...failure }: FailureText): AnalyticsError {
  const error = new AnalyticsError('BACKEND_UNAVAILABLE', message, { cause, retryAfterMs });
  return Object.assign(error, { [brand]: failure });
}

/** Undefined for an error that did not come from a request. */
export function failureOf(error: unknown): Failure | undefined {
  return error instanceof Error && brand in error ? (error[brand] as Failure) : undefined;
}

export function isRefused(error: unknown): boolean {
  const kind = failureOf(error)?.kind;
  return kind === 'refused' || kind === 'untrusted';
}

/** Statuses of a request whose content is refused. Others, such as that of a revoked key, refuse every request. */
const refusalsOfContent: readonly number[] = [400, 413, 422];

/** Whether the service refused what was sent, and may accept other requests. The errors of GraphQL have no status. */
export function isContentRefused(error: unknown): boolean {
  const { kind, status } = failureOf(error) ?? {};
  return kind === 'refused' && (status === undefined || refusalsOfContent.includes(status));
}

/** Statuses that a retry does not change. */
const refusals: readonly number[] = [400, 401, 403, 404, 409, 410, 413, 422, 501];

export function isFinalStatus(status: number): boolean {
  return refusals.includes(status);
}

/** Advice to the user about a status. */
export function adviceOn(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return ': check the API key, and its access to the entity and the project';
    case 404:
    case 410:
      return ': the run or the project is gone, or the base URL is wrong';
    case 413:
      return ': the request is too large for it';
    default:
      return status >= 300 && status < 400 ? ': redirects are not followed; check the base URL' : '';
  }
}

/** Code of a system or `fetch` error, e.g. `ECONNREFUSED`, from the error or its causes. */
export function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const inner = at instanceof AggregateError ? at.errors[0] : undefined;
    const code = (at as { code?: unknown }).code ?? (inner as { code?: unknown } | undefined)?.code;
    if (typeof code === 'string' && code !== '') {
      return code;
    }
  }
  return '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
