import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { inspect } from 'node:util';
import { createAnalyticsClient } from '@toolweaver/analytics';
import { type AnalyticsError, createAnalytics, type Env, memory } from '@toolweaver/analytics-core';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../../sqlite/test/support/folder.ts';
import { problemsOf, readers, variables } from './support/variables.ts';

const packages = new URL('../../', import.meta.url);
const page = readFileSync(new URL('../docs/security.md', packages), 'utf8');

/** The cells of the table below a heading, without their head. */
function table(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  const rows = [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split(' | '));
  return rows.slice(2);
}

const codeIn = (cell = ''): string[] => Array.from(cell.matchAll(/`(.*?)`/g), ([, code = '']) => code);

function sourcesOf(name: string): string[] {
  return readdirSync(new URL(`${name}/src/`, packages), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${name}/src/${file}`);
}

const names = readdirSync(packages).filter((name) => name !== 'testkit');
const read = (file: string): string => readFileSync(new URL(file, packages), 'utf8');

test('what listens does so where the page says', () => {
  const [[, scraped] = [], [, composed] = []] = table('What listens');
  const defaults = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  expect(codeIn(scraped)).toEqual([`${defaults['PROMETHEUS_HOST']}:${defaults['PROMETHEUS_PORT']}`]);
  const ports = read('grafana/src/provisioning.ts').matchAll(/^ +- ([\d.]+:\d+):\d+$/gm);
  expect(codeIn(composed).sort()).toEqual(Array.from(ports, ([, port]) => port).sort());
});

test('connections are opened in the four files that the page names, which follow no redirects', () => {
  const opening =
    /^import \{[^}]*\b(?:createServer|get|request|connect)\b[^}]*\} from 'node:(?:https?|http2|net|tls)'|[ (]fetch\(url/m;
  const found = names.flatMap(sourcesOf).filter((file) => opening.test(read(file)));
  const [, section = ''] = page.split('All code that opens a connection or a port is in four files:');
  const [sentence = ''] = section.split('\n\n');
  expect(Array.from(sentence.matchAll(/\(\.\.\/packages\/(.*?)\)/g), ([, file]) => file).sort()).toEqual(found.sort());
  for (const file of found) {
    // What node:http gets it hands over as it is; fetch has to be told.
    expect(/[ (]fetch\(/.test(read(file)), file).toBe(read(file).includes("redirect: 'manual'"));
  }
});

test('what is kept on this machine is its owner’s alone', async () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'runs'), { mode: 0o700 });
  const analytics = await createAnalyticsClient({
    env: {
      ANALYTICS_BACKEND: 'sqlite,wandb',
      ANALYTICS_DB_PATH: join(folder, 'home', '.toolweaver', 'analytics.db'),
      WANDB_MODE: 'offline',
      WANDB_ENTITY: 'team',
      WANDB_DIR: join(folder, 'runs'),
    },
  });
  const run = analytics.startRun({ name: 'kept' });
  run.logArtifact({ name: 'report', kind: 'report', bytes: new Uint8Array([1]) });
  await run.within(() => analytics.trackOperation('work', async () => {}));
  await analytics.flush();
  const modes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => ({ file, stat: statSync(join(folder, file)) }))
    .map(({ file, stat }) => ({ file, mode: stat.mode & 0o777, wanted: stat.isDirectory() ? 0o700 : 0o600 }));
  await analytics.close();
  expect(modes.map(({ file }) => basename(file))).toEqual(
    expect.arrayContaining(['.toolweaver', 'analytics.db', 'analytics.db-wal', 'analytics.db-shm', 'report']),
  );
  expect(modes.filter(({ mode, wanted }) => mode !== wanted)).toEqual([]);
});

test('neither arguments nor results are recorded, and messages of errors only where they may be', async () => {
  const recorded = async (errorMessages: boolean): Promise<string> => {
    const store = memory();
    const analytics = createAnalytics({ backends: [store], errorMessages });
    const parse = analytics.wrapTool(function parse(text: string) {
      if (text.startsWith('bad')) {
        throw new TypeError(`cannot parse ${text}`);
      }
      return `RESULT of ${text}`;
    });
    parse('good PROMPT');
    expect(() => parse('bad QUOTE')).toThrow();
    await analytics.close();
    expect(store.events).toHaveLength(2);
    return JSON.stringify(store.events);
  };
  expect(await recorded(true)).not.toMatch(/PROMPT|RESULT/);
  expect(await recorded(true)).toContain('QUOTE');
  expect(await recorded(false)).not.toMatch(/PROMPT|RESULT|QUOTE/);
});

const canary = 'CANARY'.repeat(7);
const secrets: Env = {
  PROMETHEUS_PUSHGATEWAY_AUTHORIZATION: `Bearer ${canary}`,
  OTLP_TOKEN: canary,
  OTEL_EXPORTER_OTLP_HEADERS: `api-key=${canary}`,
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: `api-key=${canary}`,
  WANDB_API_KEY: canary,
  WANDB_X_EXTRA_HTTP_HEADERS: JSON.stringify({ 'x-key': canary }),
};
const encoded = [
  canary,
  Buffer.from(`api:${canary}`).toString('base64'),
  Buffer.from(`1:${canary}`).toString('base64'),
];
const showsNone = (value: unknown): void => {
  const shown = `${inspect(value, { depth: 10, showHidden: true })}${JSON.stringify(value)}${String(value)}`;
  expect(encoded.filter((text) => shown.includes(text))).toEqual([]);
};

test('the secrets of the page are those of the list of variables', () => {
  const listed = variables.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  expect(table('Secrets').map(([name]) => codeIn(name)[0])).toEqual(listed);
  expect(Object.keys(secrets)).toEqual(listed);
});

test.each(Object.entries(secrets))(
  '%s is shown nowhere, not even when the far side repeats it',
  async (name, value = '') => {
    let asked = 0;
    const echo = createServer((request, response) => {
      asked += 1;
      request.resume();
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: JSON.stringify(request.headers), message: canary }));
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void echo.close());
    const url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;
    const backend = /^[A-Z]+/.exec(name)?.[0].replace('OTEL', 'OTLP').toLowerCase();
    const env: Env = {
      ANALYTICS_BACKEND: backend,
      PROMETHEUS_PUSHGATEWAY_URL: url,
      [name.startsWith('OTEL') ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTLP_ENDPOINT']: url,
      WANDB_API_KEY: 'x'.repeat(40),
      WANDB_BASE_URL: url,
      WANDB_DIR: testFolder(),
      ...(name === 'OTLP_TOKEN' && { OTLP_INSTANCE_ID: '1' }),
      [name]: value,
    };
    const all = await readers();
    const reader = all[backend ?? ''] ?? (() => {});
    showsNone(reader(env));
    // A line break is wrong in all of them.
    showsNone(await problemsOf(reader, { ...env, [name]: `${value}\n"` }));

    const told: AnalyticsError[] = [];
    const analytics = await createAnalyticsClient({ env, onError: (error) => void told.push(error) });
    showsNone(analytics);
    showsNone(analytics.getConfigSummary());
    analytics.recordToolInvocation({ toolName: 'search', success: true });
    showsNone(await analytics.flush({ timeoutMs: 2000 }));
    showsNone(await analytics.healthCheck());
    showsNone(await analytics.close({ timeoutMs: 2000 }));
    showsNone(told);
    expect(told.length).toBeGreaterThan(0);
    expect(asked).toBeGreaterThan(0);
  },
);

test('nothing runs when a package is installed, and it brings along what the page says', () => {
  const expected = new Map(
    table('What is installed').flatMap(([who, what]) =>
      codeIn(who).map((name) => [name, codeIn(what).sort()] as const),
    ),
  );
  for (const name of readdirSync(packages)) {
    const { scripts, dependencies = {}, files } = JSON.parse(read(`${name}/package.json`));
    expect(Object.keys(scripts).filter((script) => !/^(build|typecheck|generate|pictures)$/.test(script))).toEqual([]);
    expect(files).toEqual(['dist']);
    const theirs = Object.keys(dependencies).filter((dependency) => !dependency.startsWith('@toolweaver/'));
    expect(theirs.sort(), name).toEqual(expected.get(name));
  }
});
