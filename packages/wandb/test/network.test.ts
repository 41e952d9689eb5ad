import { type Analytics, createAnalytics, type RetryOptions } from '@toolweaver/analytics-core';
import { execution, ledgerHolds } from '@toolweaver/analytics-testkit';
import { type WandbOptions, wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished, test } from 'vitest';
import { certificates, hasOpenssl, tlsServer } from '../../../test/support/certificates.ts';
import { fastClock } from '../../../test/support/fast-clock.ts';
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
  trust,
  untrusted,
  withoutTls,
} from '../../otlp/test/support/faults.ts';
import { fakeService, type SeenRequest, type Trouble } from './support/fake-service.ts';
import { backendAt, place } from './support/start.ts';
import { isStream, once } from './support/trouble.ts';

/** A client that tries three times, at once; it ends with the test, and its ledger holds then. */
async function clientAt(options: WandbOptions = {}, retry: RetryOptions = {}) {
  const there = await place();
  const clock = options.clock ?? fastClock(100);
  // On that clock a busy machine must not be too slow.
  const slow = { timeoutMs: 3_600_000, offlineAfterMs: 3_600_000 };
  const backend = await wandb({ ...there.options, ...slow, ...options, clock });
  const client = createAnalytics({
    backends: [backend],
    clock,
    retry: { minDelayMs: 1, maxDelayMs: 2, maxAttempts: 3, ...retry },
    onError() {},
  });
  onTestFinished(async () => {
    await client.close({ timeoutMs: 100 });
    ledgerHolds(client.stats());
  });
  return { ...there, client };
}

const recordExecution = (client: Analytics): void =>
  client.recordSkillExecution({ skillId: 'summarise', success: true });

/** The kinds of request: which those are, and what makes the client send one. */
const kinds: Readonly<
  Record<'stream' | 'GraphQL' | 'upload', { is(request: SeenRequest): boolean; record(client: Analytics): void }>
> = {
  stream: {
    // A heartbeat says nothing, and comes on a busy machine, too.
    is: (request) => isStream(request) && Object.keys(request.body as object).length > 0,
    record: recordExecution,
  },
  GraphQL: { is: ({ operation }) => operation === 'UpsertBucket', record: recordExecution },
  upload: {
    is: ({ method }) => method === 'PUT',
    record: (client) =>
      client.record({ type: 'artifact', name: 'report.md', kind: 'report', bytes: new Uint8Array([1]) }),
  },
};
type Kind = keyof typeof kinds;

/** Flushes, and says what became of the one event that was recorded. */
async function flushed(client: Analytics) {
  const { ok, backends } = await client.flush({ timeoutMs: 3_600_000 });
  ledgerHolds(client.stats());
  const { accepted, delivered, queued, dropped } = client.stats().backends['wandb'] ?? expect.fail('no figures');
  expect({ accepted, queued }).toEqual({ accepted: 1, queued: 0 });
  const [lost] = Object.entries(dropped).filter(([, count]) => count > 0);
  return { ok, outcome: delivered === 1 ? 'delivered' : lost?.[0], error: backends['wandb']?.error };
}

trialOfTests('R26', 'W&B: a status says whether it arrived, and how often to try again', (add) => {
  const successes = [200, 202, 204];
  const conflict = 409;
  const refusals = [400, 401, 403, 404, 410, 413, 422, 501];
  const delays = [301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, 511];
  const rows = (kind: Kind, statuses: readonly number[], requests: number, outcome: string) =>
    statuses.map((status) => [kind, status, requests, outcome] as const);
  test.each([
    // The run goes on in a directory: nothing is lost, and nobody asks again.
    ...rows('stream', [conflict, ...refusals], 1, 'delivered'),
    // An answer has to have something in it.
    ...rows('stream', [...successes, ...delays], 3, 'send_failed'),
    // Who makes the same run at the same time may be done the next time.
    ...rows('GraphQL', [...successes, conflict, ...delays], 3, 'send_failed'),
    ...rows('GraphQL', refusals, 1, 'delivered'),
    // The file, and what says which files there are.
    ...rows('upload', successes, 2, 'delivered'),
    // Each time with a new address, which may have expired; core tries again only what may succeed then.
    ...rows('upload', [conflict, ...refusals], 3, 'rejected'),
    ...rows('upload', delays, 9, 'send_failed'),
  ])('%s, %i: %i requests, %s', async (kind, status, requests, outcome) => {
    const { fake, client } = await clientAt();
    const { is, record } = kinds[kind];
    fake.trouble = (request) => (is(request) ? { status, after: status < 300 } : undefined);
    record(client);
    const { ok, outcome: found } = await flushed(client);
    expect({ ok, outcome: found, requests: fake.requests.filter(is).length }).toEqual({
      ok: outcome === 'delivered',
      outcome,
      requests,
    });
    add('requests', requests);
  });

  test.each<[Record<string, string>, number | undefined]>([
    [{ 'Retry-After': '0' }, undefined],
    [{ 'Retry-After': '1' }, 1000],
    [{ 'Retry-After': '9999999' }, 300_000],
    [{ 'Retry-After': 'nonsense' }, undefined],
    [{ 'Retry-After': new Date(Date.now() - 60_000).toUTCString() }, undefined],
    [{ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '7' }, 7000],
    [{ 'RateLimit-Remaining': '5', 'RateLimit-Reset': '7' }, undefined],
    [{ 'RateLimit-Reset': '7' }, undefined],
    [{ 'RateLimit-Remaining': '0' }, undefined],
  ])('what an answer wishes by %j', async (headers, retryAfterMs) => {
    const { backend, fake } = await backendAt({ finishTimeoutMs: 50 });
    fake.trouble = once({ status: 503, headers });
    // Without a wish of the service's it is the client's own pause: 2 s, of which up to a half is left to chance.
    const error = await backend.write([execution()])?.catch((thrown: { retryAfterMs: number }) => thrown);
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(retryAfterMs ?? 1_000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(retryAfterMs ?? 2_000);
  });

  test('Retry-After: a date is so long from now', async () => {
    const { backend, fake } = await backendAt({ finishTimeoutMs: 50 });
    const at = Date.now() + 240_000;
    fake.trouble = once({ status: 503, headers: { 'Retry-After': new Date(at).toUTCString() } });
    const error = await backend.write([execution()])?.catch((thrown: { retryAfterMs: number }) => thrown);
    // A date has no parts of a second.
    expect(error?.retryAfterMs).toBeGreaterThan(at - Date.now() - 1000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(240_000);
  });

  test('Retry-After: 1: not before a second has passed', async () => {
    const { fake, client } = await clientAt({ clock: fastClock(1) });
    fake.trouble = once({ status: 429, headers: { 'Retry-After': '1' } });
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({ outcome: 'delivered' });
    const [first, second, ...more] = fake.stream();
    expect(more).toEqual([]);
    expect(Number(second?.at) - Number(first?.at)).toBeGreaterThanOrEqual(990);
  });

  test.each([200, 202])('%i with a JSON object is an acknowledgement, whatever it says', async (status) => {
    const { client, fake } = await clientAt();
    fake.trouble = once({ status, body: '{}' });
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({ ok: true });
    expect(fake.stream()).toHaveLength(1);
  });

  test.each(['<html>Log in</html>', '', '"x"', '[]', 'null'])(
    '200 with %j is no acknowledgement: the rows are sent again as they were',
    async (body) => {
      const { client, fake } = await clientAt();
      fake.trouble = (request) =>
        kinds.stream.is(request) && fake.stream().length === 1 ? { status: 200, body, after: true } : undefined;
      recordExecution(client);
      expect(await flushed(client)).toMatchObject({ ok: true });
      const [first, second] = fake.stream();
      expect(second?.body).toEqual(first?.body);
      expect(fake.run('run1').history).toHaveLength(1);
      expect(fake.violations).toEqual([]);
    },
  );
});

trialOfTests('R31', 'W&B: a redirect leads nowhere, and no request reaches its target', (add) => {
  test.each(
    [301, 302, 307, 308].flatMap((status) =>
      (['stream', 'GraphQL', 'upload'] as const).map((kind) => [kind, status] as const),
    ),
  )('%s, %i', async (kind, status) => {
    const target = await fakeService();
    onTestFinished(target.close);
    const { fake, client } = await clientAt();
    const { is, record } = kinds[kind];
    fake.trouble = (request) =>
      is(request) ? { status, headers: { Location: `${target.url}${request.path}` } } : undefined;
    record(client);
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('redirects are not followed') },
    });
    add('requestsAtTheTarget', target.requests.length);
    expect(target.requests).toEqual([]);
  });
});

trialOfTests('R27', 'W&B: connections and answers that break are tried again, and double no row', (add) => {
  test.each<[string, () => Trouble]>([
    ['before the answer', () => 'take and drop'],
    ['by a gateway that gives up', () => ({ status: 504, after: true })],
    ['before the request', () => 'drop'],
    [
      'in an answer of a gigabyte in a few bytes',
      () => ({ status: 200, after: true, headers: { 'Content-Encoding': 'gzip' }, body: gzipBomb() }),
    ],
  ])('a connection that is broken %s doubles no row, whatever is sent next', async (_when, trouble) => {
    const { backend, fake } = await backendAt();
    const batches = [[execution({ name: 'a' })], [execution({ name: 'b' })], [execution({ name: 'c' })]] as const;
    await backend.write(batches[0]);
    fake.trouble = once(trouble());
    await expect(backend.write(batches[1])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    // Core has given it up: nobody knows whether it is there, so that it goes before what comes next.
    await backend.write(batches[2]);
    await backend.write(batches[1]);
    const rows = fake.run('run1').history.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map((row) => Object.keys(row)[0]).toSorted()).toEqual([
      'skill/a/status',
      'skill/b/status',
      'skill/c/status',
    ]);
    expect(rows.map((row) => row['_step'])).toEqual([0, 1, 2]);
    expect(fake.violations).toEqual([]);
  });

  test.each(closings)('the connection is closed %s: tried three times', async (_, handle) => {
    const server = await faultyServer(handle);
    const { client } = await clientAt({ baseUrl: server.url });
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(/ECONNRESET|EPIPE|UND_ERR_SOCKET/) },
    });
    expect(server.connections).toBe(3);
    add('connections', server.connections);
  });

  test.each(garbage)('%s is no answer', async (_, text) => {
    const server = await faultyServer(answerWith(text));
    const { client } = await clientAt({ baseUrl: server.url });
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: {
        code: 'BACKEND_UNAVAILABLE',
        message: expect.stringMatching(/a request to .* failed: (?!fetch failed)/),
      },
    });
    expect(server.connections).toBe(3);
    add('connections', server.connections);
  });

  const json = { 'Content-Type': 'application/json' };
  test.each<[string, () => Exclude<Trouble, string>, string]>([
    ['a web page', () => ({ status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' }), 'no JSON'],
    ['broken JSON', () => ({ status: 200, headers: json, body: '{"data":{' }), 'no JSON'],
    ['a list', () => ({ status: 200, headers: json, body: '[]' }), 'no JSON'],
    ['nothing in JSON', () => ({ status: 200, headers: json, body: 'null' }), 'no JSON'],
    ['odd bytes', () => ({ status: 200, headers: json, body: Buffer.from([0x0a, 0xff, 0xfe]) }), 'no JSON'],
    ['17 MiB', () => ({ status: 200, headers: json, body: ' '.repeat(17 * 2 ** 20) }), 'more than 16777216 bytes'],
    [
      'a gigabyte in a few bytes',
      () => ({ status: 200, headers: { 'Content-Encoding': 'gzip' }, body: gzipBomb() }),
      'more than 16777216 bytes',
    ],
    [
      'what is not compressed after all',
      () => ({ status: 200, headers: { 'Content-Encoding': 'gzip' }, body: '{"data":{}}' }),
      'a request to',
    ],
  ])('200 with %s is no answer, and is tried again', async (_, trouble, words) => {
    const { client, fake } = await clientAt();
    fake.trouble = (request) => (kinds.GraphQL.is(request) ? trouble() : undefined);
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(words) },
    });
    expect(fake.operations('UpsertBucket')).toHaveLength(3);
  });
});

trialOfTests('R27', 'W&B: nothing takes longer than the deadline', (add) => {
  test.each(endless)('%s', async (_, handle) => {
    const server = await faultyServer(handle);
    const { client } = await clientAt({ baseUrl: server.url, timeoutMs: 250, clock: fastClock(1) }, { maxAttempts: 1 });
    recordExecution(client);
    const [started, own] = [performance.now(), ownTime()];
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('no answer within 250 ms') },
    });
    const [elapsedMs, ownMs] = [performance.now() - started, own.ms()];
    add('msInTotal', Math.round(elapsedMs));
    expect(elapsedMs).toBeGreaterThanOrEqual(249);
    expect(ownMs).toBeLessThan(750);
  });
});

trialOfTests('R28', 'W&B: a name that does not exist is told, and tried again', () => {
  test('service.invalid', async () => {
    const { client } = await clientAt({ baseUrl: 'https://service.invalid' });
    recordExecution(client);
    expect(await flushed(client)).toMatchObject({
      outcome: 'send_failed',
      error: { code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) },
    });
  });
});

trialOfTests(
  'R29',
  'W&B: no request gets through without the right certificate and none without TLS, and the run goes on offline',
  (add) => {
    testWith(hasOpenssl, 'openssl')('a certificate that is trusted lets requests through', async () => {
      const files = certificates('IP:127.0.0.1');
      const { endpoint, requests } = await tlsServer(files);
      trust([files.certFile]);
      const { client } = await clientAt({ baseUrl: endpoint });
      recordExecution(client);
      await flushed(client);
      // It takes everything, and says nothing.
      expect(requests()).toBe(3);
    });

    testWith(hasOpenssl, 'openssl')('no other certificate does, and no request gets through', async () => {
      for (const { files, isTrusted, options, code } of untrusted()) {
        const { endpoint, requests } = await tlsServer(files, options);
        trust(isTrusted ? [files.certFile] : []);
        // Old TLS may come to an end by itself, and so is asked again before.
        const { client, notices } = await clientAt({ baseUrl: endpoint, offlineAfterMs: 50 });
        recordExecution(client);
        expect(await flushed(client)).toMatchObject({ outcome: 'delivered' });
        expect(notices).toEqual([expect.stringMatching(code)]);
        expect(requests()).toBe(0);
        add('refusedCertificates');
      }
    });

    test.each(withoutTls)('a server that %s is not talked to without TLS', async (_, keepIn) => {
      const seen: Buffer[] = [];
      const server = await faultyServer(keepIn(seen));
      const { client } = await clientAt(
        {
          baseUrl: server.url.replace('http:', 'https:'),
          timeoutMs: 500,
          clock: fastClock(1),
        },
        { maxAttempts: 1 },
      );
      recordExecution(client);
      expect(await flushed(client)).toMatchObject({ outcome: 'send_failed' });
      expect(seen).not.toEqual([]);
      expect(Buffer.concat(seen).toString('latin1')).not.toMatch(/POST|authorization/i);
    });
  },
);
