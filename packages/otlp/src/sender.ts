import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { AnalyticsError, type Clock } from '@toolweaver/analytics-core';
import { cleanId, pause, redact } from '@toolweaver/analytics-core/backend';
import { type Connection, post } from './http.ts';
import { type Encoding, judge, judgeNetworkError, type ReadAnswer, type Refused, type Verdict } from './verdict.ts';

const compress = promisify(gzip);

export interface SenderOptions extends Connection {
  /** Name of the backend, for its errors. */
  readonly name: string;
  readonly encoding: Encoding;
  readonly compression: 'gzip' | 'none';
  /** Called for each request, so that secrets are kept nowhere else. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Strings that must not appear in any message, even when the receiver repeats them. */
  readonly secrets: () => readonly string[];
  /** For a whole delivery: all attempts and the pauses between them. */
  readonly timeoutMs: number;
  readonly retry: { readonly minDelayMs: number; readonly maxDelayMs: number; readonly maxAttempts: number };
  readonly clock: Clock;
  readonly random: () => number;
  readonly onWarning: (message: string) => void;
}

export interface Delivery {
  readonly url: URL;
  readonly body: Uint8Array;
  readonly read: ReadAnswer;
  /** Whether the process may exit meanwhile. Default: false. */
  readonly background?: boolean;
  /** Default: that of the options. */
  readonly maxAttempts?: number;
}

export interface Sender {
  /** Resolves when the receiver accepted everything. Rejects with an AnalyticsError that has the receiver's message. */
  send(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

/** Delivers requests within a deadline. Retries where OTLP allows it, never earlier than the receiver asks. */
export function createSender(options: SenderOptions): Sender {
  const { name, encoding, compression, timeoutMs, retry, clock, random, tls, agent } = options;
  const contentType = encoding === 'json' ? 'application/json' : 'application/x-protobuf';

  /** Removes secrets, and puts the text on one line. */
  const clean = (text: string): string => cleanId(redact(text, options.secrets()));

  function failure({ code, message, retryAfterMs }: Omit<Refused, 'accepted' | 'mayRetry'>, url: URL): AnalyticsError {
    const text = `${name}: ${url.host}${url.pathname} ${clean(message)}`;
    return new AnalyticsError(code, text, { backend: name, retryAfterMs });
  }

  async function attempt(delivery: Delivery, body: Uint8Array, signal: AbortSignal): Promise<Verdict> {
    const { url, read, background = false } = delivery;
    const headers: Record<string, string> = { 'user-agent': 'toolweaver-analytics-otlp', ...options.headers() };
    headers['content-type'] = contentType;
    headers['accept-encoding'] = 'identity';
    if (compression === 'gzip') {
      headers['content-encoding'] = 'gzip';
    }
    try {
      const answer = await post({ url, headers, body, background, tls, agent }, signal);
      return judge(answer, url, read, encoding, clock.now());
    } catch (thrown) {
      signal.throwIfAborted();
      return judgeNetworkError(thrown);
    }
  }

  /** Full jitter, so that many processes do not retry together; never earlier than the receiver asks. */
  function delayMs({ retryAfterMs = 0 }: Refused, attempts: number): number {
    return Math.max(retryAfterMs, random() * Math.min(retry.maxDelayMs, retry.minDelayMs * 2 ** (attempts - 1)));
  }

  async function deliver(delivery: Delivery, signal: AbortSignal, deadlineMs: number, note: (last: Refused) => void) {
    const { url, background = false, maxAttempts = retry.maxAttempts } = delivery;
    const body = compression === 'gzip' ? await compress(delivery.body) : delivery.body;
    for (let attempts = 1; ; attempts += 1) {
      const verdict = await attempt(delivery, body, signal);
      if (verdict.accepted) {
        if (verdict.warning !== undefined) {
          options.onWarning(`${name}: ${url.host}${url.pathname} accepted, but says: ${clean(verdict.warning)}`);
        }
        return;
      }
      note(verdict);
      const pauseMs = delayMs(verdict, attempts);
      if (!verdict.mayRetry || attempts >= maxAttempts || clock.monotonic() + pauseMs >= deadlineMs) {
        throw failure(verdict, url);
      }
      // The next attempt throws if the signal was aborted.
      await pause(clock, pauseMs, signal, !background);
    }
  }

  async function send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { url } = delivery;
    const deadline = new AbortController();
    let last: Refused | undefined;
    const timer = clock.setTimeout(() => deadline.abort(), timeoutMs);
    // The delivery itself keeps the process alive, unless it is in the background.
    timer.unref?.();
    try {
      const either = AbortSignal.any([signal, deadline.signal]);
      await deliver(delivery, either, clock.monotonic() + timeoutMs, (refused) => {
        last = refused;
      });
    } catch (thrown) {
      if (signal.aborted) {
        // Its reason says only that time was up.
        throw failure(last ?? { code: 'TIMEOUT', message: 'has not answered' }, url);
      }
      if (!deadline.signal.aborted) {
        throw thrown;
      }
      const before = last === undefined ? '' : `; before, it ${last.message}`;
      const message = `has not answered within ${timeoutMs} ms${before}`;
      throw failure({ code: 'TIMEOUT', message, retryAfterMs: last?.retryAfterMs }, url);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  return {
    // A host that traces its HTTP requests did not ask for traces of ours.
    send: (delivery, signal) => context.with(suppressTracing(context.active()), () => send(delivery, signal)),
  };
}
