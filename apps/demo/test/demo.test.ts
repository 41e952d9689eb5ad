import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ended, query, runIn } from './support/program.ts';

const main = new URL('../src/main.ts', import.meta.url);
const ours = readFileSync(new URL('../data/receipts.jsonl', import.meta.url), 'utf8');

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'demo-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const demo = (...args: string[]): Ended => runIn(cwd, main, args);

const countsByName = `SELECT name, COUNT(*) AS executions, SUM(success) AS successes FROM executions GROUP BY name ORDER BY name`;

test('ends with the summary; a second run adds to the database, and --json counts what is in it', () => {
  const first = demo();
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: '' });
  expect(first.stdout).toContain('Receipts         24\n');
  expect(first.stdout).toMatch(/Totals right +91\.7 % \(22 of 24\)/);
  expect(first.stdout).toMatch(/Latency +average [\d.]+ ms · P50 [\d.]+ ms · P95 [\d.]+ ms · P99 [\d.]+ ms/);
  expect(first.stdout).toContain('1  TotalMissingError in parse_items');
  const file = join(cwd, 'receipts-demo.db');
  expect(first.stdout).toContain(`Database: ${file} (95 executions of 1 run)`);
  expect(query(file, countsByName)).toMatchObject([
    { name: 'categorize', executions: 23, successes: 23 },
    { name: 'parse_items', executions: 24, successes: 23 },
    { name: 'process_receipt', executions: 24, successes: 21 },
    { name: 'receipt_ocr', executions: 24, successes: 24 },
  ]);

  const second = demo('--json');
  expect({ status: second.status, stderr: second.stderr }).toEqual({ status: 0, stderr: '' });
  const report = JSON.parse(second.stdout);
  expect(report).toMatchObject({
    receipts: 24,
    skipped: [],
    executions: 190,
    successes: 182,
    failures: 8,
    runs: 2,
    run: { executions: 95 },
    extraction: { totals: { right: 22, known: 24 }, dates: { right: 22, known: 24 } },
    latencyMs: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
    db: file,
  });
  const byTool = Object.entries<{ executions: number; successes: number }>(report.byTool)
    .map(([name, { executions, successes }]) => ({ name, executions, successes }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  expect(byTool).toEqual(query(file, countsByName.replace('GROUP', "WHERE kind = 'tool' GROUP")));
  expect(byTool).toHaveLength(3);
});

test('takes ANALYTICS_DB_PATH as the backend does', () => {
  const { status, stdout } = runIn(cwd, main, [], { ANALYTICS_DB_PATH: ':memory:' });
  expect(status).toBe(0);
  expect(stdout).toContain('Database: in memory (95 executions of 1 run)');
  expect(stdout).not.toContain('sqlite3');
  expect(readdirSync(cwd)).toEqual([]);
  const { stdout: json } = runIn(cwd, main, ['--json'], { ANALYTICS_DB_PATH: '~/under/home.db' });
  const { db } = JSON.parse(json);
  expect(db).toBe(join(cwd, 'under', 'home.db'));
  expect(query(db, countsByName)).toHaveLength(4);
});

test('says how to add another run to the database that it was given', () => {
  expect(demo().stdout).toMatch(/^ {2}npm run demo {2,}adds another run to the database$/m);
  const env = { ANALYTICS_DB_PATH: 'of the environment.db' };
  const named = runIn(cwd, main, [], env).stdout;
  expect(named).toContain(`  npm run demo -- --db '${join(cwd, 'of the environment.db')}'  adds another run`);
  const given = runIn(cwd, main, ['--db', 'given.db'], env).stdout;
  expect(given).toMatch(/^ {2}npm run demo -- --db \S+\/given\.db {2,}adds another run/m);
});

test('names malformed lines with their numbers, and skips them', () => {
  const [first = '', second = ''] = ours.split('\n');
  writeFileSync(join(cwd, 'mixed.jsonl'), [first, '{"id": 7}', '', 'no JSON', second].join('\r\n'));
  const { status, stdout, stderr } = demo('--receipts', 'mixed.jsonl', '--db', 'my own/facts.db', '--json');
  expect(status).toBe(0);
  const { receipts, skipped, db } = JSON.parse(stdout);
  expect(receipts).toBe(2);
  expect(db).toBe(join(cwd, 'my own', 'facts.db'));
  expect(query(db, 'SELECT COUNT(*) AS count FROM executions')).toMatchObject([{ count: 8 }]);
  expect(skipped).toMatchObject([
    { line: 2, problem: expect.stringContaining('id') },
    { line: 4, problem: expect.stringContaining('not JSON') },
  ]);
  expect(stderr).toContain('mixed.jsonl:2: skipped: id must be');
  expect(stderr).toContain('mixed.jsonl:4: skipped: not JSON');
  expect(demo('--receipts', 'mixed.jsonl').stdout).toContain('Receipts         2, and 2 lines skipped\n');
  writeFileSync(join(cwd, 'one.jsonl'), [first, 'no JSON'].join('\n'));
  expect(demo('--receipts', 'one.jsonl').stdout).toContain('Receipts         1, and 1 line skipped\n');
});

test.each([
  [['--receipts', 'missing.jsonl'], 'There is no such file: '],
  [['--receipts', '.'], 'is a directory'],
  [['--bogus'], "Unknown option '--bogus'"],
  [['--db', '.'], 'is a directory'],
])('%s: exit 2 and a clear line', (args, line) => {
  const { status, stdout, stderr } = demo(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(line);
  expect(stderr).not.toContain('    at ');
});

test('a file without receipts: exit 1, and says so', () => {
  writeFileSync(join(cwd, 'empty.jsonl'), '\n');
  const { status, stderr } = demo('--receipts', 'empty.jsonl');
  expect(status).toBe(1);
  expect(stderr).toContain('empty.jsonl: no receipt in it');
});

test('--help explains and does nothing', () => {
  const { status, stdout } = demo('--help');
  expect(status).toBe(0);
  for (const option of ['--receipts FILE', '--db PATH', '--json', '--help']) {
    expect(stdout).toContain(option);
  }
  expect(existsSync(join(cwd, 'receipts-demo.db'))).toBe(false);
});

/** The sum of a counter's values by one of its labels. */
function sums(text: string, metric: string, label: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, labels = '', value] of text.matchAll(new RegExp(`^${metric}\\{(.*)\\} (\\d+)$`, 'gm'))) {
    const name = new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
    found[name] = (found[name] ?? 0) + Number(value);
  }
  return found;
}

test('with two backends both show the same counts, and the metrics can be scraped while it stays', async () => {
  const child = spawn(process.execPath, [fileURLToPath(main), '--json', '--hold', '60'], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ANALYTICS_BACKEND: 'sqlite,prometheus', PROMETHEUS_PORT: '0' },
  });
  const ended = once(child, 'exit');
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const [stays] = await once(child.stderr, 'data');
  const url = /^Staying for 60 s: scrape (http:\/\/127\.0\.0\.1:\d+\/metrics)\. Ctrl-C/.exec(String(stays))?.[1] ?? '';
  const metrics = await (await fetch(url)).text();
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);

  const rows = query(join(cwd, 'receipts-demo.db'), countsByName);
  const stored = Object.fromEntries(rows.map(({ name, executions }) => [name, executions]));
  expect(stored).toEqual({ categorize: 23, parse_items: 24, process_receipt: 24, receipt_ocr: 24 });
  expect({
    ...sums(metrics, 'toolweaver_tool_executions_total', 'tool_name'),
    ...sums(metrics, 'toolweaver_skill_executions_total', 'skill_id'),
  }).toEqual(stored);
  expect(sums(metrics, 'toolweaver_skill_success_total', 'skill_id')).toEqual({ process_receipt: 21 });
  expect(sums(metrics, 'toolweaver_tool_errors_total', 'error_type')).toEqual({ TotalMissingError: 1 });
  expect(JSON.parse(stdout)).toMatchObject({ executions: 95, metricsUrl: url });
});

test('without a database it says what it knows itself, and where the metrics are', () => {
  const env = { ANALYTICS_BACKEND: 'prometheus', PROMETHEUS_PORT: '0' };
  const { status, stdout, stderr } = runIn(cwd, main, [], env);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('Receipts         24\n');
  expect(stdout).toMatch(/^Metrics: http:\/\/127\.0\.0\.1:\d+\/metrics/m);
  expect(stdout).not.toContain('Database:');
  expect(stdout).toMatch(/^ {2}ANALYTICS_BACKEND=sqlite,prometheus npm run demo {2,}figures of this run/m);
  expect(existsSync(join(cwd, 'receipts-demo.db'))).toBe(false);
});

test('of metrics that nobody took it does not say that they were pushed', () => {
  const env = {
    ANALYTICS_BACKEND: 'otlp',
    OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '100',
  };
  const { status, stdout } = runIn(cwd, main, [], env);
  expect(status).toBe(1);
  expect(stdout).toContain('Metrics could not be pushed to: http://127.0.0.1:1/v1/metrics');
  expect(stdout).not.toContain('Metrics pushed');
  expect(JSON.parse(runIn(cwd, main, ['--json'], env).stdout)).not.toHaveProperty('pushedTo');
});
