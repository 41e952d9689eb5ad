import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, rating, run as runEvent } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { runCommand, type Surroundings } from '../src/command/command.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { value } from './support/rows.ts';

const dayMs = 86_400_000;
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, inReadme] = /The first prints, for example:\n\n```text\n(.*?)```/s.exec(readme) ?? [];

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A database with these events, in a folder of its own, and a way to run commands on it. */
async function databaseWith(...events: readonly AnalyticsEvent[]) {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const backend = await open({ path });
  await backend.write(events);
  await backend.close();
  return {
    folder,
    path,
    run: (args: readonly string[], also: Partial<Surroundings> = {}): Promise<Ended> =>
      run(args, { ...also, env: { ANALYTICS_DB_PATH: path, ...also.env } }),
  };
}

/** In this process: to start one for each would take longer than all the rest. */
async function run(args: readonly string[], also: Partial<Surroundings> = {}): Promise<Ended> {
  let [out, err] = ['', ''];
  const code = await runCommand(args, {
    env: {},
    version: '1.2.3',
    isWatched: false,
    signal: new AbortController().signal,
    out(text) {
      out += text;
    },
    err(text) {
      err += text;
    },
    ...also,
  });
  return { code, out, err };
}

const executionsIn = (path: string) => value(path, 'SELECT count(*) FROM executions');

test('a summary for people, and the same as JSON', async () => {
  const error = { type: 'TimeoutError' };
  const usage = { inputTokens: 1200, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 34, reasoningTokens: 0 };
  const cost = { nanoUsd: 1_234_500_000, source: 'provider' } as const;
  const { run, path } = await databaseWith(
    ...[true, true, false].map((success) =>
      execution({ kind: 'tool', name: 'fetch', success, latencyMs: 1500, ...(!success && { error }) }),
    ),
    execution({ kind: 'llm', name: 'large', usage, cost, latencyMs: undefined }),
    execution({ name: 'old', at: Date.now() - 9 * dayMs }),
  );
  const asked = await run(['--days', '7']);
  expect(asked).toEqual({ code: 0, err: '', out: expect.any(String) });
  expect(asked.out).toBe(inReadme);
  const { out } = await run(['summary', '--json']);
  const { reader } = await open({ path });
  expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(await reader.summary())));
});

test('costs, failures and runs for people, and the same as JSON', async () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  const cost = (usd: number) => ({ nanoUsd: usd * 1e9, source: 'provider' }) as const;
  const error = { type: 'TimeoutError', message: 'no answer\nin time' };
  const { run, path } = await databaseWith(
    execution({ at, kind: 'llm', name: 'plan', model: 'large', runId: 'run-1', cost: cost(0.5) }),
    execution({ at, kind: 'llm', name: 'draw', model: 'large', runId: 'run-1', cost: cost(1) }),
    execution({ at, kind: 'tool', name: 'fetch', runId: 'run-1', success: false, error }),
    execution({ kind: 'tool', name: 'fetch', success: false }),
    runEvent({ at, runId: 'run-1', state: 'started', name: 'nightly' }),
  );
  expect((await run(['costs', '--by', 'model'])).out).toBe(`$1.50 known, of 2 of 4 executions

kind  name   executions  tokens   cost
-     large           2       0  $1.50
-     -               2       0      -
`);
  expect((await run(['failures'])).out).toMatch(
    /^time +kind +name +run +error +message\n.* tool +fetch +- +- +-\n2026-01-02 03:04:05 +tool +fetch +run-1 +TimeoutError +no answer in time\n$/,
  );
  expect((await run(['failures', '--days', '1'])).out.split('\n')).toHaveLength(3);
  expect((await run(['runs'])).out).toMatch(
    /^started .*\n2026-01-02 03:04:05 +run-1 +nightly +started +3 +66\.7 % +0 +\$1\.50\n$/,
  );
  const { reader } = await open({ path });
  const answers = {
    costs: await reader.getCosts({ limit: 1 }),
    failures: await reader.listExecutions({ success: false, limit: 1 }),
    runs: await reader.listRuns({ limit: 1 }),
  };
  for (const [command, answer] of Object.entries(answers)) {
    const { out } = await run([command, '--limit', '1', '--json']);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(answer)));
  }
  const wrong = await run(['costs', '--by', 'colour', '--limit', '5000']);
  expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/--by: must be one of operation.*--limit: /s) });
});

test('nothing to report is no error', async () => {
  const { run } = await databaseWith();
  expect(await run([])).toEqual({
    code: 0,
    err: '',
    out: 'executions  0\nsucceeded   -\ncost        - known, of 0 executions\ntokens      0\nruns        0\n',
  });
  expect((await run(['costs'])).out).toBe('- known, of 0 of 0 executions\n');
  expect((await run(['failures'])).out).toBe('no failures\n');
  expect((await run(['runs'])).out).toBe('no runs\n');
});

test('what is exported comes back, what is there is not replaced unless that is wanted', async () => {
  const events = [execution(), execution({ at: Date.now() - 3 * dayMs }), rating()];
  const { run, folder, path } = await databaseWith(...events);
  const target = join(folder, 'all.jsonl.gz');
  expect(await run(['export', target])).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('events: 3\n'),
  });
  const refused = await run(['export', target]);
  expect(refused).toEqual({ code: 1, out: '', err: 'FILE: is there already: choose another path, or use --force\n' });
  const recent = await run(['export', target, '--days', '2', '--force', '--json']);
  expect(JSON.parse(recent.out)).toMatchObject({ path: target, events: 2 });

  const copy = join(folder, 'copy.db');
  expect((await run(['import', target, '--db', copy])).code).toBe(0);
  expect([executionsIn(copy), executionsIn(path)]).toEqual([1, 2]);
  const again = JSON.parse((await run(['import', target, '--db', copy, '--json'])).out);
  expect(again).toMatchObject({ imported: 2, rejected: 0 });
  expect(executionsIn(copy)).toBe(1);
});

test('rows that are left out are named, and make it a failure', async () => {
  const { run, folder, path } = await databaseWith();
  const source = join(folder, 'some.jsonl');
  writeFileSync(source, `{"type":"nothing","at":1}\n${JSON.stringify(execution())}\n`);
  const { code, out, err } = await run(['import', source]);
  expect([code, executionsIn(path)]).toEqual([1, 1]);
  expect(out).toContain('imported: 1\n');
  expect(err).toMatch(/^line 1: type .*\n$/);
  const none = await run(['import', join(folder, 'none.csv')]);
  expect(none).toEqual({ code: 1, out: '', err: expect.stringMatching(/^FILE: cannot be read: ENOENT/) });
});

test('only prune deletes what is old, by its own limits or those of the environment', async () => {
  const { run, path } = await databaseWith(execution(), execution({ at: Date.now() - 9 * dayMs }));
  const env = { ANALYTICS_DB_PATH: path, ANALYTICS_DB_RETENTION_DAYS: '5' };
  for (const args of [
    [],
    ['stats'],
    ['prune', '--dry-run'],
    ['prune', '--keep-days', '10'],
    ['prune', '--max-mb', '9'],
  ]) {
    expect((await run(args, { env })).code, args.join(' ')).toBe(0);
    expect(executionsIn(path), args.join(' ')).toBe(2);
  }
  expect(await run(['prune'])).toEqual({
    code: 1,
    out: '',
    err: expect.stringContaining('needs --keep-days or --max-mb'),
  });
  const { out } = await run(['prune', '--json'], { env });
  expect(JSON.parse(out)).toMatchObject({ rows: { executions: 1 } });
  expect(executionsIn(path)).toBe(1);
});

test('a user is erased, or only counted', async () => {
  const { run, path } = await databaseWith(execution({ userId: 'ada' }), execution({ userId: 'bob' }));
  expect((await run(['erase', 'ada', '--dry-run'])).out).toContain('rows.executions: 1\n');
  expect(executionsIn(path)).toBe(2);
  expect(JSON.parse((await run(['erase', 'ada', '--json'])).out)).toMatchObject({
    purged: true,
    rows: { executions: 1 },
  });
  expect(value(path, 'SELECT group_concat(user_id) FROM executions')).toBe('bob');
});

test('what others read meanwhile is not purged, and it says what to do', async () => {
  const { run, path } = await databaseWith(execution({ userId: 'ada' }));
  const { default: Database } = await import('better-sqlite3');
  const other = new Database(path);
  other.exec('BEGIN; SELECT count(*) FROM execution_events');
  other.prepare('SELECT count(*) FROM execution_events').get();
  const { code, err } = await run(['erase', 'ada']);
  other.close();
  expect([code, err]).toEqual([1, expect.stringContaining('run compact')]);
  expect((await run(['compact', '--json'])).code).toBe(0);
});

test('a backup is a database, and stats say what is in it', async () => {
  const { run, folder } = await databaseWith(execution());
  const copy = join(folder, 'backup.db');
  expect((await run(['backup', copy])).out).toMatch(/^path: .*backup\.db\nbytes: \d+\n$/);
  const { out } = await run(['stats', '--db', copy]);
  expect(out).toContain(`path: ${copy}\n`);
  expect(out).toMatch(/^newestExecutionAt: \d{4}-\d\d-\d\dT/m);
  expect(await run(['check', '--quick', '--db', copy])).toEqual({ code: 0, out: 'The file is intact\n', err: '' });
});

test('damage is told, and what can be done', async () => {
  const { run, path } = await databaseWith(...Array.from({ length: 100 }, () => execution()));
  // In an index: opening does not read that far.
  const page = Number(value(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'execution_events_subject'"));
  const bytes = readFileSync(path);
  bytes.fill(0x5a, page * 4096 - 4000, page * 4096);
  writeFileSync(path, bytes);
  const { code, out, err } = await run(['check']);
  expect([code, err]).toEqual([1, expect.stringContaining('restore a backup')]);
  expect(out).not.toContain('intact');
});

test('a database that is not there is not made', async () => {
  const folder = testFolder();
  const path = join(folder, 'none.db');
  for (const command of [['summary'], ['check'], ['erase', 'ada'], ['export', join(folder, 'a.jsonl')]]) {
    const { code, out, err } = await run([...command, '--db', path]);
    expect([code, out, err]).toEqual([
      1,
      '',
      `There is no database ${path}; --db or ANALYTICS_DB_PATH says where it is\n`,
    ]);
  }
  expect(readdirSync(folder)).toEqual([]);
});

test('a person sees the progress of what takes long, and it leaves no trace', async () => {
  const { run, folder } = await databaseWith(...Array.from({ length: 5000 }, () => execution()));
  const { err } = await run(['export', join(folder, 'a.jsonl')], { isWatched: true });
  expect(err).toMatch(/^\r.*100 %\r +\r$/s);
  const imported = await run(['import', join(folder, 'a.jsonl')], { isWatched: true });
  expect(imported.err).toMatch(/^\r.*100 %\r +\r$/s);
});

test('an export that is interrupted leaves nothing behind', async () => {
  const { run, folder } = await databaseWith(execution());
  const signal = AbortSignal.abort(new Error('interrupted'));
  const target = join(folder, 'a.jsonl');
  expect(await run(['export', target], { signal })).toEqual({ code: 1, out: '', err: 'interrupted\n' });
  expect(readdirSync(folder).filter((name) => name.includes('.jsonl'))).toEqual([]);
});

test.each<[string[], number, string]>([
  [['--help'], 0, 'Usage: npx @toolweaver/analytics-sqlite'],
  [['erase', '-h'], 0, 'Usage: npx @toolweaver/analytics-sqlite'],
  [['help'], 0, 'Usage: npx @toolweaver/analytics-sqlite'],
  [['--version'], 0, '1.2.3\n'],
  [['sumary'], 2, 'There is no command "sumary"; there are summary, costs'],
  [['toString'], 2, 'There is no command "toString"'],
  [['--colour'], 2, "Unknown option '--colour'\nTry"],
  [['stats', 'all'], 2, 'stats takes no argument, got "all"\nTry'],
  [['erase'], 2, 'erase takes USER, got ""\nTry'],
  [['erase', ''], 2, 'erase takes USER, got ""\nTry'],
  [['export', 'a', 'b'], 2, 'export takes FILE, got "a b"\nTry'],
  [['summary', '--quick', '--keep-days', '3'], 2, 'summary does not take --quick, --keep-days\nTry'],
  [['--days', 'x'], 2, '--days takes a number above 0, got "x"\nTry'],
  [['--days', ''], 2, '--days takes a number above 0, got ""\nTry'],
  [['prune', '--max-mb', '0.5'], 2, '--max-mb takes a number from 1, got "0.5"\nTry'],
])('%j: exit code %d, %s', async (args, expected, text) => {
  const { code, out, err } = await run(args);
  expect(code).toBe(expected);
  expect(code === 0 ? out : err).toContain(text);
  expect(code === 0 ? err : out).toBe('');
});

test('a wrong environment is told as such', async () => {
  const { code, err } = await run(['prune'], { env: { ANALYTICS_DB_RETENTION_DAYS: 'long' } });
  expect([code, err]).toEqual([2, expect.stringContaining('ANALYTICS_DB_RETENTION_DAYS')]);
});

test('is a program', async () => {
  const { path, folder } = await databaseWith(execution());
  const cli = join(import.meta.dirname, '..', 'src', 'cli.ts');
  const program = (...args: string[]) =>
    spawnSync(process.execPath, ['--conditions=@toolweaver/source', cli, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ANALYTICS_DB_PATH: path },
    });
  expect(program('--version')).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  expect(JSON.parse(program('--json').stdout)).toMatchObject({ executions: 1 });
  expect(program('export', 'a.txt')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^FILE: /) });
  expect(existsSync(join(folder, 'a.txt'))).toBe(false);
});
