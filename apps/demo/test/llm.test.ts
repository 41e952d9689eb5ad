import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Call } from '../src/llm/call.ts';
import { inventedCalls } from '../src/llm/invented-calls.ts';
import { parseOptions } from '../src/llm/options.ts';
import { readCalls } from '../src/llm/read-calls.ts';
import { type Ended, query, runIn } from './support/program.ts';

const main = new URL('../src/llm/main.ts', import.meta.url);
/** Nano-dollars for a token, in and out: 0.40 and 1.60 dollars for a million, 3 and 15. */
const rates = [
  { model: 'gpt-4.1-mini', input: 400n, output: 1600n },
  { model: 'claude-sonnet-4-5', input: 3000n, output: 15_000n },
] as const;

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'llm-demo-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const demo = (...args: string[]): Ended => runIn(cwd, main, args);

/** What each model's calls come to, in whole nano-dollars. */
function byHand(calls: readonly Call[]) {
  return rates.map(({ model, input, output }, turn) => {
    const own = calls.filter((_, at) => at % 2 === turn);
    const inputTokens = own.reduce((sum, { contextTokens }) => sum + contextTokens, 0);
    const outputTokens = own.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0);
    const nanoUsd = BigInt(inputTokens) * input + BigInt(outputTokens) * output;
    return { model, calls: own.length, inputTokens, outputTokens, nanoUsd: Number(nanoUsd) };
  });
}

const sums = `
  SELECT model, COUNT(*) AS calls, SUM(input_tokens) AS inputTokens, SUM(output_tokens) AS outputTokens,
    SUM(cost_nano_usd) AS nanoUsd
  FROM executions GROUP BY model ORDER BY model DESC`;

async function expectTotals(calls: readonly Call[], ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = demo('--json', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const report = JSON.parse(stdout);
  const expected = byHand(calls);
  const total = expected.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
  expect(query(report.db, sums)).toEqual(expected);
  const models = [...report.models].sort((one, other) => (one.model < other.model ? 1 : -1));
  expect(models).toEqual(
    expected.map(({ nanoUsd, ...model }) => ({
      ...model,
      costUsd: nanoUsd / 1e9,
      costPerCallUsd: nanoUsd / model.calls / 1e9,
    })),
  );
  expect(report).toMatchObject({
    calls: calls.length,
    pricedCalls: calls.length,
    costUsd: total / 1e9,
    unpriced: [],
    tokens: {
      input: expected.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
      output: expected.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    },
  });
  const times = calls.map(({ at }) => at);
  const ms = Math.max(...times) - Math.min(...times);
  expect(report.burnRate.usdPerHour).toBeCloseTo((total / 1e9) * (3_600_000 / ms), 9);
  const hours = report.burnRate.hours as { calls: number; costUsd: number }[];
  expect(hours.reduce((sum, hour) => sum + hour.calls, 0)).toBe(calls.length);
  expect(hours.reduce((sum, { costUsd }) => sum + Math.round(costUsd * 1e9), 0)).toBe(total);
}

test('without a file it plays invented calls; its totals are those of SQL and of a count by hand', async () => {
  const calls = [...inventedCalls()].flatMap(({ call }) => call ?? []);
  expect(calls).toHaveLength(600);
  await expectTotals(calls);
});

test('the same of a trace', async () => {
  const lines = ['TIMESTAMP,ContextTokens,GeneratedTokens'];
  for (let at = 0; at < 500; at += 1) {
    const time = new Date(Date.UTC(2023, 10, 16, 18) + at * 9_000).toISOString().replace('T', ' ').replace('Z', '0000');
    lines.push(`${time},${(at * 7919) % 4001},${(at * 104_729) % 997}`);
  }
  const path = join(cwd, 'trace.csv');
  writeFileSync(path, lines.join('\r\n'));
  const calls: Call[] = [];
  for await (const { call } of await readCalls(path)) {
    calls.push(call as Call);
  }
  expect(calls).toHaveLength(500);
  await expectTotals(calls, '--calls', 'trace.csv', '--db', 'my own/llm.db');
});

test('the report for people compares the models and says the burn rate', () => {
  const { status, stdout, stderr } = demo('--limit', '100', '--speed', '1000000');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('Calls            100\n');
  expect(stdout).toMatch(/Cost +\$[\d.]+, known of 100 calls\n/);
  expect(stdout).toMatch(/Burn rate +\$[\d.]+ an hour, \$[\d.]+ a day\n/);
  expect(stdout).toMatch(/A call of gpt-4\.1-mini costs [\d.]+ % of the most expensive one\./);
  expect(stdout).toContain('2026-01-05T09:00');
});

test('what has no price is not in the sums, and is named', () => {
  const { status, stdout } = demo('--models', 'gpt-4.1-mini,our-own-7b', '--limit', '10', '--json');
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ calls: 10, pricedCalls: 5, unpriced: [{ model: 'our-own-7b', calls: 5 }] });
  expect(report.models.find(({ model }: { model: string }) => model === 'our-own-7b').costUsd).toBeNull();
  expect(demo('--models', 'gpt-4.1-mini,our-own-7b', '--limit', '10').stdout).toContain('5 calls of our-own-7b: ');
});

test('names malformed lines with their numbers, and skips them', () => {
  const rows = [
    '2023-11-16 18:15:46.68,5,1',
    'yesterday,5,1',
    '',
    '2023-11-16 18:15:47,-5,1',
    '2023-11-16 18:15:48,5,1.5',
    '2023-02-30 18:15:48,5,1',
  ];
  writeFileSync(join(cwd, 'mixed.csv'), ['\ufeffTIMESTAMP,ContextTokens,GeneratedTokens', ...rows].join('\n'));
  const { status, stdout, stderr } = demo('--calls', 'mixed.csv', '--json');
  expect(status).toBe(0);
  const { calls, skipped, tokens, burnRate } = JSON.parse(stdout);
  expect([calls, tokens.total, burnRate.usdPerHour]).toEqual([1, 6, null]);
  expect(skipped.map(({ line }: { line: number }) => line)).toEqual([3, 5, 6, 7]);
  expect(stderr).toContain('mixed.csv:3: skipped: TIMESTAMP must be a time');
  expect(stderr).toContain('mixed.csv:5: skipped: ContextTokens must be a whole number >= 0, got "-5"');
  expect(stderr).toContain('mixed.csv:6: skipped: GeneratedTokens must be a whole number >= 0, got "1.5"');
  expect(stderr).toContain('mixed.csv:7: skipped: TIMESTAMP must be a time');
});

test.each([
  [['--calls', 'missing.csv'], 'There is no such file: '],
  [['--calls', '.'], 'is a directory'],
  [['--bogus'], "Unknown option '--bogus'"],
])('%s: exit 2 and a clear line', (args, line) => {
  const { status, stdout, stderr } = demo(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(line);
  expect(stderr).not.toContain('    at ');
});

test.each([
  [['--models', 'one'], '--models must be two names'],
  [['--models', 'one,two,three'], '--models must be two names'],
  [['--speed', '0'], '--speed must be a number above 0'],
  [['--speed', 'fast'], '--speed must be a number above 0'],
  [['--limit', '1.5'], '--limit must be a whole number from 1 on'],
])('%s is refused', (args, message) => {
  expect(() => parseOptions(args, {}, cwd)).toThrow(message);
});

test.each([
  ['no calls', 'TIMESTAMP,ContextTokens,GeneratedTokens\n', 'no call in it', true],
  ['other columns', 'time,tokens\n1,2\n', 'must name the columns', false],
  ['nothing in it', '', 'must name the columns', false],
])('a file with %s: exit 1, and says so; what is no trace leaves no database', (_what, text, line, isTrace) => {
  writeFileSync(join(cwd, 'trace.csv'), text);
  const { status, stderr } = demo('--calls', 'trace.csv');
  expect(status).toBe(1);
  expect(stderr).toContain(line);
  expect(existsSync(join(cwd, 'llm-demo.db'))).toBe(isTrace);
});

test.each(['../src/llm/main.ts', '../src/main.ts'])(
  '%s: a reader of its output that has had enough ends nothing',
  async (path) => {
    const program = spawn(process.execPath, [fileURLToPath(new URL(path, import.meta.url))], {
      cwd,
      env: { HOME: cwd },
    });
    program.stdout.destroy();
    const [[status], stderr] = await Promise.all([once(program, 'exit'), text(program.stderr)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

test.runIf(existsSync('/dev/full'))('without room for its output it says so', () => {
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, fileURLToPath(main)],
    {
      cwd,
      encoding: 'utf8',
      env: { HOME: cwd },
    },
  );
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^ENOSPC.*\n$/) });
});

test('without a database it says so before it plays anything', () => {
  writeFileSync(join(cwd, 'trace.csv'), 'TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,5,1\n');
  const env = { ANALYTICS_BACKEND: 'prometheus', PROMETHEUS_PORT: '0' };
  const { status, stdout, stderr } = runIn(cwd, main, ['--calls', 'trace.csv'], env);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]*needs a backend that answers it[^\n]*\n$/);
});

test('one call and one line are no calls and no lines', () => {
  const rows = ['2023-11-16 18:15:46.68,5,1', 'yesterday,5,1'];
  writeFileSync(join(cwd, 'trace.csv'), ['TIMESTAMP,ContextTokens,GeneratedTokens', ...rows].join('\n'));
  const { stdout } = demo('--calls', 'trace.csv', '--models', 'our-own-7b,gpt-4.1-mini');
  expect(stdout).toContain('Calls            1, and 1 line skipped\n');
  expect(stdout).toContain('1 call of our-own-7b: ');
});

test('--help explains and does nothing', () => {
  const { status, stdout } = demo('--help');
  expect(status).toBe(0);
  for (const option of ['--calls FILE', '--models A,B', '--speed N', '--limit N', '--db PATH', '--json', '--help']) {
    expect(stdout).toContain(option);
  }
  expect(existsSync(join(cwd, 'llm-demo.db'))).toBe(false);
});
