import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '@toolweaver/analytics-core';
import { describeThrown } from '@toolweaver/analytics-core/backend';
import type { Answer } from './http.ts';
import { statusMessage } from './status-message.ts';

/** What an answer, or none, says about what was sent. */
export type Verdict = Accepted | Refused;

interface Accepted {
  readonly accepted: true;
  /** The receiver took everything, but has something to say about it. */
  readonly warning?: string;
}

export interface Refused {
  readonly accepted: false;
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether OTLP allows that the same is sent again. */
  readonly mayRetry: boolean;
  /** The receiver's wish. */
  readonly retryAfterMs?: number | undefined;
}

/** The part of what was sent that the receiver did not take. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** Reads a receiver's answer; throws when it is none. */
export type ReadAnswer = (body: Uint8Array, encoding: Encoding) => PartialSuccess;
export type Encoding = 'protobuf' | 'json';

/**
 * Reads the answer of a signal, whose response has the number of those refused in `rejectedField`. OpenTelemetry's own reader of JSON
 * takes for an empty answer what is none.
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
  // In JSON, 64-bit numbers are texts.
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
/** The address or the credentials are wrong, and will be the next time. */
const configStatuses: readonly number[] = [401, 403, 404, 405];

/** `url` is what was asked; `nowMs` is Unix time. */
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
  return {
    accepted: false,
    code: codeOf(status),
    message: `answered ${status} ${statusText}`.trim() + (words === '' ? '' : `: ${words}`),
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

/** A status of success is no proof: part of it may be refused, and any web page answers 200. */
function judgeSuccess({ status, headers, body, isWhole }: Answer, read: ReadAnswer, sent: Encoding): Verdict {
  if (body.length === 0) {
    return { accepted: true };
  }
  const type = mediaType(headers);
  const encoding = encodingOf(type, sent);
  let partial: PartialSuccess | undefined;
  if (encoding !== undefined && isWhole && headers['content-encoding'] === undefined) {
    try {
      partial = read(body, encoding);
    } catch {
      // What cannot be read is judged below.
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

/** Errors of Node's network that may be gone the next time; those of TLS or of what is no HTTP are not. */
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

/** Of Node's parser, for a first line that is none of an answer, such as the greeting of another protocol. */
const foreignErrors: readonly unknown[] = ['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION'];
const foreign =
  'what listens there does not speak HTTP/1.1; port 4317 is usually that of gRPC, and OTLP over HTTP usually at 4318';

/** For a request that got no answer. */
export function judgeNetworkError(thrown: unknown): Refused {
  const { code } = thrown as NodeJS.ErrnoException;
  // Of a host with several addresses, each has failed in its own way.
  const said = thrown instanceof AggregateError ? thrown.errors.map(messageOf).join(', ') : messageOf(thrown);
  const text = foreignErrors.includes(code) ? foreign : said || String(code);
  return {
    accepted: false,
    code: 'BACKEND_UNAVAILABLE',
    message: `no answer: ${text}${code === undefined || text.includes(code) ? '' : ` (${code})`}`,
    mayRetry: passingErrors.includes(code),
  };
}

function messageOf(thrown: unknown): string {
  return describeThrown(thrown).message ?? '';
}

function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function encodingOf(type: string, byDefault: Encoding): Encoding | undefined {
  const encodings: Readonly<Record<string, Encoding>> = {
    'application/x-protobuf': 'protobuf',
    'application/json': 'json',
    '': byDefault,
  };
  return encodings[type];
}

/** What the body of a failure says to people. */
function wordsOf({ headers, body }: Answer): string {
  const type = mediaType(headers);
  if (headers['content-encoding'] !== undefined || type === 'text/html') {
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
      // As it is, then.
    }
  }
  return text;
}

/** Seconds, or the date of HTTP; undefined for what is neither. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) {
    return undefined;
  }
  if (/^\d+$/.test(header)) {
    return Number(header) * 1000;
  }
  const at = / GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** Without its query and user, which may be secrets. */
function redirectTarget(location: string | undefined, url: URL): string {
  if (location === undefined || !URL.canParse(location, url.href)) {
    return '';
  }
  const { origin, pathname } = new URL(location, url);
  return ` to ${origin}${pathname}`;
}
