import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OtlpOptions } from '@toolweaver/analytics-otlp';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { certificates, hasOpenssl, tlsServer } from '../../../test/support/certificates.ts';
import { testWith } from '../../../test/support/peer.ts';
import { trialOfTests } from '../../../test/support/trial.ts';
import { instanceId, showsNoToken, token } from './support/canary.ts';
import { faultyServer } from './support/faults.ts';
import { backendOfTest, check, flush } from './support/pushed.ts';

/** How a push there fails, and how long that took. */
async function failureAt(endpoint: string, options: OtlpOptions = {}) {
  const backend = await backendOfTest({ endpoint, instanceId, token, timeoutMs: 250, ...options });
  backend.write([execution()]);
  const started = performance.now();
  const error = await flush(backend).then(
    () => expect.fail('the push was accepted'),
    (thrown: unknown) => thrown,
  );
  const elapsedMs = performance.now() - started;
  const probeError = await check(backend).catch((thrown: unknown) => thrown);
  expect(probeError).toBeDefined();
  showsNoToken(error, probeError, backend);
  return { error, elapsedMs };
}

const answerWith =
  (text: string) =>
  (socket: Socket): void =>
    void socket.once('data', () => socket.write(text));

trialOfTests('R27', 'OTLP: connections that break are tried as often as makes sense', (add) => {
  test('refused', async () => {
    // Nobody listens there, and no server gets the port by chance: it is below those that are given out.
    const { error } = await failureAt('http://127.0.0.1:9');
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['at once', (socket) => socket.resetAndDestroy()],
    ['in the middle of the request', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    [
      'in the middle of the answer',
      (socket) =>
        void socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () => socket.resetAndDestroy());
        }),
    ],
    [
      'in the middle of the answer, by an end',
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
    ],
    ['before the answer, by an end', (socket) => void socket.once('data', () => socket.end())],
  ])('the connection is closed %s: tried five times', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error } = await failureAt(server.url, { timeoutMs: 5000 });
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNRESET') });
    // And once more by the check.
    expect(server.connections).toBe(6);
    add('connections', server.connections);
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['odd bytes', '\x16\x03\x01\x00\xff\xfe\xfd'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ])('%s is no answer, and is not tried again', async (_, text) => {
    const server = await faultyServer(answerWith(text));
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(/no answer: .*HPE_/) });
    expect(server.connections).toBe(2);
    add('connections', server.connections);
  });
});

trialOfTests('R28', 'OTLP: a name that does not exist is told, and tried again', () => {
  test('a name that does not exist', async () => {
    const { error } = await failureAt('https://receiver.invalid');
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(BACKEND_UNAVAILABLE|TIMEOUT)$/),
      message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });
});

trialOfTests('R27', 'OTLP: nothing takes longer than the deadline', (add) => {
  const trickle = (head: string) => (socket: Socket) => {
    socket.once('data', () => {
      socket.write(head);
      const timer = setInterval(() => socket.write('a'), 20);
      socket.on('close', () => clearInterval(timer));
    });
  };
  test.each<[string, (socket: Socket) => void]>([
    ['a server that never answers', () => {}],
    ['a server that stops in the middle', answerWith('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')],
    [
      'a body that trickles',
      trickle('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n'),
    ],
    ['headers that trickle', trickle('HTTP/1.1 200 OK\r\nx-endless: ')],
    ['chunks that trickle', trickle('HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n')],
  ])('%s', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error, elapsedMs } = await failureAt(server.url);
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('has not answered within 250 ms'),
    });
    expect(elapsedMs).toBeGreaterThanOrEqual(249);
    expect(elapsedMs).toBeLessThan(3000);
    add('msInTotal', Math.round(elapsedMs));
    // One by the check.
    expect(server.connections).toBe(2);
  });

  test('not even with a pause between two tries', async () => {
    const server = await faultyServer(answerWith('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    const retry = { minDelayMs: 1200, maxDelayMs: 1200 };
    const { error, elapsedMs } = await failureAt(server.url, { timeoutMs: 1000, retry });
    // Half of 1200 ms is waited, once: a second pause would be too long, and so is not begun.
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('503') });
    expect(server.connections).toBe(3);
    expect(elapsedMs).toBeLessThan(1000);
  });

  test('nor the signal of the caller', async () => {
    const server = await faultyServer(() => {});
    const backend = await backendOfTest({ endpoint: server.url, timeoutMs: 60_000 });
    backend.write([execution()]);
    const controller = new AbortController();
    const flushed = flush(backend, controller.signal);
    await sleep(50);
    controller.abort(new Error('enough'));
    await expect(flushed).rejects.toThrow('enough');
  });
});

trialOfTests('R29', 'OTLP: no push gets through without the right certificate, and none without TLS', (add) => {
  testWith(hasOpenssl, 'openssl')('a certificate that is trusted lets pushes through', async () => {
    const files = certificates('IP:127.0.0.1');
    const { endpoint, requests } = await tlsServer(files);
    const backend = await backendOfTest({ endpoint, instanceId, token, tls: { caFile: files.certFile } });
    backend.write([execution()]);
    await flush(backend);
    await check(backend);
    expect(requests()).toBe(2);
  });

  testWith(hasOpenssl, 'openssl')('a receiver that asks for a certificate gets it', async () => {
    const files = certificates('IP:127.0.0.1');
    const ca = readFileSync(files.certFile);
    const { endpoint, requests } = await tlsServer(files, { ca, requestCert: true, rejectUnauthorized: true });
    const backend = await backendOfTest({ endpoint, tls: { caFile: files.certFile, ...files } });
    backend.write([execution()]);
    await flush(backend);
    expect(requests()).toBe(1);
  });

  testWith(hasOpenssl, 'openssl')('no other certificate does, and no request gets through', async () => {
    const valid = certificates('IP:127.0.0.1');
    const expired = certificates('IP:127.0.0.1', '-days', '-1');
    const elsewhere = certificates('DNS:example.com');
    for (const [files, caFile, options, code] of [
      [valid, undefined, {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [expired, expired.certFile, {}, 'CERT_HAS_EXPIRED'],
      [elsewhere, elsewhere.certFile, {}, 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [valid, valid.certFile, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, 'EPROTO'],
    ] as const) {
      const { endpoint, requests } = await tlsServer(files, options);
      const { error } = await failureAt(endpoint, { timeoutMs: 5000, tls: { caFile } });
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(code) });
      expect(requests()).toBe(0);
      add('refusedCertificates');
    }
  });

  test('what speaks no TLS is not talked to without it', async () => {
    const seen: string[] = [];
    const server = await faultyServer((socket) => void socket.on('data', (data) => seen.push(data.toString('latin1'))));
    await failureAt(server.url.replace('http:', 'https:'));
    expect(seen.join('')).not.toContain('POST');
    expect(seen.join('')).not.toContain('authorization');
  });
});
