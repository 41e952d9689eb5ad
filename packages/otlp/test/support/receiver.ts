import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type HeldPort, holdPort } from '../../../../test/support/port.ts';
import { type Decoded, decode, type Headers } from './wire.ts';

export interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** Of the arrival, on a clock that only goes on; ms. */
  readonly atMs: number;
  /** Whether it was answered with success. */
  accepted: boolean;
  decoded(): Decoded;
}

/** Answers a request; `index` counts them from 0. */
export type Script = (response: ServerResponse, index: number, request: IncomingMessage) => void;

export interface Receiver {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: readonly Received[];
  /** How requests are answered from now on. Default: 200. */
  script(answer: Script): void;
  /** Nobody listens, and nobody is connected, until it starts again; nobody else gets its port meanwhile. */
  pause(): Promise<void>;
  /** Listens again, at the same port. */
  start(): Promise<void>;
  /** Nobody listens, and nobody is connected, from now on. */
  stop(): Promise<void>;
  /** Resolves when so many requests have come in. */
  received(count: number): Promise<void>;
}

const ok: Script = (response) => void response.end();

/** A receiver of OTLP on this machine, in the hands of a test. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = [];
  const sockets = new Set<Socket>();
  let answer = ok;
  let port = 0;
  /** While it pauses. */
  let held: HeldPort | undefined;
  let arrived = Promise.withResolvers<void>();

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) {
        chunks.push(chunk);
      }
    } catch {
      return;
    }
    const { url = '', headers } = request;
    const bytes = Buffer.concat(chunks);
    const received: Received = {
      path: url,
      headers,
      bytes,
      atMs: performance.now(),
      accepted: false,
      decoded: () => decode(url, headers, bytes),
    };
    requests.push(received);
    answer(response, requests.length - 1, request);
    received.accepted = response.writableEnded && response.statusCode < 300;
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });

  async function start(): Promise<void> {
    held?.release();
    held = undefined;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    port = (server.address() as AddressInfo).port;
  }

  function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of sockets) {
      socket.destroy();
    }
    return closed;
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    script(next) {
      answer = next;
    },
    start,
    async pause() {
      const closed = close();
      held = await holdPort(port);
      await closed;
    },
    stop() {
      held?.release();
      return close();
    },
    async received(count) {
      while (requests.length < count) {
        await arrived.promise;
      }
    },
  };
}
