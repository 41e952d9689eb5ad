import { AnalyticsError, type Clock } from '@toolweaver/analytics-core';
import { withoutAnswer } from '@toolweaver/analytics-core/backend';
import { codeOf, messageOf, serviceError } from '../failure.ts';
import { untilAborted } from '../until-aborted.ts';

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
  /** The wish to be asked later: of `Retry-After`, or of `RateLimit-Reset` when nothing remains. 0: none. */
  readonly waitMs: number;
}

export type Http = (url: string, request: HttpRequest) => Promise<HttpReply>;

/** An answer of ours is a few kB; what goes on after this is no answer of the service. */
const maxAnswerBytes = 16 * 1024 * 1024;
/** These come before a byte was sent, unless an answer has begun: TLS can fail within one, too. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_SSL|ERR_TLS|CERT_)/;
/** A certificate does not become right by asking again. */
const untrusted = /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** Sends single requests: no retries, no redirects, within a deadline, and with a bound on the answer. */
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
      // A fetch of the user's may pass over its signal.
      return await untilAborted(send(), controller.signal);
    } catch (cause) {
      if (isUnreadable(cause)) {
        throw new AnalyticsError('EVENTS_REJECTED', 'a file changed while it was read', { cause });
      }
      const code = codeOf(cause);
      const reason = controller.signal.aborted ? messageOf(controller.signal.reason) : code || reasonOf(cause);
      throw serviceError({
        kind: untrusted.test(code) ? 'refused' : 'unavailable',
        mayHaveArrived: answered || !(neverSent.test(code) || untrusted.test(code)),
        message: `${origin} could not be asked: ${reason}`,
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

function waitMsOf(headers: Headers, now: number): number {
  const after = headers.get('retry-after');
  if (after !== null) {
    const ms = /^\s*\d+(\.\d+)?\s*$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now;
    return ms > 0 ? ms : 0;
  }
  const remaining = Number(headers.get('ratelimit-remaining') ?? Number.NaN);
  const reset = Number(headers.get('ratelimit-reset') ?? Number.NaN);
  return remaining < 1 && reset > 0 ? reset * 1000 : 0;
}

/** Of a file that is sent: says nothing about whom it is sent to. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.name === 'NotReadableError';
}

/** `fetch` only says that it failed; why says the cause. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
