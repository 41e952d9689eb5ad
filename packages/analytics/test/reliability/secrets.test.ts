import { globSync, lstatSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { createAnalytics, type Env } from '@toolweaver/analytics';
import { exportEvents, sqlite } from '@toolweaver/analytics-sqlite';
import { wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished } from 'vitest';
import { certificates, hasOpenssl, tlsServer } from '../../../../test/support/certificates.ts';
import { trial } from '../../../../test/support/trial.ts';
import { run } from '../../../sqlite/test/support/child.ts';
import { patiently } from '../../../sqlite/test/support/deliver.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';

const failWithHeaders = new URL('../support/fail-with-headers.ts', import.meta.url);
const failEverywhere = new URL('../fixtures/fail-everywhere.ts', import.meta.url);

const instanceId = '918273';
const canaries = {
  OTLP_TOKEN: 'glc_CANARY+a/b=1',
  WANDB_API_KEY: `CANARY2${'k3y'.repeat(11)}`,
  PROMETHEUS_PUSHGATEWAY_AUTHORIZATION: 'Bearer CANARY+c/d=3',
  WANDB_X_EXTRA_HTTP_HEADERS: '{"X-Route":"CANARY+e/f=4"}',
} as const;
/** Where these are read, ours are not. */
const headers = { general: 'CANARY+g/h=5', special: 'CANARY+i/j=6' } as const;
const values = [
  canaries.OTLP_TOKEN,
  canaries.WANDB_API_KEY,
  canaries.PROMETHEUS_PUSHGATEWAY_AUTHORIZATION.slice('Bearer '.length),
  'CANARY+e/f=4',
  headers.general,
  headers.special,
];
/** To whom each is sent. */
const owners: Readonly<Record<string, readonly string[]>> = {
  '/otlp': values.slice(0, 1),
  '/wandb': [...values.slice(1, 2), ...values.slice(3, 4)],
  '/gateway': values.slice(2, 3),
  '/general': [headers.general],
  '/special': [headers.special],
};
/** As they are, in base64 by themselves and behind whoever they belong to, and in a URL. */
const forms: readonly string[] = values.flatMap((value) => [
  value,
  encodeURIComponent(value),
  ...[value, `api:${value}`, `${instanceId}:${value}`].map((text) => Buffer.from(text).toString('base64')),
]);

type Answer = (request: IncomingMessage, response: ServerResponse, seen: string) => void;

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response, seen) =>
    // A far side that is careless repeats what it was sent.
    void response.writeHead(code, headers).end(JSON.stringify({ error: seen, errors: [{ message: seen }] }));

/** All that can go wrong on the way, each with the secrets in it wherever the far side could put them. */
const failures: Readonly<Record<string, Answer>> = {
  ...Object.fromEntries(
    [200, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504].map((code) => [`status ${code}`, status(code)]),
  ),
  ...Object.fromEntries(
    [302, 307, 308].map((code) => [
      `status ${code}`,
      status(code, { location: `http://127.0.0.1:9/elsewhere?key=${encodeURIComponent(values[0] ?? '')}` }),
    ]),
  ),
  'plain text': (_, response, seen) => void response.writeHead(401, { 'content-type': 'text/plain' }).end(seen),
  'odd reason': (_, response, seen) => void response.writeHead(500, seen.replaceAll(/[^ -~]/g, '')).end(seen),
  reset: (request) => void request.socket.destroy(),
  'no HTTP': (request, _, seen) => void request.socket.end(`${seen}\r\n\r\n`),
  silence: () => {},
};

async function serve(answer: Answer): Promise<{ readonly url: string; readonly seen: string[] }> {
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    request.on('error', () => {}).resume();
    // What came, and what of it its owner wrote.
    const own = Object.entries(owners).flatMap(([path, secrets]) => (request.url?.startsWith(path) ? secrets : []));
    const all = [...own, ...Object.values(request.headers)].join(' ');
    seen.push(all);
    request.on('end', () => answer(request, response, all));
  });
  server.on('clientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Where nobody listens, where TLS is not spoken or not to be trusted, and where no name leads to. */
async function unreachable(plain: string): Promise<readonly string[]> {
  const { endpoint } = await tlsServer(certificates('IP:127.0.0.1'));
  return ['http://127.0.0.1:9', plain.replace('http:', 'https:'), endpoint, 'https://nobody.invalid'];
}

/** Each of many waits for some seconds. */
const leastTimeoutMs = 300_000;

trial(
  'R43',
  'no secret is printed, logged, shown or kept, however the far sides fail',
  async ({ add, lacks }) => {
    if (!hasOpenssl) {
      lacks('openssl is not there');
    }
    const folder = testFolder();
    const servers = await Promise.all(Object.values(failures).map(serve));
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      ANALYTICS_BACKEND: 'sqlite,prometheus,otlp,wandb',
      ANALYTICS_DB_PATH: join(folder, 'analytics.db'),
      PROMETHEUS_PORT: '0',
      PROMETHEUS_PUSHGATEWAY_INTERVAL: '0',
      OTEL_EXPORTER_OTLP_TIMEOUT: '400',
      WANDB_HTTP_TIMEOUT: '0.4',
      WANDB_DIR: join(folder, 'runs'),
    };
    const addresses = [...servers.map(({ url }) => url), ...(await unreachable(servers[0]?.url ?? ''))];
    const printed: string[] = [];
    const fail = async (program: URL, addresses: readonly string[], secrets: Env): Promise<void> => {
      const { stdout, ...ended } = await run(program, [JSON.stringify(addresses)], { env: { ...env, ...secrets } });
      expect(ended).toEqual({ code: 0, signal: null, stderr: '' });
      printed.push(stdout);
    };
    // They wait most of the time, so some go at once.
    const own = { OTLP_INSTANCE_ID: instanceId, ...canaries };
    const half = Math.ceil(addresses.length / 2);
    await Promise.all([
      fail(failEverywhere, addresses.slice(0, half), own),
      fail(failEverywhere, addresses.slice(half), own),
      fail(failWithHeaders, addresses, {
        OTEL_EXPORTER_OTLP_HEADERS: `x-route=${encodeURIComponent(headers.general)}`,
        OTEL_EXPORTER_OTLP_METRICS_HEADERS: `x-route=${encodeURIComponent(headers.special)}`,
      }),
    ]);
    const stdout = printed.join('');
    // They were sent: to whom they belong.
    for (const { seen } of servers) {
      const sent = seen.join('\n');
      expect(sent).toContain(Buffer.from(`${instanceId}:${canaries.OTLP_TOKEN}`).toString('base64'));
      expect(sent).toContain(Buffer.from(`api:${canaries.WANDB_API_KEY}`).toString('base64'));
      expect(sent).toContain(canaries.PROMETHEUS_PUSHGATEWAY_AUTHORIZATION);
      expect(sent).toContain(headers.general);
      expect(sent).toContain(headers.special);
      add('requests', seen.length);
    }
    const files = globSync('**/*', { cwd: folder }).map((name) => join(folder, name));
    const kept = files.filter((path) => lstatSync(path).isFile());
    expect(kept.length).toBeGreaterThan(1);
    const places = [
      ['what was printed', stdout],
      ...kept.map((path) => [relative(folder, path), readFileSync(path, 'latin1')]),
    ] as const;
    const hits = places.flatMap(([name, text]) =>
      forms.filter((form) => text.includes(form)).map((form) => `${name}: ${around(text, form)}`),
    );
    add('failures', addresses.length);
    add('forms', forms.length);
    add('files', kept.length);
    add('charactersPrinted', stdout.length);
    add('hits', hits.length);
    expect(hits).toEqual([]);
    // Had nothing been said, nothing would have been held back.
    expect(stdout).toContain('[redacted]');
    expect(stdout).toMatch(/answered 503/);
  },
  leastTimeoutMs,
);

const around = (text: string, form: string): string => {
  const at = text.indexOf(form);
  return text.slice(Math.max(0, at - 120), at + form.length + 20);
};

trial('R44', 'what is written is for its owner alone, whatever the umask', async ({ add, skip }) => {
  if (process.platform === 'win32') {
    skip('Windows has no modes');
  }
  const umask = process.umask(0);
  try {
    const folder = testFolder();
    const own = join(folder, 'own');
    const store = await sqlite({ path: join(own, 'analytics.db') });
    const logs = await wandb({ mode: 'offline', dir: join(own, 'runs') });
    const analytics = createAnalytics({ backends: [store, logs] });
    analytics.recordSkillExecution({ skillId: 'summarise', success: true });
    analytics.record({ type: 'artifact', name: 'report', kind: 'text', bytes: new Uint8Array([1, 2, 3]) });
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    await store.store.backup(join(own, 'copy.db'));
    await exportEvents({ path: join(own, 'analytics.db'), target: join(own, 'events.ndjson') });
    const names = ['.', ...globSync('**/*', { cwd: own })];
    for (const name of names) {
      const stat = lstatSync(join(own, name));
      if (!stat.isSymbolicLink()) {
        const mode = (stat.mode & 0o777).toString(8);
        expect({ name, mode }).toEqual({ name, mode: stat.isDirectory() ? '700' : '600' });
        add(stat.isDirectory() ? 'directories' : 'files');
      }
    }
    expect(names).toEqual(expect.arrayContaining(['analytics.db', 'analytics.db-wal', 'copy.db', 'events.ndjson']));
    await analytics.close();
  } finally {
    process.umask(umask);
  }
});
