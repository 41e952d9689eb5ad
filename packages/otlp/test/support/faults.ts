import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { onTestFinished, vi } from 'vitest';
import { type Certificate, certificates } from '../../../../test/support/certificates.ts';

type Handle = (socket: Socket) => void;

export interface FaultyServer {
  readonly url: string;
  readonly port: number;
  /** How many connections there were. */
  readonly connections: number;
}

/** A server of TCP that does this with each connection; it ends with the test. */
export async function faultyServer(handle: Handle): Promise<FaultyServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    handle(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections;
    },
  };
}

/** Listens on a free port of this machine. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

/** Answers the request with this, and does no more. */
export const answerWith =
  (text: string): Handle =>
  (socket) =>
    void socket.once('data', () => socket.write(text));

/** Answers with this, and then byte by byte, without an end. */
const trickle =
  (head: string): Handle =>
  (socket) =>
    void socket.once('data', () => {
      socket.write(head);
      const timer = setInterval(() => socket.write('a'), 20);
      socket.on('close', () => clearInterval(timer));
    });

const half = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf';

/** When a connection is closed, and how. */
export const closings: readonly (readonly [string, Handle])[] = [
  ['at once', (socket) => socket.resetAndDestroy()],
  ['in the middle of the request', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
  [
    'in the middle of the answer',
    (socket) => void socket.once('data', () => void socket.write(half, () => socket.resetAndDestroy())),
  ],
  ['in the middle of the answer, by an end', (socket) => void socket.once('data', () => socket.end(half))],
  ['before the answer, by an end', (socket) => void socket.once('data', () => socket.end())],
];

/**
 * Nobody listens there, and no server gets the port by chance: it is below those that are given out. 9 is none that `fetch` asks.
 */
export const nobody = 'http://127.0.0.1:2';

/** Every name has these addresses, until the test ends. */
export function resolveTo(...addresses: readonly string[]): void {
  const answer = (_: string, __: object, found: (error: null, all: readonly dns.LookupAddress[]) => void): void =>
    found(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(answer as never);
  onTestFinished(() => lookup.mockRestore());
}

/** Answers that are no HTTP. */
export const garbage: readonly (readonly [string, string])[] = [
  ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['odd bytes', '\x16\x03\x01\x00\xff\xfe\xfd'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
];

/** A gigabyte in a MB: what is compressed may come in several parts, and here each is a MiB of zeros. */
export function gzipBomb(): Buffer {
  const part = gzipSync(Buffer.alloc(2 ** 20));
  return Buffer.concat(Array.from({ length: 1024 }, () => part));
}

/** Only a deadline ends these. */
export const endless: readonly (readonly [string, Handle])[] = [
  ['a server that never answers', () => {}],
  ['a server that stops in the middle', answerWith(half)],
  [
    'a body that trickles',
    trickle('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n'),
  ],
  ['headers that trickle', trickle('HTTP/1.1 200 OK\r\nx-endless: ')],
  ['chunks that trickle', trickle('HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n')],
];

/** Servers that do not come to speak TLS; what they are told is in `seen`. */
export const withoutTls: readonly (readonly [string, (seen: Buffer[]) => Handle])[] = [
  ['says nothing', (seen) => (socket) => void socket.on('data', (data) => seen.push(data))],
  [
    'resets the connection in the handshake',
    (seen) => (socket) =>
      void socket.once('data', (data) => {
        seen.push(data);
        socket.resetAndDestroy();
      }),
  ],
  [
    'answers in the clear',
    (seen) => (socket) =>
      void socket
        .on('data', (data) => seen.push(data))
        .once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')),
  ],
];

/** Whom nothing must be told. */
interface Untrusted {
  readonly title: string;
  readonly files: Certificate;
  /** Whether the client trusts who signed it. */
  readonly isTrusted: boolean;
  readonly options: ServerOptions;
  /** Of the error, which OpenSSL and Node name differently. */
  readonly code: RegExp;
}

/** Servers whose certificates or TLS are not good enough; the certificates go with the test. */
export function untrusted(): readonly Untrusted[] {
  const valid = certificates('IP:127.0.0.1');
  const expired = certificates('IP:127.0.0.1', '-days', '-1');
  const elsewhere = certificates('DNS:example.com');
  const old: ServerOptions = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };
  return [
    { title: 'self-signed', files: valid, isTrusted: false, options: {}, code: /DEPTH_ZERO_SELF_SIGNED_CERT/ },
    { title: 'expired', files: expired, isTrusted: true, options: {}, code: /CERT_HAS_EXPIRED/ },
    {
      title: 'of another name',
      files: elsewhere,
      isTrusted: true,
      options: {},
      code: /ERR_TLS_CERT_ALTNAME_INVALID/,
    },
    {
      title: 'of old TLS',
      files: valid,
      isTrusted: true,
      options: old,
      code: /EPROTO|ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION/,
    },
  ];
}

const ofMachine = getCACertificates('default');

/** Until the end of the test this thread trusts these certificates, beside those of the machine, and no others. */
export function trust(files: readonly string[]): void {
  onTestFinished(() => setDefaultCACertificates(ofMachine));
  setDefaultCACertificates([...ofMachine, ...files.map((file) => readFileSync(file, 'utf8'))]);
}
