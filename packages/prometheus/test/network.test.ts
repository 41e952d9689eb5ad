import dns from 'node:dns';
import type { RequestListener, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { type PushgatewayOptions, prometheus } from '@toolweaver/analytics-prometheus';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { certificates, hasOpenssl, tlsServer } from '../../../test/support/certificates.ts';
import { ownTime } from '../../../test/support/own-time.ts';
import { testWith } from '../../../test/support/peer.ts';
import { trialOfTests } from '../../../test/support/trial.ts';
import {
  answerWith,
  closings,
  endless,
  faultyServer,
  garbage,
  gzipBomb,
  nobody,
  resolveTo,
  trust,
  untrusted,
  withoutTls,
} from '../../otlp/test/support/faults.ts';
import { type Gateway, startGateway } from './support/gateway.ts';
import { observe } from './support/observe.ts';
import { serve } from './support/serve.ts';

const group = '/metrics/job/toolweaver';
const token = 's3cr3t-of-the-gateway';

async function gatewayOfTest(): Promise<Gateway> {
  const gateway = await startGateway();
  onTestFinished(gateway.close);
  return gateway;
}

/** A client that has counted an execution, which only `flush()` and the end push; it ends with the test. */
async function clientAt(url: string, options: Partial<PushgatewayOptions> = {}) {
  const notices: AnalyticsError[] = [];
  const authorization = /^https|127\.0\.0\.1/.test(url) ? `Bearer ${token}` : undefined;
  const backend = await prometheus({
    pushgateway: { url, authorization, intervalMs: 0, timeoutMs: 9_000, ...options },
    onNotice: (notice) => notices.push(notice),
  });
  const client = createAnalytics({ backends: [backend] });
  onTestFinished(async () => {
    await client.close();
    ledgerHolds(client.stats());
  });
  client.recordSkillExecution({ skillId: 'summarise', success: true });
  return { client, notices };
}

/** How a flush there fails, and how long that took: by the clock, and by that of the program. Nothing is lost by it: counts are cumulative. */
async function failureAt(url: string, options: Partial<PushgatewayOptions> = {}) {
  const { client, notices } = await clientAt(url, options);
  const [started, own] = [performance.now(), ownTime()];
  const { ok, backends } = await client.flush();
  const [elapsedMs, ownMs] = [performance.now() - started, own.ms()];
  expect(ok).toBe(false);
  ledgerHolds(client.stats());
  const error = backends['prometheus']?.error;
  expect(error?.message).not.toContain(token);
  return { error, elapsedMs, ownMs, client, notices };
}

trialOfTests('R26', 'Pushgateway: a status says whether it arrived, and the next push tries again', (add) => {
  test.each([200, 202, 204])('%i: pushed, by one request', async (status) => {
    const gateway = await gatewayOfTest();
    gateway.status = status;
    const { client } = await clientAt(gateway.url);
    expect(await client.flush()).toMatchObject({ ok: true });
    add('requests', gateway.requests.length);
    expect(gateway.requests).toHaveLength(1);
  });

  test.each([
    [301, 'INVALID_CONFIG'],
    [302, 'INVALID_CONFIG'],
    [307, 'INVALID_CONFIG'],
    [308, 'INVALID_CONFIG'],
    [400, 'EVENTS_REJECTED'],
    [401, 'INVALID_CONFIG'],
    [403, 'INVALID_CONFIG'],
    [404, 'INVALID_CONFIG'],
    [408, 'BACKEND_UNAVAILABLE'],
    [413, 'EVENTS_REJECTED'],
    [415, 'EVENTS_REJECTED'],
    [422, 'EVENTS_REJECTED'],
    [429, 'BACKEND_UNAVAILABLE'],
    [500, 'BACKEND_UNAVAILABLE'],
    [501, 'BACKEND_UNAVAILABLE'],
    [502, 'BACKEND_UNAVAILABLE'],
    [503, 'BACKEND_UNAVAILABLE'],
    [504, 'BACKEND_UNAVAILABLE'],
    [511, 'BACKEND_UNAVAILABLE'],
  ])('%i: %s after one request, and the next flush has it all', async (status, code) => {
    const gateway = await gatewayOfTest();
    const { client } = await clientAt(gateway.url);
    gateway.status = status;
    gateway.headers = { 'retry-after': '9999999' };
    const { ok, backends } = await client.flush();
    add('requests', gateway.requests.length);
    expect({ ok, requests: gateway.requests.length }).toEqual({ ok: false, requests: 1 });
    expect(backends['prometheus']?.error).toMatchObject({
      code,
      message: expect.stringContaining(
        `PUT ${gateway.url}${group} was answered with ${status}: the words of the gateway`,
      ),
    });
    const { backends: health } = await client.healthCheck();
    expect(health['prometheus']?.error).toMatchObject({ code });
    ledgerHolds(client.stats());

    gateway.status = 200;
    client.recordSkillExecution({ skillId: 'summarise', success: true });
    expect(await client.flush()).toMatchObject({ ok: true });
    expect(observe(gateway.groups.get(group) ?? '\n').executions).toMatchObject([{ name: 'summarise', count: 2 }]);
  });

  test.each([307, 401, 413, 429, 503])('%i: told once, and tried again on every interval', async (status) => {
    const gateway = await gatewayOfTest();
    gateway.status = status;
    const { notices } = await clientAt(gateway.url, { intervalMs: 100 });
    await vi.waitFor(() => expect(gateway.requests.length).toBeGreaterThanOrEqual(3), 30_000);
    expect(notices).toMatchObject([{ message: expect.stringContaining(`was answered with ${status}`) }]);
    gateway.status = 200;
    await vi.waitFor(() => expect(gateway.groups.has(group)).toBe(true), 30_000);
    expect(notices).toHaveLength(1);
  });
});

trialOfTests('R31', 'Pushgateway: a redirect leads nowhere, and no request reaches its target', (add) => {
  test.each([301, 302, 303, 307, 308])('%i', async (status) => {
    const [gateway, target] = [await gatewayOfTest(), await gatewayOfTest()];
    gateway.status = status;
    gateway.headers = { location: `${target.url}${group}` };
    const { error } = await failureAt(gateway.url);
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(gateway.requests).toEqual([{ method: 'PUT', path: group, authorization: `Bearer ${token}` }]);
    add('requestsAtTheTarget', target.requests.length);
    expect(target.requests).toEqual([]);
  });
});

trialOfTests('R27', 'Pushgateway: connections and answers that break fail the push, which is tried once', (add) => {
  test('refused', async () => {
    const { error } = await failureAt(nobody);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('refused at each of the addresses of a name', async () => {
    resolveTo('127.0.0.1', '127.0.0.2');
    const { error } = await failureAt('http://gateway.example:2');
    expect(error?.message).toMatch(/ECONNREFUSED 127\.0\.0\.1:2, .*ECONNREFUSED 127\.0\.0\.2:2/);
  });

  test.each(closings)('the connection is closed %s', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/failed: (\w+ ECONNRESET|write EPIPE|other side closed)/),
    });
    add('connections', server.connections);
    expect(server.connections).toBe(1);
  });

  test.each(garbage)('%s is no answer', async (_, text) => {
    const server = await faultyServer(answerWith(text));
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('failed: ') });
    expect(error?.message).not.toContain('took longer');
    add('connections', server.connections);
    expect(server.connections).toBe(1);
  });

  test.each<[string, RequestListener]>([
    ['a gigabyte', (_, response) => writeOn(response.writeHead(503, { 'content-type': 'text/plain' }))],
    [
      'a gigabyte in a few bytes',
      (_, response) => response.writeHead(503, { 'content-encoding': 'gzip' }).end(gzipBomb()),
    ],
    ['a web page', (_, response) => response.writeHead(503, { 'content-type': 'text/html' }).end('<html>Busy</html>')],
    ['odd bytes', (_, response) => response.writeHead(503).end(Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xff]))],
  ])('503 with %s is read no further than it is worth', async (_, listener) => {
    const server = await serve(listener);
    onTestFinished(server.close);
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('with 503') });
    expect(error?.message.length).toBeLessThan(1000);
  });

  test('200 with a web page is no push, and nobody is well', async () => {
    const server = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Please log in</html>'),
    );
    onTestFinished(server.close);
    const { error, client } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('a web page') });
    expect(await client.healthCheck()).toMatchObject({ healthy: false });
  });

  test('what is not compressed after all is no answer', async () => {
    const server = await serve((_, response) => response.writeHead(503, { 'content-encoding': 'gzip' }).end('no gzip'));
    onTestFinished(server.close);
    const { error } = await failureAt(server.url);
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });
});

/** Writes as long as anybody reads. */
function writeOn(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 'x');
  const write = (): void => {
    while (!response.destroyed && response.write(chunk)) {
      // As much as the connection takes.
    }
  };
  response.on('drain', write);
  write();
}

trialOfTests('R27', 'Pushgateway: nothing takes longer than the deadline', (add) => {
  test.each(endless)('%s', async (_, handle) => {
    const server = await faultyServer(handle);
    const { error, elapsedMs, ownMs, client, notices } = await failureAt(server.url, { timeoutMs: 250 });
    expect(error).toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringContaining('took longer than 250 ms'),
    });
    add('msInTotal', Math.round(elapsedMs));
    expect(elapsedMs).toBeGreaterThanOrEqual(249);
    expect(ownMs).toBeLessThan(750);
    expect(server.connections).toBe(1);
    await client.close();
    expect(notices).toHaveLength(1);
  });
});

trialOfTests(
  'R28',
  'Pushgateway: a name that does not exist is told, and one that is not answered ends in time',
  () => {
    test('a name that does not exist', async () => {
      const { error } = await failureAt('https://gateway.invalid');
      expect(error).toMatchObject({
        code: 'BACKEND_UNAVAILABLE',
        message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN|took longer/),
      });
    });

    test('names that nobody answers for', async () => {
      const lookup = vi.spyOn(dns, 'lookup').mockImplementation((() => {}) as never);
      onTestFinished(() => lookup.mockRestore());
      const { error, ownMs } = await failureAt('https://gateway.example', { timeoutMs: 250 });
      expect(lookup).toHaveBeenCalled();
      expect(error?.message).toContain('took longer than 250 ms');
      expect(ownMs).toBeLessThan(750);
    });
  },
);

trialOfTests('R29', 'Pushgateway: no push gets through without the right certificate, and none without TLS', (add) => {
  testWith(hasOpenssl, 'openssl')('a certificate that is trusted lets pushes through', async () => {
    const files = certificates('IP:127.0.0.1');
    const { endpoint, requests } = await tlsServer(files);
    trust([files.certFile]);
    const { client } = await clientAt(endpoint);
    expect(await client.flush()).toMatchObject({ ok: true });
    expect(requests()).toBe(1);
  });

  testWith(hasOpenssl, 'openssl')('no other certificate does, and no request gets through', async () => {
    for (const { files, isTrusted, options, code } of untrusted()) {
      const { endpoint, requests } = await tlsServer(files, options);
      trust(isTrusted ? [files.certFile] : []);
      const { error } = await failureAt(endpoint);
      expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
      expect(inspect(error)).toMatch(code);
      expect(requests()).toBe(0);
      add('refusedCertificates');
    }
  });

  test.each(withoutTls)('a server that %s is not talked to without TLS', async (_, keepIn) => {
    const seen: Buffer[] = [];
    const server = await faultyServer(keepIn(seen));
    const { error } = await failureAt(server.url.replace('http:', 'https:'), { timeoutMs: 500 });
    expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    expect(server.connections).toBe(1);
    expect(seen).not.toEqual([]);
    expect(Buffer.concat(seen).toString('latin1')).not.toMatch(/PUT|Bearer/);
  });
});
