import { type Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SecureContextOptions } from 'node:tls';

/** More than any receiver has to say. The rest of a longer answer is not read. */
const maxAnswerBytes = 64 * 1024;

export interface Connection {
  /** Of the next connection. */
  readonly tls: () => SecureContextOptions;
  readonly agent: Agent | undefined;
}

export interface Post extends Connection {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether the process may exit meanwhile. */
  readonly background: boolean;
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** The first 64 KiB at most. */
  readonly body: Buffer;
  /** Whether `body` is the whole answer. */
  readonly isWhole: boolean;
}

/**
 * Sends one request; resolves with its answer, whatever the status, redirects included. Without an agent, each opens a
 * connection, so that none is used that the other side has closed, and none is left behind. Rejects with Node's error or the
 * signal's reason.
 */
export function post({ url, headers, body, background, tls, agent }: Post, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  signal.throwIfAborted();
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const sent = request(url, {
    method: 'POST',
    agent: agent ?? false,
    ...tls(),
    headers: { ...headers, 'content-length': body.byteLength },
  });
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort);
  sent.on('error', reject);
  sent.on('response', (response) => receive(response, resolve, reject));
  if (background) {
    sent.on('socket', (socket) => socket.unref());
  }
  sent.end(body);
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    // After an abort, an answer that is too long, or one that came before all was sent, the rest would keep the connection busy,
    // even that of an agent. A connection that the agent has back is no longer the request's, and stays open.
    sent.destroy();
  });
}

function receive(response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
  const { statusCode = 0, statusMessage = '', headers } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  function done(isWhole: boolean): void {
    const body = Buffer.concat(chunks).subarray(0, maxAnswerBytes);
    resolve({ status: statusCode, statusText: statusMessage, headers, body, isWhole });
  }
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) {
      done(false);
    }
  });
  response.on('end', () => done(true));
  response.on('error', reject);
}
