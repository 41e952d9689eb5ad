import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalyticsReader } from '@toolweaver/analytics-core';
import { exportEvents, importEvents, type SqliteBackend, sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newFolder } from './support/folder.ts';
import { open } from './support/open.ts';

interface Place {
  readonly backend: SqliteBackend;
  readonly reader: AnalyticsReader;
}

const { path: folder, dispose } = newFolder();
let place: Place;

const here = (path: string, target: string) => ({ path: join(folder, path), target: join(folder, target) });

beforeAll(async () => {
  const backend = await sqlite({ path: join(folder, 'analytics.db') });
  await backend.write([execution({ userId: 'ada' }), execution({ userId: 'bob' })]);
  place = { backend, reader: backend.reader };
});

afterAll(async () => {
  await place.backend.close?.();
  dispose();
});

/** Asks for what must be refused, and looks that nothing was done. */
async function problemsOf(ask: (place: Place) => Promise<unknown>): Promise<Record<string, string>> {
  const before = readdirSync(folder);
  const error = await ask(place).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
  expect(readdirSync(folder)).toEqual(before);
  expect((await place.reader.listExecutions()).executions.map(({ userId }) => userId).toSorted()).toEqual([
    'ada',
    'bob',
  ]);
  const problems = error.problems as { field: string; message: string }[];
  expect(new Set(problems.map(({ field }) => field)).size).toBe(problems.length);
  return Object.fromEntries(problems.map(({ field, message }) => [field, message]));
}

const known = (...names: string[]) => `is not an option; the options are ${names.join(', ')}`;
const scope = ['orgId', 'userId', 'runId'];
const window = ['from', 'to', 'days'];
const report = [...scope, ...window, 'kind', 'name', 'model'];

/** A name that is not an option of anything, and one that is one and has a wrong value. */
const wrong = (name: string) => ({ colour: 'red', [name]: {} }) as never;

test.each<[string, (place: Place) => Promise<unknown>, string, string[]]>([
  ['getSkillUsage', ({ reader }) => reader.getSkillUsage('a', wrong('orgId')), 'orgId', [...window, 'orgId']],
  ['getSkillMetrics', ({ reader }) => reader.getSkillMetrics('a', wrong('orgId')), 'orgId', ['orgId']],
  ['getSkillHealth', ({ reader }) => reader.getSkillHealth('a', wrong('days')), 'days', [...window, 'orgId']],
  [
    'listSkillHealth',
    ({ reader }) => reader.listSkillHealth(wrong('skillIds')),
    'skillIds',
    [...window, 'orgId', 'skillIds', 'limit'],
  ],
  [
    'getLeaderboard',
    ({ reader }) => reader.getLeaderboard(wrong('metric')),
    'metric',
    [...window, 'metric', 'period', 'orgId', 'limit', 'minExecutions', 'kind'],
  ],
  ['getTopSkills', ({ reader }) => reader.getTopSkills(wrong('limit')), 'limit', [...window, 'orgId', 'limit']],
  ['getAdoption', ({ reader }) => reader.getAdoption('a', wrong('orgId')), 'orgId', [...window, 'orgId']],
  [
    'getRecommendations',
    ({ reader }) => reader.getRecommendations('a', wrong('types')),
    'types',
    ['orgId', 'limit', 'types', 'days'],
  ],
  [
    'listRecommendations',
    ({ reader }) => reader.listRecommendations(wrong('userId')),
    'userId',
    ['userId', 'skillId', 'limit'],
  ],
  ['summary', ({ reader }) => reader.summary(wrong('userId')), 'userId', [...scope, ...window]],
  ['getCosts', ({ reader }) => reader.getCosts(wrong('by')), 'by', [...report, 'by', 'limit']],
  ['getWaste', ({ reader }) => reader.getWaste(wrong('limit')), 'limit', [...report, 'limit']],
  ['getErrors', ({ reader }) => reader.getErrors(wrong('kind')), 'kind', [...report, 'limit']],
  ['getCacheStats', ({ reader }) => reader.getCacheStats(wrong('name')), 'name', report],
  ['compareModels', ({ reader }) => reader.compareModels(wrong('model')), 'model', report],
  [
    'getLatency',
    ({ reader }) => reader.getLatency(wrong('percentiles')),
    'percentiles',
    [...report, 'percentiles', 'bucketsMs'],
  ],
  ['getTrend', ({ reader }) => reader.getTrend(wrong('bucket')), 'bucket', [...report, 'bucket', 'distributions']],
  ['getHeatmap', ({ reader }) => reader.getHeatmap(wrong('kind')), 'kind', [...window, 'kind', 'orgId', 'limit']],
  [
    'listExecutions',
    ({ reader }) => reader.listExecutions(wrong('success')),
    'success',
    [
      ...scope,
      ...['from', 'to', 'kind', 'name', 'success', 'errorType', 'model', 'toolkit', 'version', 'minLatencyMs'],
      ...['orderBy', 'limit'],
    ],
  ],
  [
    'listRuns',
    ({ reader }) => reader.listRuns(wrong('where')),
    'where',
    ['from', 'to', 'project', 'name', 'state', 'tag', 'where', 'orderBy', 'order', 'limit'],
  ],
  ['getRunMetrics', ({ reader }) => reader.getRunMetrics('a', wrong('name')), 'name', ['name', 'limit']],
  [
    'compareVersions',
    ({ reader }) => reader.compareVersions('a', ['1', '2'], wrong('days')),
    'days',
    [...window, 'kind', 'orgId'],
  ],
  ['getToolkitMetrics', ({ reader }) => reader.getToolkitMetrics(wrong('from')), 'from', [...window, 'runId']],
  [
    'listToolkitTraces',
    ({ reader }) => reader.listToolkitTraces(wrong('operation')),
    'operation',
    [...window, 'runId', 'operation', 'toolkit', 'limit'],
  ],
  [
    'listToolInvocations',
    ({ reader }) => reader.listToolInvocations(wrong('toolName')),
    'toolName',
    [...window, 'runId', 'toolkit', 'toolName', 'success', 'limit'],
  ],
  ['prune', ({ backend }) => backend.store.prune(wrong('dryRun')), 'dryRun', ['retentionDays', 'maxBytes', 'dryRun']],
  ['erase', ({ backend }) => backend.store.erase(wrong('userId')), 'userId', ['userId', 'dryRun']],
  [
    'reprice',
    ({ backend }) => backend.store.reprice(wrong('prices')),
    'prices',
    ['prices', 'from', 'to', 'overrides', 'dryRun', 'onProgress'],
  ],
  [
    'backup',
    ({ backend }) => backend.store.backup(join(folder, 'copy.db'), wrong('onProgress')),
    'onProgress',
    ['onProgress'],
  ],
  ['checkIntegrity', ({ backend }) => backend.store.checkIntegrity(wrong('quick')), 'quick', ['quick']],
  [
    'exportEvents',
    () => exportEvents({ ...(wrong('orgId') as object), target: join(folder, 'events.jsonl') }),
    'orgId',
    [
      ...['path', 'target', 'format', 'overwrite', 'type', 'from', 'to', 'orgId', 'userId', 'runId', 'kind', 'name'],
      ...['onProgress', 'signal'],
    ],
  ],
  [
    'importEvents',
    ({ backend }) => importEvents(backend, [execution()], wrong('strict')),
    'strict',
    ['format', 'map', 'strict', 'patienceMs', 'onReject', 'onProgress', 'signal'],
  ],
  [
    'sqlite',
    () => sqlite(wrong('path')),
    'path',
    ['path', 'name', 'busyTimeoutMs', 'synchronous', 'retentionDays', 'maxBytes', 'onNotice'],
  ],
])('%s names what it does not know, and what else is wrong', async (_, ask, field, names) => {
  expect(await problemsOf(ask)).toEqual({ colour: known(...names), [field]: expect.stringMatching(/^must /) });
});

test.each<[string, (place: Place) => Promise<unknown>]>([
  ['sqlite', () => sqlite('x.db' as never)],
  ['summary', ({ reader }) => reader.summary([{ days: 1 }] as never)],
  ['listRuns', ({ reader }) => reader.listRuns(null as never)],
  ['prune', ({ backend }) => backend.store.prune(30 as never)],
  ['importEvents', ({ backend }) => importEvents(backend, [execution()], 'jsonl' as never)],
])('%s takes nothing but an object for its options', async (_, ask) => {
  expect(await problemsOf(ask)).toEqual({ options: expect.stringMatching(/^must be an object, got /) });
});

test('what else is wrong is said with it', async () => {
  expect(Object.keys(await problemsOf(({ backend }) => backend.store.erase('ada' as never)))).toEqual([
    'options',
    'userId',
  ]);
  const answer = problemsOf(({ reader }) => reader.getSkillUsage('', ['acme'] as never));
  expect(Object.keys(await answer)).toEqual(['options', 'skillId']);
});

test('a cursor, which is an argument of its own, is refused among the options', async () => {
  expect(await problemsOf(({ reader }) => reader.listRuns({ cursor: 'x', limit: 0 } as never))).toEqual({
    cursor: expect.stringMatching(/^is not an option; the options are from, to, /),
    limit: 'must be a whole number from 1 to 1000, got 0',
  });
});

test.each<[string, (place: Place, range: never) => Promise<unknown>]>([
  ['summary', ({ reader }, range) => reader.summary(range)],
  ['getSkillUsage', ({ reader }, range) => reader.getSkillUsage('a', range)],
  ['getLeaderboard', ({ reader }, range) => reader.getLeaderboard(range)],
  ['getTrend', ({ reader }, range) => reader.getTrend(range)],
  ['listExecutions', ({ reader }, range) => reader.listExecutions(range)],
  ['exportEvents', (_, range) => exportEvents(Object.assign(range, here('analytics.db', 'all.jsonl')))],
])('the window of %s is not one in seconds', async (_, ask) => {
  const problems = (range: unknown) => problemsOf((place) => ask(place, range as never));
  const inSeconds = (seconds: number) => `must be in milliseconds, got ${seconds}, which looks like seconds`;
  expect(await problems({ from: 1e9, to: 9_999_999_999.5 })).toEqual({
    from: inSeconds(1e9),
    to: inSeconds(9_999_999_999.5),
  });
  await ask(place, { from: 999_999_999, to: 1e10 } as never);
});

test('a window is given in one way', async () => {
  const days = 'must not be given together with from or to';
  for (const both of [
    { days: 1, from: 0 },
    { days: 1, to: 5 },
  ]) {
    expect(await problemsOf(({ reader }) => reader.summary(both))).toEqual({ days });
    expect(await problemsOf(({ reader }) => reader.getTrend({ ...both, bucket: 'hour' }))).toMatchObject({ days });
    expect(await problemsOf(({ reader }) => reader.getSkillUsage('a', both))).toEqual({ days });
  }
  const period = 'must not be given together with days, from or to';
  for (const window of [{ days: 1 }, { from: 0 }, { to: 5 }]) {
    expect(await problemsOf(({ reader }) => reader.getLeaderboard({ ...window, period: 'all' }))).toEqual({ period });
  }
});

test('conditions and orders of runs have names, too', async () => {
  const where = [
    { metric: 'f1', op: '>', value: 1, unit: '%' },
    'f1 > 1',
    { figure: 'totalTokens', op: '<', value: 1 },
  ];
  const list = ({ reader }: Place) => reader.listRuns({ where, orderBy: { metric: 'f1', order: 'asc' } } as never);
  expect(await problemsOf(list)).toMatchObject({
    'where[0].unit': known('metric', 'figure', 'op', 'value'),
    'where[1]': 'must be an object, got "f1 > 1"',
    'orderBy.order': known('metric'),
  });
  expect(await problemsOf(({ reader }) => reader.listRuns({ where: [{ metric: 'f1' }] } as never))).toEqual({
    'where[0].op': 'must be one of <, <=, =, >=, >, got undefined',
    'where[0].value': 'must be a finite number, got undefined',
  });
  expect(await problemsOf(({ reader }) => reader.listRuns({ state: ['failed'] } as never))).toEqual({
    state: 'must be one of started, finished, failed, got an array',
  });
});

test.each<[string, (reader: AnalyticsReader, list: never) => Promise<unknown>, string]>([
  ['percentiles', (reader, percentiles) => reader.getLatency({ percentiles }), 'must be a list of 1 to 100 numbers'],
  ['runIds', (reader, runIds) => reader.compareRuns(runIds), 'must be a list of 2 to 100 strings'],
  ['where', (reader, where) => reader.listRuns({ where }), 'must be a list of at most 100 conditions'],
  ['skillIds', (reader, skillIds) => reader.listSkillHealth({ skillIds }), 'must be a list'],
])('of %s it says what was given instead of a list', async (field, ask, message) => {
  const problems = (list: unknown) => problemsOf(({ reader }) => ask(reader, list as never));
  expect(await problems(null)).toEqual({ [field]: `${message}, got null` });
  expect(await problems('a')).toEqual({ [field]: `${message}, got "a"` });
  if (message !== 'must be a list') {
    expect(await problems(new Array(101))).toEqual({ [field]: `${message}, got 101 of them` });
  }
});

test('whose events are erased must be given', async () => {
  expect(await problemsOf(({ backend }) => backend.store.erase(undefined as never))).toEqual({
    userId: 'must be given',
  });
});

test('what is undefined is not given', async () => {
  const nothing = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));
  const given = { path: ':memory:', retentionDays: 30 };
  const { settings } = await open(given);
  const backend = await open({ ...given, ...nothing('file', 'name', 'busyTimeoutMs', 'synchronous', 'maxBytes') });
  expect(backend.settings).toEqual(settings);

  const { reader, store } = backend;
  await backend.write([
    execution({ runId: 'a', userId: 'ada', orgId: 'acme' }),
    execution({ runId: 'b', at: Date.now() - 40 * 86_400_000, success: false }),
  ]);
  expect(await reader.summary(nothing('org', ...report))).toEqual(await reader.summary());
  expect(await reader.listExecutions(nothing('cursor', 'from', 'to', 'userId', 'success', 'orderBy', 'limit'))).toEqual(
    await reader.listExecutions(),
  );
  expect(await reader.listRuns(nothing('cursor', 'from', 'state', 'where', 'orderBy', 'order', 'limit'))).toEqual(
    await reader.listRuns(),
  );
  const pruned = await store.prune({ dryRun: true });
  expect(pruned.rows.executions).toBe(1);
  expect(await store.prune({ dryRun: true, ...nothing('days', 'retentionDays', 'maxBytes') })).toEqual(pruned);
});
