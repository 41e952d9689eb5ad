import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Analytics, type Clock, createAnalytics } from '@toolweaver/analytics-core';
import { type OtlpBackend, type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { execution, fakeClock, ledgerHolds } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { certificates, hasOpenssl, tlsServer } from '../../../test/support/certificates.ts';
import { ownTime } from '../../../test/support/own-time.ts';
import { testWith } from '../../../test/support/peer.ts';
import { trialOfTests } from '../../../test/support/trial.ts';
import { post } from '../src/http.ts';
import { judgeNetworkError } from '../src/verdict.ts';
import { instanceId, showsNoToken, token } from './support/canary.ts';
import {
  answerWith,
  closings,
  endless,
  faultyServer,
  garbage,
  nobody,
  resolveTo,
  untrusted,
  withoutTls,
} from './support/faults.ts';
import { backendOfTest, flush, receiverOfTest } from './support/pushed.ts';

const deadlineMs = 9_000;

/** A client that has counted an execution. */
function clientOf(backend: OtlpBackend): Analytics {
  const client = createAnalytics({ backends: [backend] });
  client.recordSkillExecution({ skillId: 'summarise', success: true });
  return client;
}

/** How a push there fails, and how long that took: by the clock, and by that of the program. No event is lost by it. */
async function failureAt(endpoint: string, options: OtlpOptions = {}) {
  const backend = await backendOfTest({ endpoint, instanceId, token, timeoutMs: deadlineMs, ...options });
  const client = clientOf(backend);
  const [started, own] = [performance.now(), ownTime()];
  const { ok, backends } = await client.flush();
  const [elapsedMs, ownMs] = [performance.now() - started, own.ms()];
  expect(ok).toBe(false);
  const error = backends['otlp']?.error;
  const { backends: health } = await client.healthCheck();
  const probeError = health['otlp']?.error;
  expect(probeError).toBeDefined();
  showsNoToken(error, probeError, client);
  ledgerHolds(client.stats());
  expect(client.stats().backends['otlp']).toMatchObject({ accepted: 1, delivered: 1, queued: 0 });
  return { error, elapsedMs, ownMs };
}

/** A clock on which pauses pass at once, and are noted; what lasts as long as the deadline does not. */
function hastyClock() {
  const fake = fakeClock();
  const pausesMs: number[] = [];
  const clock = {
    ...fake,
    setTimeout(callback: () => void, delayMs: number) {
      const timer = fake.setTimeout(callback, delayMs);
      if (delayMs < deadlineMs) {
        pausesMs.push(delayMs);
        setImmediate(() => void fake.advance(Math.max(1, delayMs)));
      }
      return timer;
    },
  };
  return { clock, pausesMs };
}

trialOfTests('R27', 'OTLP: connections that break are tried as often as makes sense', (add) => {
  test('refused', async () => {
    const { error } = await failureAt(nobody);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('refused at each of the addresses of a name', async () => {
    resolveTo('127.0.0.1', '127.0.0.2');
    const { error } = await failureAt('https://receiver.example:2');
    expect(error?.message).toMatch(/ECONNREFUSED 127\.0\.0\.1:2, .*ECONNREFUSED 127\.0\.0\.2:2/);
  });

  test.each(closings)('the connection is closed %s: tried five times', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNRESET') });
    // And once more by the check.
    expect(server.connections).toBe(6);
    add('connections', server.connections);
  });

  test.each(garbage)('%s is no answer, and is not tried again', async (_, text) => {
    const server = await faultyServer(answerWith(text));
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(/no answer: .*HPE_/) });
    expect(server.connections).toBe(2);
    add('connections', server.connections);
  });

  test.each([
    // What a server of HTTP/2 says first.
    ['gRPC', '\0\0\u0006\u0004\0\0\0\0\0\0\u0005\0\0\u0040\0'],
    ['another protocol', '220 mail.example ESMTP\r\n'],
    ['another version', 'HTTP/9.9 200 OK\r\n\r\n'],
  ])('%s is named for what it is not, and the usual ports are said', async (_, greeting) => {
    const server = await faultyServer(answerWith(greeting));
    const { error } = await failureAt(server.url);
    expect(error?.message).toContain('does not speak HTTP/1.1; port 4317 is usually that of gRPC');
    expect(error?.message).toContain('4318');
    expect(error?.message).not.toContain('Parse Error');
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
  test.each(endless)('%s', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error, elapsedMs, ownMs } = await failureAt(server.url, { timeoutMs: 250 });
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('has not answered within 250 ms'),
    });
    expect(elapsedMs).toBeGreaterThanOrEqual(249);
    expect(ownMs).toBeLessThan(750);
    add('msInTotal', Math.round(elapsedMs));
    // One by the check.
    expect(server.connections).toBe(2);
  });

  test('not even with a pause between two tries', async () => {
    const server = await faultyServer(answerWith('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    const retry = { minDelayMs: 1200, maxDelayMs: 1200 };
    const halfMs = 600;
    const fake = fakeClock();
    // Only a pause takes time, and however long an answer does.
    const clock: Clock = {
      ...fake,
      setTimeout(callback, delayMs) {
        const timer = fake.setTimeout(callback, delayMs);
        if (delayMs === halfMs) {
          setImmediate(() => void fake.advance(halfMs));
        }
        return timer;
      },
    };
    const { error } = await failureAt(server.url, { timeoutMs: 1000, retry, clock });
    // Half of 1200 ms is waited, once: a second pause would be too long, and so is not begun.
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('503') });
    expect(server.connections).toBe(3);
    expect(fake.monotonic()).toBe(halfMs);
  });

  test('which tells what the receiver had said before', async () => {
    const receiver = await receiverOfTest();
    const { clock } = hastyClock();
    receiver.script((response, index) => {
      if (index === 0) {
        response.writeHead(503, { 'retry-after': '0' }).end();
      } else {
        void clock.advance(deadlineMs);
      }
    });
    const { error } = await failureAt(receiver.url, { clock });
    expect(error).toMatchObject({ code: 'TIMEOUT', retryAfterMs: 0 });
    expect(error?.message).toMatch(/has not answered within 9000 ms; before, it answered 503 Service Unavailable$/);
  });

  test('nor the signal of the caller', async () => {
    const server = await faultyServer(() => {});
    const backend = await backendOfTest({ endpoint: server.url, timeoutMs: 60_000 });
    backend.write([execution()]);
    const controller = new AbortController();
    const flushed = flush(backend, controller.signal);
    await sleep(50);
    controller.abort(new Error('enough'));
    await expect(flushed).rejects.toThrow(/^otlp: 127\.0\.0\.1:\d+\/v1\/metrics has not answered$/);
  });
});

test('what is given up before it is sent is not sent', async () => {
  const server = await faultyServer(() => {});
  const { signal } = new AbortController();
  const connection = { tls: () => ({}), agent: undefined };
  const request = { ...connection, url: new URL(server.url), headers: {}, body: new Uint8Array(1), background: false };
  const given = new Error('given up');
  expect(() => post(request, AbortSignal.abort(given))).toThrow(given);
  void post(request, signal).catch(() => {});
  await expect.poll(() => server.connections).toBe(1);
});

describe('what is tried again', () => {
  test.each<[string, OtlpOptions['retry'], number[]]>([
    ['by default', undefined, [500, 1000, 2000, 2500]],
    ['as the options say', { minDelayMs: 100, maxDelayMs: 250, maxAttempts: 4 }, [50, 100, 125]],
    ['of which the longest pause may be the first', { minDelayMs: 6000, maxAttempts: 3 }, [3000, 3000]],
  ])('comes after longer and longer pauses, %s', async (_, retry, expected) => {
    const server = await faultyServer(answerWith('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    const { clock, pausesMs } = hastyClock();
    await failureAt(server.url, { retry, clock, random: () => 0.5 });
    expect(pausesMs).toEqual(expected);
  });

  test.each([
    ...[
      'EAI_AGAIN',
      'ECONNREFUSED',
      'ECONNRESET',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ENOTFOUND',
      'EPIPE',
      'ETIMEDOUT',
    ].map((code) => [code, true] as const),
    ['ERR_SSL_WRONG_VERSION_NUMBER', false] as const,
    [undefined, false] as const,
  ])('an error of the network that is %s: %s', (code, mayRetry) => {
    expect(judgeNetworkError(Object.assign(new Error('failed'), { code }))).toMatchObject({ mayRetry });
  });

  test('is told by its code where it has no words', () => {
    const { message } = judgeNetworkError(Object.assign(new Error(''), { code: 'ECONNRESET' }));
    expect(message).toBe('no answer: ECONNRESET');
  });

  test('leaves no timer when it is called off in a pause', async () => {
    const server = await faultyServer(answerWith('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    const clock = fakeClock();
    const backend = await backendOfTest({ endpoint: server.url, clock, random: () => 0.9 });
    const { timers } = clock;
    backend.write([execution()]);
    const controller = new AbortController();
    const flushed = flush(backend, controller.signal);
    // The push's own, and that of the pause.
    await expect.poll(() => clock.timers).toBe(timers + 2);
    controller.abort();
    await expect(flushed).rejects.toThrow();
    expect(clock.timers).toBe(timers);
  });

  test('keeps the program alive in a pause, as somebody waits for it', async () => {
    const server = await faultyServer(answerWith('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    const clock = fakeClock();
    const alive = new Set<unknown>();
    const watched: Clock = {
      ...clock,
      setTimeout(callback, delayMs) {
        const timer = clock.setTimeout(callback, delayMs) as object;
        alive.add(timer);
        return Object.assign(timer, { unref: () => alive.delete(timer) });
      },
      clearTimeout(timer) {
        alive.delete(timer);
        clock.clearTimeout(timer);
      },
    };
    const backend = await backendOfTest({ endpoint: server.url, clock: watched, random: () => 0.9 });
    backend.write([execution()]);
    const controller = new AbortController();
    const flushed = flush(backend, controller.signal);
    await expect.poll(() => alive.size).toBe(1);
    controller.abort();
    await expect(flushed).rejects.toThrow();
    expect(alive.size).toBe(0);
  });
});

trialOfTests('R29', 'OTLP: no push gets through without the right certificate, and none without TLS', (add) => {
  testWith(hasOpenssl, 'openssl')('a certificate that is trusted lets pushes through', async () => {
    const files = certificates('IP:127.0.0.1');
    const { endpoint, requests } = await tlsServer(files);
    const backend = await backendOfTest({ endpoint, instanceId, token, tls: { caFile: files.certFile } });
    const client = clientOf(backend);
    expect(await client.flush()).toMatchObject({ ok: true });
    expect(await client.healthCheck()).toMatchObject({ healthy: true });
    expect(requests()).toBe(2);
    ledgerHolds(client.stats());
  });

  testWith(hasOpenssl, 'openssl')('a receiver that asks for a certificate gets it', async () => {
    const files = certificates('IP:127.0.0.1');
    const ca = readFileSync(files.certFile);
    const { endpoint, requests } = await tlsServer(files, { ca, requestCert: true, rejectUnauthorized: true });
    const backend = await backendOfTest({ endpoint, tls: { caFile: files.certFile, ...files } });
    const client = clientOf(backend);
    expect(await client.flush()).toMatchObject({ ok: true });
    expect(requests()).toBe(1);
    ledgerHolds(client.stats());
  });

  testWith(hasOpenssl, 'openssl')('certificates that are renewed are read anew', async () => {
    const [old, renewed] = [certificates('IP:127.0.0.1'), certificates('IP:127.0.0.1')];
    const { endpoint, requests } = await tlsServer(renewed);
    const backend = await backendOfTest({ endpoint, tls: { caFile: old.certFile } });
    const client = clientOf(backend);
    expect(await client.flush()).toMatchObject({ ok: false });
    // As a half that is written, or a mount that is about to change.
    writeFileSync(old.certFile, 'half');
    expect(await client.flush()).toMatchObject({
      backends: { otlp: { error: { message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') } } },
    });
    copyFileSync(renewed.certFile, old.certFile);
    expect(await client.flush()).toMatchObject({ ok: true });
    expect(requests()).toBe(1);
    ledgerHolds(client.stats());
  });

  testWith(hasOpenssl, 'openssl')('a key of another certificate is refused at the start', async () => {
    const { certFile } = certificates('IP:127.0.0.1');
    const { keyFile } = certificates('IP:127.0.0.1');
    const tls = { certFile, keyFile };
    await expect(otlp({ endpoint: 'https://127.0.0.1', tls })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'tls.keyFile', message: expect.stringContaining('KEY_VALUES_MISMATCH') }],
    });
  });

  testWith(hasOpenssl, 'openssl')('no other certificate does, and no request gets through', async () => {
    for (const { files, isTrusted, options, code } of untrusted()) {
      const { endpoint, requests } = await tlsServer(files, options);
      const { error } = await failureAt(endpoint, {
        tls: isTrusted ? { caFile: files.certFile } : undefined,
      });
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(code) });
      expect(requests()).toBe(0);
      add('refusedCertificates');
    }
  });

  test.each(withoutTls)('a server that %s is not talked to without TLS', async (_, keepIn) => {
    const seen: Buffer[] = [];
    const server = await faultyServer(keepIn(seen));
    const { error } = await failureAt(server.url.replace('http:', 'https:'), { timeoutMs: 500 });
    expect(error).toMatchObject({ code: expect.stringMatching(/^(BACKEND_UNAVAILABLE|TIMEOUT)$/) });
    expect(seen).not.toEqual([]);
    expect(Buffer.concat(seen).toString('latin1')).not.toMatch(/POST|authorization/i);
  });
});
