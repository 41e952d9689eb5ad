import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '@toolweaver/analytics-core';
import { failureReason, retryAfterMs } from '@toolweaver/analytics-core/backend';
import type { Answer } from './http.ts';
import { statusMessage } from './status-message.ts';

/** What an answer, or its absence, says about a request. */
export type Verdict = Accepted | Refused;

interface Accepted {
  readonly accepted: true;
  /** Set when the receiver accepted everything but added a message. */
  readonly warning?: string;
}

export interface Refused {
  readonly accepted: false;
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether OTLP allows the request to be retried. */
  readonly mayRetry: boolean;
  /** How long the receiver asks to wait. */
  readonly retryAfterMs?: number | undefined;
}

/** What the receiver did not accept. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** Reads the body of an answer; throws when it is not one of OTLP. */
export type ReadAnswer = (body: Uint8Array, encoding: Encoding) => PartialSuccess;
export type Encoding = 'protobuf' | 'json';

/**
 * Reads the answer for a signal, which has the number of refused items in `rejectedField`. OpenTelemetry's own JSON reader takes
 * anything else for an empty answer.
 * @throws Error for what is no answer.
 */
export function readPartialSuccess(
  body: Uint8Array,
  encoding: Encoding,
  { deserializeResponse }: { deserializeResponse(data: Uint8Array): object },
  rejectedField: string,
): PartialSuccess {
  const answer: unknown = encoding === 'json' ? JSON.parse(Buffer.from(body).toString()) : deserializeResponse(body);
  const { partialSuccess } = fieldsOf(answer);
  const { [rejectedField]: count, errorMessage } = fieldsOf(partialSuccess ?? {});
  // In JSON, 64-bit integers are strings.
  const rejected = Number(count ?? 0);
  const message = errorMessage ?? '';
  if (!Number.isFinite(rejected) || typeof message !== 'string') {
    throw new TypeError('this is no answer of OTLP');
  }
  return { rejected, message };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('this is no answer of OTLP');
  }
  return value as Readonly<Record<string, unknown>>;
}

/** https://opentelemetry.io/docs/specs/otlp/#failures-1 */
const retryableStatuses: readonly number[] = [429, 502, 503, 504];
/** The address or the credentials are wrong, so a retry would not help. */
const configStatuses: readonly number[] = [401, 403, 404, 405];
const aboutCredentials =
  'check OTLP_INSTANCE_ID and OTLP_TOKEN, or the headers; a token of Grafana Cloud needs the scope metrics:write';

/** `url`: that of the request. `nowMs`: Unix time. */
export function judge(answer: Answer, url: URL, read: ReadAnswer, sent: Encoding, nowMs: number): Verdict {
  const { status, statusText, headers } = answer;
  if (status >= 200 && status < 300) {
    return judgeSuccess(answer, read, sent);
  }
  if (status >= 300 && status < 400) {
    const target = redirectTarget(headers.location, url);
    const message = `answered ${status}, a redirect${target}; redirects are not followed: name the address itself`;
    return { accepted: false, code: 'INVALID_CONFIG', message, mayRetry: false };
  }
  const words = wordsOf(answer);
  const advice = status === 401 || status === 403 ? `; ${aboutCredentials}` : '';
  return {
    accepted: false,
    code: codeOf(status),
    message: `answered ${status} ${statusText}`.trim() + (words === '' ? '' : `: ${words}`) + advice,
    mayRetry: retryableStatuses.includes(status),
    retryAfterMs: retryAfterMs(headers['retry-after'], nowMs),
  };
}

function codeOf(status: number): ErrorCode {
  if (configStatuses.includes(status)) {
    return 'INVALID_CONFIG';
  }
  if (status === 413) {
    return 'TOO_LARGE';
  }
  return status >= 500 || status === 408 || status === 429 ? 'BACKEND_UNAVAILABLE' : 'EVENTS_REJECTED';
}

/** A success status proves nothing: part of the request may be refused, and any web page answers 200. */
function judgeSuccess({ status, headers, body, isWhole }: Answer, read: ReadAnswer, sent: Encoding): Verdict {
  if (body.length === 0) {
    return { accepted: true };
  }
  const type = mediaType(headers);
  const encoding = encodingOf(type, sent);
  let partial: PartialSuccess | undefined;
  if (encoding !== undefined && isWhole && !isCompressed(headers)) {
    try {
      partial = read(body, encoding);
    } catch {
      // An unreadable answer is judged below.
    }
  }
  if (partial === undefined) {
    const what = isWhole ? type || 'an unknown type' : `more than ${body.length} bytes`;
    const message = `answered ${status}, but with ${what} that is no answer of an OTLP receiver; is the address right?`;
    return { accepted: false, code: 'INVALID_CONFIG', message, mayRetry: false };
  }
  const { rejected, message } = partial;
  if (rejected > 0) {
    const text = `refused ${rejected} of what was sent: ${message || 'it does not say why'}`;
    return { accepted: false, code: 'EVENTS_REJECTED', message: text, mayRetry: false };
  }
  return message === '' ? { accepted: true } : { accepted: true, warning: message };
}

/** Node's network errors that may be temporary, unlike those of TLS or of a peer that does not speak HTTP. */
const passingErrors: readonly unknown[] = [
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
];

/** Errors of Node's parser for a first line that is not HTTP's, such as the greeting of another protocol. */
const foreignErrors: readonly unknown[] = ['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION'];
const foreign =
  'what listens there does not speak HTTP/1.1; port 4317 is usually that of gRPC, and OTLP over HTTP usually at 4318';

/** Judges a request that got no answer. */
export function judgeNetworkError(thrown: unknown): Refused {
  const { code } = thrown as NodeJS.ErrnoException;
  return {
    accepted: false,
    code: 'BACKEND_UNAVAILABLE',
    message: `no answer: ${foreignErrors.includes(code) ? `${foreign} (${code})` : failureReason(thrown)}`,
    mayRetry: passingErrors.includes(code),
  };
}

function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** `identity`, which is what the request asks for, is no encoding. */
function isCompressed(headers: IncomingHttpHeaders): boolean {
  return (headers['content-encoding'] ?? 'identity').trim().toLowerCase() !== 'identity';
}

function encodingOf(type: string, byDefault: Encoding): Encoding | undefined {
  const encodings: Readonly<Record<string, Encoding>> = {
    'application/x-protobuf': 'protobuf',
    'application/json': 'json',
    '': byDefault,
  };
  return encodings[type];
}

/** Returns the part of a failure's body that is meant for people. */
function wordsOf({ headers, body }: Answer): string {
  const type = mediaType(headers);
  if (isCompressed(headers) || type === 'text/html') {
    return '';
  }
  if (type === 'application/x-protobuf') {
    return statusMessage(body) ?? '';
  }
  const text = body.toString();
  if (type === 'application/json') {
    try {
      const { message } = JSON.parse(text) as { message?: unknown };
      return typeof message === 'string' ? message : text;
    } catch {
      // Not JSON after all: returned as it is.
    }
  }
  return text;
}

/** Leaves out the query and the user, which may be secrets. */
function redirectTarget(location: string | undefined, url: URL): string {
  if (location === undefined || !URL.canParse(location, url.href)) {
    return '';
  }
  const { origin, pathname } = new URL(location, url);
  return ` to ${origin}${pathname}`;
}
