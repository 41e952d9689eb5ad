import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createAnalytics } from '@toolweaver/analytics-core';
import { type PrometheusBackend, type PrometheusOptions, prometheus } from '@toolweaver/analytics-prometheus';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from './support/parse.ts';
import { serve } from './support/serve.ts';

async function open(options: PrometheusOptions = {}): Promise<PrometheusBackend> {
  const backend = await prometheus({ port: 0, ...options });
  onTestFinished(() => backend.close?.());
  await backend.write([execution({ name: 'parse' })]);
  return backend;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** By `node:http`, which undoes no encoding and adds no header. */
function ask(url: string, method = 'GET', headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

test('a host that has answered already hears nothing of it', async () => {
  const { handler } = await open({ port: false });
  const { url, close } = await serve((request, response) => {
    handler(request, response);
    response.statusCode = 404;
    response.end('mine');
  });
  onTestFinished(close);
  for (let asked = 0; asked < 3; asked += 1) {
    expect(await ask(url)).toMatchObject({ status: 404, body: Buffer.from('mine') });
  }
});

test('GET and HEAD say the same, but for the text', async () => {
  const { url = '', port } = await open();
  expect(url).toBe(`http://127.0.0.1:${port}/metrics`);
  const got = await ask(`${url}?x=1`);
  expect(got).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'content-length': String(got.body.length),
      'cache-control': 'no-store',
      vary: 'accept-encoding',
    },
  });
  expect(parse(got.body.toString()).get('toolweaver_skill_executions_total')?.samples[0]?.value).toBe(1);
  const { status, headers, body } = await ask(url, 'HEAD');
  expect({ status, length: headers['content-length'], body: body.length }).toEqual({
    status: 200,
    length: got.headers['content-length'],
    body: 0,
  });
});

test.each([
  ['gzip', true],
  ['deflate, GZIP;q=0.5', true],
  ['*', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000, *', false],
  ['*, gzip;q=0', false],
  ['identity', false],
  ['', false],
])('a scraper that accepts %j gets gzip: %j', async (accepted, isZipped) => {
  const { url = '' } = await open();
  const { headers, body } = await ask(url, 'GET', { 'accept-encoding': accepted });
  expect(headers['content-encoding']).toBe(isZipped ? 'gzip' : undefined);
  parse((isZipped ? gunzipSync(body) : body).toString());
});

test('other methods and paths are told apart', async () => {
  const { url = '' } = await open();
  const at = (path: string): string => new URL(path, url).href;
  expect(await ask(url, 'POST', {}, 'x'.repeat(100_000))).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
  expect(await ask(at('/healthz'), 'DELETE')).toMatchObject({ status: 405 });
  expect(await ask(at('/metrics/'))).toMatchObject({ status: 404 });
  expect(await ask(at('/../../etc/passwd'))).toMatchObject({ status: 404 });
  expect((await ask(at('/healthz'))).body.toString()).toBe('ok\n');
  expect(await ask(at('/healthz'), 'HEAD')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  const page = await ask(at('/'));
  expect(page.headers['content-type']).toMatch('text/html');
  expect(page.body.toString()).toContain('<a href="/metrics">');
});

test('a path may come with the address before it, as from a proxy', async () => {
  const { port } = await open();
  const get = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  expect(await get('http://metrics.internal:8000/metrics?x=1')).toBe(200);
  expect(await get('https://metrics.internal/healthz')).toBe(200);
  expect(await get('http://metrics.internal/other')).toBe(404);
  expect(await get('/http://metrics.internal/metrics')).toBe(404);
});

test('a connection may be used again after a scrape interval', async () => {
  const { url = '' } = await open();
  const { headers } = await ask(url, 'GET', { connection: 'keep-alive' });
  expect(Number(/timeout=(\d+)/.exec(String(headers['keep-alive']))?.[1])).toBeGreaterThan(60);
});

test('a request that has not come after ten seconds is cut off', async () => {
  const { port = 0 } = await open();
  const begun = ['GET /metrics HTTP/1.1\r\nX-Slow: ', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n'];
  const lasted = begun.map(async (begin) => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {}).resume();
    socket.write(begin);
    const trickle = setInterval(() => socket.write('a'), 500);
    const startedAt = performance.now();
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    return performance.now() - startedAt;
  });
  for (const ms of await Promise.all(lasted)) {
    expect(ms).toBeGreaterThan(9_000);
    expect(ms).toBeLessThan(20_000);
  }
});

test('what is no HTTP harms nobody', async () => {
  const { url = '', port = 0 } = await open();
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end('\0\x01 nonsense\r\n\r\n'));
    socket.on('error', () => {});
    socket.resume().on('close', resolve);
  });
  expect((await ask(url)).status).toBe(200);
});

const registryOf = (metrics: () => Promise<string>) => ({
  contentType: 'text/plain',
  metrics,
  registerMetric() {},
  getSingleMetric() {},
  removeSingleMetric() {},
});

test('scrapers that come at once are all answered, by one text, compressed or not', async () => {
  let written = 0;
  const registry = registryOf(async () => {
    written += 1;
    await sleep(200);
    return `text ${written}\n`;
  });
  const { url = '' } = await open({ registry });
  const textOf = async (isZipped: boolean): Promise<string> => {
    const { body } = await ask(url, 'GET', isZipped ? { 'accept-encoding': 'gzip' } : {});
    return (isZipped ? gunzipSync(body) : body).toString();
  };
  const texts = () => Promise.all(Array.from({ length: 8 }, (_, at) => textOf(at % 2 > 0)));
  expect(new Set(await texts())).toEqual(new Set(['text 1\n']));
  expect(new Set(await texts())).toEqual(new Set(['text 2\n']));
});

test.each([
  [new Error('a collector of the user failed'), 'a collector of the user failed'],
  ['a string', 'a string'],
  [undefined, 'undefined'],
])('a registry that fails is said to, instead of half a text (%s)', async (thrown, reason) => {
  const registry = registryOf(() => Promise.reject(thrown));
  const { url = '' } = await open({ registry });
  const { status, body } = await ask(url);
  expect({ status, body: body.toString() }).toEqual({
    status: 500,
    body: `The metrics could not be written: ${reason}\n`,
  });
});

test("the user's own servers can show the metrics, under any path and without one of ours", async () => {
  const backend = await open({ port: false });
  expect(backend.url).toBeUndefined();
  const server = await serve((request, response) => {
    if (request.url === '/internal/metrics') {
      backend.handler(request, response);
    } else {
      response.writeHead(404).end();
    }
  });
  onTestFinished(server.close);
  const { body, headers } = await ask(`${server.url}/internal/metrics`);
  expect(headers['content-type']).toBe(backend.contentType);
  expect(body.toString()).toBe(await backend.scrape());

  const response = await backend.fetch(new Request('http://app.example/anything'));
  expect(response.headers.get('content-type')).toBe(backend.contentType);
  expect(await response.text()).toBe(await backend.scrape());
  const head = await backend.fetch(new Request('http://app.example/', { method: 'HEAD' }));
  expect([head.status, head.body]).toEqual([200, null]);
  const refused = await backend.fetch(new Request('http://app.example/', { method: 'POST', body: 'x' }));
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('a client shows its operations under way and its ledger', async () => {
  const backend = await prometheus({ port: 0 });
  await using client = createAnalytics({ backends: [backend] });
  client.recordSkillRating({ skillId: 'a', rating: 5 });
  await client.trackOperation({ kind: 'tool', name: 'search' }, async () => {
    const text = await (await fetch(backend.url as string)).text();
    expect(text).toContain('toolweaver_active_operations 1\n');
    expect(text).toContain('toolweaver_analytics_events_total{backend="prometheus",outcome="delivered",reason=""} 1\n');
  });
});
