import { AnalyticsError, type Clock } from '@toolweaver/analytics-core';
import {
  failureReason,
  maxRetryAfterMs,
  retryAfterMs,
  untilAborted,
  withoutAnswer,
} from '@toolweaver/analytics-core/backend';
import { codeOf, messageOf, serviceError } from '../failure.ts';

interface HttpRequest {
  readonly method: 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | Blob;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly text: string;
  /** Pause that the service asks for: `Retry-After`, or `RateLimit-Reset` when no requests remain. 0: none. */
  readonly waitMs: number;
}

export type Http = (url: string, request: HttpRequest) => Promise<HttpReply>;

/** The service's answers have a few kB; a longer one than this comes from something else. */
const maxAnswerBytes = 16 * 1024 * 1024;
/** Errors before any byte is sent, unless an answer has begun: TLS can also fail during one. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_SSL|ERR_TLS|CERT_)/;
/** Errors of certificates, which a retry does not fix. */
const untrusted = /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** Sends single requests: no retries, no redirects, with a timeout and a limit on the size of the answer. */
export function createHttp(fetch: typeof globalThis.fetch, clock: Clock): Http {
  return async (url, { method, headers, body, timeoutMs, signal }) => {
    const { origin } = new URL(url);
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal?.reason);
    const timer = clock.setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    timer.unref?.();
    signal?.addEventListener('abort', abort, { once: true });
    let answered = false;

    async function send(): Promise<HttpReply> {
      const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: controller.signal });
      answered = true;
      const text = await readText(response);
      return { status: response.status, text, waitMs: waitMsOf(response.headers, clock.now()) };
    }

    try {
      signal?.throwIfAborted();
      // The user's `fetch` may ignore the signal.
      return await untilAborted(send(), controller.signal);
    } catch (cause) {
      if (isUnreadable(cause)) {
        throw new AnalyticsError('EVENTS_REJECTED', 'a file changed while it was read', { cause });
      }
      const code = codeOf(cause);
      const reason = controller.signal.aborted ? messageOf(controller.signal.reason) : code || failureReason(cause);
      throw serviceError({
        kind: untrusted.test(code) ? 'untrusted' : 'unavailable',
        mayHaveArrived: answered || !(neverSent.test(code) || untrusted.test(code)),
        message: `a request to ${origin} failed: ${reason}`,
        cause: withoutAnswer(cause),
      });
    } finally {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) {
      throw new Error(`an answer of more than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** How long the service asks to wait. */
function waitMsOf(headers: Headers, now: number): number {
  const remaining = Number(headers.get('ratelimit-remaining') ?? Number.NaN);
  const reset = Number(headers.get('ratelimit-reset') ?? Number.NaN);
  const untilReset = remaining < 1 && reset > 0 ? Math.min(reset * 1000, maxRetryAfterMs) : 0;
  return retryAfterMs(headers.get('retry-after'), now) ?? untilReset;
}

/** Whether the file that is sent could not be read, which says nothing about the service. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.name === 'NotReadableError';
}
