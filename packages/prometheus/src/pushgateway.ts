import { AnalyticsError, type ErrorCode } from '@toolweaver/analytics-core';
import {
  failureReason,
  redact,
  secretsOfHeader,
  untilAborted,
  withoutAnswer,
} from '@toolweaver/analytics-core/backend';
import type { Exposition } from './answer.ts';
import type { PushgatewayTarget } from './pushgateway-options.ts';

/** The group of this program on a Pushgateway; each call rejects with an `AnalyticsError` if the gateway did not do it. */
export interface Pushgateway {
  /** Replaces all that the group has with the metrics. */
  push(signal?: AbortSignal): Promise<void>;
  /** Replaces only the metrics of the same names. */
  add(signal?: AbortSignal): Promise<void>;
  /** Deletes the group. */
  delete(signal?: AbortSignal): Promise<void>;
}

export interface PushgatewayClient extends Pushgateway {
  /** Asks the gateway whether it is ready. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface PushgatewayClientOptions extends Exposition {
  /** Of the backend, for error messages. */
  readonly name: string;
  readonly target: PushgatewayTarget;
}

const longestReason = 500;
/** Of an answer: more than is shown, so that a secret at the end of what is shown is read whole, and recognised. */
const longestRead = 64 * 1024;

// prom-client can push, too, but without a deadline for a whole request, and not for a job with a slash in its name.
export function pushgatewayClient({ name, target, render, contentType }: PushgatewayClientOptions): PushgatewayClient {
  const group = `${target.url}/metrics${groupPath(target)}`;
  let last: Promise<void> = Promise.resolve();

  const secrets = (): string[] => secretsOfHeader(target.authorization?.reveal() ?? '');

  const failureOf =
    (method: string, url: string) =>
    (code: ErrorCode, reason: string, cause?: unknown): AnalyticsError =>
      new AnalyticsError(code, `${name}: ${method} ${url} ${reason}`, { backend: name, cause });

  async function request(
    method: string,
    url: string,
    makeBody: () => Promise<Buffer> | null,
    signal?: AbortSignal,
  ): Promise<void> {
    const deadline = AbortSignal.timeout(target.timeoutMs);
    const until = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const fail = failureOf(method, url);
    try {
      const making = makeBody();
      const body = making && (await untilAborted(making, until));
      const response = await fetch(url, {
        method,
        // Otherwise a redirect could send the figures, and the authorization, anywhere.
        redirect: 'manual',
        signal: until,
        headers: {
          ...(body && { 'content-type': contentType() }),
          ...(target.authorization && { authorization: target.authorization.reveal() }),
        },
        body: body && new Uint8Array(body),
      });
      const isPage = /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
      const reason = await startOf(response);
      if (response.status < 200 || response.status >= 300) {
        const words = isPage ? `${response.statusText} (a web page)` : reason || response.statusText;
        const said = redact(words, secrets())
          .replaceAll(/[\s\p{Cc}]+/gu, ' ')
          .slice(0, longestReason);
        throw fail(codeOf(response.status), `was answered with ${response.status}: ${said.trim()}`);
      }
      // Such as the login page of a proxy in front of the gateway.
      if (isPage) {
        throw fail('BACKEND_UNAVAILABLE', 'was answered with a web page, which cannot come from a Pushgateway');
      }
    } catch (error) {
      if (error instanceof AnalyticsError) {
        throw error;
      }
      if (deadline.aborted) {
        throw fail('BACKEND_UNAVAILABLE', `took longer than ${target.timeoutMs} ms`, error);
      }
      throw fail('BACKEND_UNAVAILABLE', `failed: ${failureReason(error)}`, withoutAnswer(error));
    }
  }

  /** One after the other: a slow push must not overwrite a later one. */
  function inTurn(method: string, makeBody: () => Promise<Buffer> | null, signal?: AbortSignal): Promise<void> {
    const result = last.then(() => request(method, group, makeBody, signal));
    last = result.catch(() => {});
    return untilAborted(result, signal).catch((error) => {
      const aborted = failureOf(method, group)('BACKEND_UNAVAILABLE', `was aborted: ${failureReason(error)}`, error);
      throw error instanceof AnalyticsError ? error : aborted;
    });
  }

  return {
    push: (signal) => inTurn('PUT', render, signal),
    add: (signal) => inTurn('POST', render, signal),
    delete: (signal) => inTurn('DELETE', () => null, signal),
    probe: (signal) => request('GET', `${target.url}/-/ready`, () => null, signal),
  };
}

/** https://github.com/prometheus/pushgateway#url */
function groupPath({ job, grouping }: PushgatewayTarget): string {
  return [['job', job] as const, ...Object.entries(grouping)].map(([label, value]) => pair(label, value)).join('');
}

function pair(label: string, value: string): string {
  // As a part of the path, these would change it: dots are resolved, and slashes separate.
  if (!/^\.{0,2}$|\//.test(value)) {
    return `/${label}/${encodeURIComponent(value)}`;
  }
  return `/${label}@base64/${Buffer.from(value).toString('base64url') || '='}`;
}

/** The text of an answer, up to `longestRead`. */
async function startOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > longestRead) {
      break;
    }
  }
  return text.trim();
}

function codeOf(status: number): ErrorCode {
  if (status >= 500 || status === 408 || status === 429) {
    return 'BACKEND_UNAVAILABLE';
  }
  return status === 400 || status === 413 || status === 415 || status === 422 ? 'EVENTS_REJECTED' : 'INVALID_CONFIG';
}
