import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAnalytics } from '@toolweaver/analytics-core';
import {
  execution,
  fakeClock,
  health,
  ledgerHolds,
  metrics,
  rating,
  run as runEvent,
  toolkit,
} from '@toolweaver/analytics-testkit';
import { type WandbOptions, wandb } from '@toolweaver/analytics-wandb';
import { expect, onTestFinished, test } from 'vitest';
import type { FakeService } from './support/fake-service.ts';
import { readRun } from './support/log-reader.ts';
import { sync, testWithPython } from './support/python.ts';
import { backendAt, place } from './support/start.ts';
import { until } from './support/until.ts';

const rows = (fake: FakeService, id: string): Record<string, unknown>[] =>
  fake.run(id).history.map((line) => JSON.parse(line));
const summary = (fake: FakeService, id: string): Record<string, unknown> => JSON.parse(fake.run(id).summary ?? '{}');

test('executions become rows under the keys of the documents', async () => {
  const { backend, fake } = await backendAt();
  const at = Date.now();
  const usage = { inputTokens: 10, cacheReadTokens: 1, cacheWriteTokens: 2, outputTokens: 20, reasoningTokens: 3 };
  await backend.write([
    execution({ at, kind: 'tool', name: 'search', latencyMs: 1500, cost: { nanoUsd: 52_000_000, source: 'provider' } }),
    execution({
      at,
      kind: 'tool',
      name: 'a/b',
      success: false,
      error: { type: 'TimeoutError', message: 'no answer' },
      latencyMs: undefined,
    }),
    execution({
      at,
      kind: 'skill',
      name: 'parse',
      version: '1.4',
      weight: 2.5,
      cacheHit: true,
      attempt: 2,
      latencyMs: 40,
    }),
    execution({ at, kind: 'llm', name: 'chat', model: 'sonnet', usage, attempt: 1, latencyMs: 800 }),
    rating({ at, skillId: 'parse', rating: 4 }),
    health({ at, skillId: 'parse', score: 87.5 }),
    toolkit({ at, toolkit: 'files', operation: 'cache_hit', durationMs: 5 }),
    metrics({ at, values: { loss: 0.5, _step: 9 }, step: 3 }),
  ]);
  const time = { _timestamp: at / 1000, _runtime: 0 };
  expect(rows(fake, 'run1')).toEqual([
    { 'search/status': 'success', 'search/duration': 1.5, 'search/cost': 0.052, ...time, _step: 0 },
    { 'a%2Fb/status': 'failure', 'a%2Fb/error': 'TimeoutError: no answer', ...time, _step: 1 },
    {
      'skill/parse/status': 'success',
      'skill/parse/duration': 0.04,
      'skill/parse/weight': 2.5,
      'skill/parse/version': '1.4',
      'skill/parse/cache_hit': true,
      'skill/parse/attempt': 2,
      ...time,
      _step: 2,
    },
    {
      'llm/chat/status': 'success',
      'llm/chat/duration': 0.8,
      'llm/chat/tokens': 36,
      'tokens/input': 10,
      'tokens/cache_read': 1,
      'tokens/cache_write': 2,
      'tokens/output': 20,
      'tokens/reasoning': 3,
      'tokens/total': 36,
      'llm/chat/model': 'sonnet',
      ...time,
      _step: 3,
    },
    { 'skill/parse/rating': 4, ...time, _step: 4 },
    { 'skill/parse/health': 87.5, ...time, _step: 5 },
    { 'toolkit/files/cache_hit/status': 'success', 'toolkit/files/cache_hit/duration': 0.005, ...time, _step: 6 },
    { loss: 0.5, 'metrics/_step': 9, 'metrics/step': 3, ...time, _step: 7 },
  ]);
  expect(summary(fake, 'run1')).toMatchObject({
    'skill/parse/attempt': 2,
    'summary/total_operations': 5.5,
    'summary/failures': 1,
    'summary/total_cost': 0.052,
    'summary/total_tokens': 36,
    'summary/avg_duration': expect.closeTo((1.5 + 0.04 * 2.5 + 0.8) / 4.5, 9),
    'summary/skill/parse@1.4/total_operations': 2.5,
    'summary/skill/parse@1.4/success_rate': 1,
    'skill/parse/health': 87.5,
    loss: 0.5,
  });
  // What is logged with a step is shown over it.
  expect(fake.run('run1').config['_wandb']).toMatchObject({
    value: { m: [{ 1: 'metrics/step' }, { 1: 'loss', 5: 1 }, { 1: 'metrics/_step', 5: 1 }] },
  });
});

test('a metric that has the name of the x axis is not shown over itself', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([metrics({ values: { loss: 1, 'metrics/step': 9 }, step: 5 })]);
  expect(rows(fake, 'run1')).toMatchObject([{ loss: 1, 'metrics/step': 5 }]);
  const { value } = fake.run('run1').config['_wandb'] as { value: { m: unknown[] } };
  expect(value.m).toMatchObject([{ 1: 'metrics/step' }, { 1: 'loss', 5: 1 }]);
  expect(value.m).toHaveLength(2);
});

test('a name with an @ in it is no version of another', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([
    execution({ name: 'parse', version: '1.4' }),
    execution({ name: 'parse@1.4', success: false }),
    execution({ name: 'parse@1.4', success: false }),
  ]);
  expect(summary(fake, 'run1')).toMatchObject({
    'summary/skill/parse@1.4/total_operations': 1,
    'summary/skill/parse@1.4/failures': 0,
    'summary/skill/parse%401.4/total_operations': 2,
    'summary/skill/parse%401.4/failures': 2,
  });
  expect(Object.keys(summary(fake, 'run1'))).toContain('skill/parse%401.4/status');
});

test('a tool that is called summary leaves the totals alone', async () => {
  const { backend, fake, options } = await backendAt({ logFrequency: 2 });
  const call = { kind: 'tool', name: 'summary' } as const;
  const other = { kind: 'tool', name: 'ocr', success: false } as const;
  await backend.write([other, other, call, { ...call, success: false }].map((given) => execution(given)));
  expect(rows(fake, 'run1')[1]).toMatchObject({ '%73ummary/operations': 2, '%73ummary/failures': 1 });
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/failures': 3, 'summary/%73ummary/failures': 1 });
  await backend.close?.();
  const again = await wandb({ ...options, logFrequency: 2, resume: 'must' });
  await again.write([execution(other)]);
  await again.close?.();
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/failures': 4, 'summary/total_operations': 5 });
});

test('names that look like parts of keys, or like those of the service, stay apart', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([
    execution({ kind: 'tool', name: 'a/b', latencyMs: 1_000 }),
    execution({ kind: 'tool', name: 'a%2Fb', latencyMs: 2_000 }),
    execution({ kind: 'tool', name: '_own', latencyMs: 3_000 }),
    metrics({ values: { 'metrics/step': 1, loss: 2 }, step: 7 }),
  ]);
  expect(rows(fake, 'run1')).toMatchObject([
    { 'a%2Fb/duration': 1 },
    { 'a%252Fb/duration': 2 },
    { '%5Fown/duration': 3 },
    { loss: 2, 'metrics/step': 7 },
  ]);
  expect(
    fake
      .run('run1')
      .history.at(-1)
      ?.match(/metrics\/step/g),
  ).toHaveLength(1);
});

test('a row for every so many executions: means and sums, and none is lost from the summary', async () => {
  const { backend, fake } = await backendAt({ logFrequency: 3 });
  const cost = { nanoUsd: 1_000_000_000, source: 'provider' } as const;
  const tool = (latencyMs: number, success = true) =>
    execution({ kind: 'tool', name: 't', latencyMs, success, cost, ...(!success && { error: { type: 'E' } }) });
  await backend.write([tool(1000), tool(2000), execution({ name: 's', latencyMs: 500 }), tool(3000, false)]);
  expect(rows(fake, 'run1')).toMatchObject([
    {
      't/operations': 2,
      't/failures': 0,
      't/status': 'success',
      't/duration': 1.5,
      't/cost': 2,
      'skill/s/operations': 1,
      'skill/s/duration': 0.5,
    },
  ]);
  expect(summary(fake, 'run1')).toMatchObject({
    'summary/total_operations': 4,
    'summary/failures': 1,
    'summary/total_cost': 3,
  });
  await backend.write([tool(4000)]);
  expect(rows(fake, 'run1')).toHaveLength(1);
  await backend.flush?.(new AbortController().signal);
  expect(rows(fake, 'run1')[1]).toMatchObject({
    't/operations': 2,
    't/failures': 1,
    't/status': 'failure',
    't/error': 'E',
    't/duration': 3.5,
  });
  await backend.flush?.(new AbortController().signal);
  await backend.write([tool(1)]);
  await backend.close?.();
  expect(rows(fake, 'run1').map((row) => row['t/operations'])).toEqual([2, 2, 1]);
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/total_operations': 6, 'summary/t/total_cost': 5 });
});

test('an aggregated row of a flush that failed is sent by the next one, once', async () => {
  const { backend, fake } = await backendAt({ logFrequency: 10 });
  const { signal } = new AbortController();
  await backend.write([execution()]);
  for (const trouble of [{ status: 503 }, { status: 503, after: true }, { status: 429 }]) {
    fake.trouble = ({ path }) => (path.endsWith('/file_stream') ? trouble : undefined);
    await expect(backend.flush?.(signal)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  }
  fake.trouble = () => undefined;
  await backend.flush?.(signal);
  await backend.flush?.(signal);
  expect(rows(fake, 'run1')).toMatchObject([{ 'skill/summarise/operations': 1 }]);
  expect(fake.violations).toEqual([]);
});

test('an aggregated row that did not arrive is not counted twice when it is sent again', async () => {
  const { backend, fake } = await backendAt({ logFrequency: 2 });
  await backend.write([execution()]);
  fake.trouble = ({ path }) => (path.endsWith('/file_stream') ? { status: 429 } : undefined);
  const batch = [execution()];
  await expect(backend.write(batch)).rejects.toThrow();
  fake.trouble = () => undefined;
  await backend.write(batch);
  expect(rows(fake, 'run1')).toMatchObject([{ 'skill/summarise/operations': 2 }]);
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/total_operations': 2 });
});

test.each([
  ['one batch', 10],
  ['batches of their own', 1],
])('parameters in %s add to the configuration, and leave the rest of the run as it was', async (_, batchSize) => {
  const { backend, fake } = await backendAt({ tags: ['all'] });
  const analytics = createAnalytics({ backends: [backend], batchSize });
  const run = analytics.startRun({ id: 'r', name: 'receipts', project: 'eu', config: { batch: 8 }, tags: ['mine'] });
  run.logParam('solver', 'recursive');
  await analytics.flush();
  run.logParam('batch', 9);
  await analytics.flush();
  expect(fake.run('r')).toMatchObject({
    displayName: 'receipts',
    project: 'eu',
    tags: ['all', 'mine'],
    config: { batch: { value: 9 }, solver: { value: 'recursive' } },
  });
  run.finish();
  await analytics.close();
});

test('each run is a run, with its name, project, configuration, tags, summary and end', async () => {
  const { backend, fake } = await backendAt({ tags: ['all'], config: { host: 'a' }, group: 'g' });
  await backend.write([
    runEvent({
      runId: 'first',
      state: 'started',
      name: 'receipts',
      project: 'extraction/eu',
      config: { batch: 8 },
      tags: ['eu', ' ', 'x'.repeat(99), `${'x'.repeat(63)}🧾`],
    }),
    execution({ runId: 'first', name: 'inside' }),
    execution({ name: 'outside' }),
    runEvent({ runId: 'an id: with / everything', state: 'started', project: `${'x'.repeat(127)}🧾` }),
    runEvent({ runId: 'first', state: 'finished', summary: { best: 0.5, _step: 1 } }),
  ]);
  const [first, other] = [fake.run('first'), [...fake.runs.values()].find(({ id }) => /^[0-9a-f]{16}$/.test(id))];
  expect(first).toMatchObject({
    displayName: 'receipts',
    project: 'extraction-eu',
    group: 'g',
    exitCode: 0,
    // No half of a character is left.
    tags: ['all', 'eu', 'x'.repeat(64), 'x'.repeat(63)],
    config: { host: { value: 'a' }, batch: { value: 8 } },
  });
  expect(rows(fake, 'first')).toHaveLength(1);
  expect(summary(fake, 'first')).toMatchObject({
    best: 0.5,
    'summary/_step': 1,
    'summary/state': 'finished',
    _step: 0,
  });
  expect(other).toMatchObject({
    exitCode: undefined,
    project: 'x'.repeat(127),
    config: { run_id: { value: 'an id: with / everything' } },
  });
  expect(rows(fake, 'run1')).toHaveLength(1);

  // Late: it goes on with the run that has ended, and does not write over it.
  await backend.write([execution({ runId: 'first', name: 'late' })]);
  expect(rows(fake, 'first').map((row) => row['_step'])).toEqual([0, 1]);
  expect(summary(fake, 'first')).toMatchObject({ best: 0.5, 'summary/total_operations': 2 });
  await backend.close?.();
  expect([...fake.runs.values()].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(fake.operations('UpsertBucket')).toHaveLength(4);
  expect(fake.violations).toEqual([]);
});

test('a run that failed ends with 1, and so does what was open when the process fails', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([runEvent({ runId: 'bad', state: 'failed' }), execution()]);
  expect(fake.run('bad').exitCode).toBe(1);
  process.exitCode = 3;
  onTestFinished(() => {
    process.exitCode = undefined;
  });
  await backend.close?.();
  expect(fake.run('run1').exitCode).toBe(3);
});

test('an event after the end of a run does not change how it ended, unless the run is started again', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([runEvent({ runId: 'bad', state: 'failed' }), runEvent({ runId: 'good', state: 'finished' })]);
  await backend.write([runEvent({ runId: 'again', state: 'failed' })]);
  const late = ['bad', 'good', 'again'].map((runId) => rating({ runId }));
  await backend.write([...late, runEvent({ runId: 'again', state: 'started' })]);
  process.exitCode = 3;
  onTestFinished(() => {
    process.exitCode = undefined;
  });
  await backend.close?.();
  expect([...fake.runs.values()].map(({ id, exitCode }) => [id, exitCode])).toEqual([
    ['bad', 1],
    ['good', 0],
    ['again', 3],
  ]);
});

test('the end of a run is tried until it is there, or as long as it may take', async () => {
  const { backend, fake } = await backendAt();
  await backend.write([execution()]);
  let failures = 2;
  const unavailable = { status: 503, headers: { 'Retry-After': '0.01' } };
  fake.trouble = ({ body }) => ('complete' in (body as object) && failures-- > 0 ? unavailable : undefined);
  await backend.close?.();
  expect(fake.run('run1').exitCode).toBe(0);
  expect(rows(fake, 'run1')).toHaveLength(1);

  const other = await backendAt({ finishTimeoutMs: 100 });
  await other.backend.write([execution()]);
  other.fake.trouble = ({ body }) => ('complete' in (body as object) ? { status: 503 } : undefined);
  await other.backend.close?.();
  expect(other.notices).toEqual([expect.stringContaining('run run1 continues offline in')]);
  const [directory = ''] = other.backend.settings['runs'] as string[];
  expect(readRun(`${directory}/run-run1.wandb`)).toMatchObject({ rows: [], exitCode: 0, isWhole: true });
});

test('a run that has the id of what belongs to none is the same run', async () => {
  const { backend, fake } = await backendAt();
  const own = () => execution({ runId: 'run1', name: 'own' });
  await backend.write([execution(), own()]);
  await backend.write([own(), execution()]);
  await backend.write([execution(), runEvent({ runId: 'run1', state: 'finished' }), own()]);
  expect(rows(fake, 'run1').map((row) => row['_step'])).toEqual([0, 1, 2, 3, 4, 5]);
  await backend.close?.();
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/total_operations': 6, 'summary/state': 'finished' });
  expect(fake.operations('UpsertBucket').length).toBeLessThanOrEqual(2);
  expect(fake.violations).toEqual([]);
});

test('many runs at once: those that were used the longest ago are ended, and go on when they are used again', async () => {
  const { backend, fake } = await backendAt();
  for (let at = 0; at < 66; at += 1) {
    await backend.write([execution({ runId: `run-${at}` })]);
  }
  expect([fake.run('run-0').exitCode, fake.run('run-1').exitCode, fake.run('run-2').exitCode]).toEqual([
    0,
    0,
    undefined,
  ]);
  await backend.write([execution({ runId: 'run-0' })]);
  expect(rows(fake, 'run-0').map((row) => row['_step'])).toEqual([0, 1]);
  expect(fake.violations).toEqual([]);
});

test('what belongs to no run goes on with its own, however many others there were meanwhile', async () => {
  const { backend, fake } = await backendAt({ runId: undefined });
  await backend.write([execution()]);
  for (let at = 0; at < 65; at += 1) {
    await backend.write([execution({ runId: `run-${at}` })]);
  }
  await backend.write([execution()]);
  await backend.close?.();
  const own = [...fake.runs.values()].filter(({ id }) => !id.startsWith('run-'));
  expect(own.map(({ id }) => rows(fake, id).map((row) => row['_step']))).toEqual([[0, 1]]);
  expect(summary(fake, own[0]?.id ?? '')).toMatchObject({ 'summary/total_operations': 2 });
  expect(fake.violations).toEqual([]);
});

test('more names than the service can show share their keys, and that is told once', async () => {
  const { backend, fake, notices } = await backendAt();
  await backend.write(Array.from({ length: 2_003 }, (_, at) => execution({ name: `n${at}` })));
  expect(rows(fake, 'run1').filter((row) => 'skill/_other/status' in row)).toHaveLength(3);
  expect(summary(fake, 'run1')).toMatchObject({
    'summary/total_operations': 2_003,
    'summary/skill/_other/total_operations': 3,
  });
  expect(notices).toEqual([expect.stringContaining('more than 2000 names')]);
});

test('versions, rated skills and toolkits count as names, too', async () => {
  const { backend, fake, notices } = await backendAt();
  await backend.write(Array.from({ length: 1_996 }, (_, at) => execution({ name: 'n', version: `${at}` })));
  await backend.write([rating({ skillId: 'rated' }), health({ skillId: 'rated' }), toolkit({ toolkit: 'kit' })]);
  await backend.write([execution({ name: 'n', version: 'one more' })]);
  expect(notices).toEqual([]);
  await backend.write([
    execution({ name: 'n', version: 'too many' }),
    execution({ name: 'n', version: '7' }),
    execution({ name: 'n', version: 'too many as well' }),
    rating({ skillId: 'unknown' }),
    health({ skillId: 'unknown' }),
    toolkit({ toolkit: 'unknown', operation: 'cleanup' }),
  ]);
  expect(notices).toEqual([expect.stringContaining('more than 2000 names and versions')]);
  const shown = summary(fake, 'run1');
  expect(shown).toMatchObject({
    'summary/skill/n@7/total_operations': 2,
    'summary/skill/n@one more/total_operations': 1,
    'summary/skill/n@_other/total_operations': 2,
    'skill/rated/rating': expect.any(Number),
    'skill/_other/rating': expect.any(Number),
    'skill/_other/health': expect.any(Number),
    'toolkit/_other/cleanup/status': 'success',
  });
  expect(Object.keys(shown).filter((key) => key.includes('unknown') || key.includes('too many'))).toEqual([]);
});

test('a failure sends an alert, one in so long', async () => {
  const { backend, fake } = await backendAt({ alertIntervalMs: 60_000 });
  const failed = () =>
    execution({ kind: 'tool', name: 'ocr', success: false, error: { type: 'E', message: 'broken' } });
  await backend.write([failed(), failed()]);
  await backend.write([failed()]);
  await until(() => fake.alerts.length > 0, 'an alert');
  await backend.close?.();
  expect(fake.alerts).toMatchObject([
    { title: 'Failure: ocr', text: 'broken', severity: 'WARN', waitDuration: 60_000 },
  ]);
});

/** A failure at the service, whose alert reaches it only with `release`; the end of the run is there then. */
async function heldAlert(options: WandbOptions = {}) {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const there = await backendAt({
    ...options,
    alertIntervalMs: 60_000,
    async fetch(url, init) {
      if (String(init?.body).includes('NotifyScriptableRunAlert')) {
        await promise;
      }
      return fetch(url, init);
    },
  });
  await there.backend.write([execution({ kind: 'tool', name: 'ocr', success: false })]);
  const closed = there.backend.close?.();
  await until(() => there.fake.run('run1').exitCode === 0, 'the end');
  return { ...there, release, closed };
}

test('the alert of a program that ends shortly after its failure is waited for', async () => {
  const { fake, notices, release, closed } = await heldAlert();
  release();
  await closed;
  expect(fake.alerts).toMatchObject([{ title: 'Failure: ocr' }]);
  expect(notices).toEqual([]);
});

test('an alert that gets no answer holds up the end no longer than it may take', async () => {
  const { notices, closed } = await heldAlert({ finishTimeoutMs: 300 });
  await closed;
  await until(() => notices.length > 0, 'a notice');
  expect(notices).toEqual([expect.stringContaining('an alert was not sent')]);
});

test('an alert that is refused after the end of its run begins no directory', async () => {
  const { fake, folder, notices, release, closed } = await heldAlert();
  fake.trouble = () => ({ status: 401 });
  release();
  await closed;
  expect(notices).toEqual([expect.stringContaining('an alert was not sent')]);
  expect(globSync(join(folder, 'wandb', 'offline-run-*'))).toEqual([]);
});

test('a failure in the last events of a run sends its alert, offline too', async () => {
  const { backend, folder, notices } = await backendAt({ mode: 'offline', alertIntervalMs: 60_000, runId: undefined });
  await backend.write([
    runEvent({ runId: 'task', state: 'started' }),
    execution({ kind: 'tool', name: 'ocr', success: false, error: { type: 'E', message: 'broken' }, runId: 'task' }),
    runEvent({ runId: 'task', state: 'failed' }),
  ]);
  await backend.close?.();
  expect(notices).toEqual([]);
  const [log = ''] = globSync(join(folder, 'wandb', 'offline-run-*', 'run-task.wandb'));
  expect(readFileSync(log).includes('Failure: ocr')).toBe(true);
});

test('through core: the rhythm of the service, and a flush sends at once and does not end the run', async () => {
  const clock = fakeClock();
  const { fake, options } = await place();
  const client = createAnalytics({ backends: [await wandb({ ...options, clock })], clock });
  client.recordToolInvocation({ toolName: 't', success: true, latencyMs: 1 });
  await clock.advance(14_999);
  expect(fake.stream()).toEqual([]);
  await clock.advance(1);
  await until(() => client.stats().backends['wandb']?.delivered === 1, 'the delivery');
  client.recordToolInvocation({ toolName: 't', success: true, latencyMs: 1 });
  expect(await client.flush()).toMatchObject({ ok: true });
  expect(rows(fake, 'run1')).toHaveLength(2);
  expect(fake.run('run1').exitCode).toBeUndefined();
  expect(client.getConfigSummary().backends['wandb']).toMatchObject({
    runs: [`${fake.url}/ada/uncategorized/runs/run1`],
    apiKey: '[redacted]',
  });
  ledgerHolds(client.stats());
  await client.close();
  expect(fake.run('run1').exitCode).toBe(0);
});

test('an event that comes twice in one batch is there once, whatever becomes of the list meanwhile', async () => {
  const { backend, fake } = await backendAt();
  const one = execution();
  const events = [one, one, execution()];
  const written = backend.write(events);
  events.length = 0;
  await written;
  expect(rows(fake, 'run1')).toHaveLength(2);
});

test('an outage that is over does not count in the next one', async () => {
  const clock = fakeClock();
  const { backend, fake, notices } = await backendAt({ clock, offlineAfterMs: 1_000 });
  const down = ({ path }: { readonly path: string }) => (path.endsWith('/file_stream') ? { status: 503 } : undefined);
  for (let outage = 0; outage < 2; outage += 1) {
    const events = [execution()];
    fake.trouble = down;
    await expect(backend.write(events)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    fake.trouble = () => undefined;
    await backend.write(events);
    await clock.advance(5_000);
  }
  expect([rows(fake, 'run1').length, notices]).toEqual([2, []]);
});

test('an outage that ends: what was recorded meanwhile arrives, once', async () => {
  const { fake, options } = await place();
  const client = createAnalytics({ backends: [await wandb(options)], retry: { minDelayMs: 1, maxDelayMs: 1 } });
  onTestFinished(async () => void (await client.close({ timeoutMs: 100 })));
  await fake.breakDown();
  client.recordToolInvocation({ toolName: 't', success: true });
  expect(await client.flush({ timeoutMs: 200 })).toMatchObject({ ok: false });
  await fake.repair();
  expect(await client.flush()).toMatchObject({ ok: true });
  expect(rows(fake, 'run1')).toHaveLength(1);
  expect(client.stats().backends['wandb']).toMatchObject({ delivered: 1, queued: 0 });
  ledgerHolds(client.stats());
});

test.each([400, 401, 403, 404, 409, 410, 413, 422, 501])(
  '%i: the run goes on offline, says so once, and loses nothing',
  async (status) => {
    const { backend, fake, folder, notices } = await backendAt();
    await backend.write([execution({ name: 'before' })]);
    fake.trouble = ({ path }) => (path.endsWith('/file_stream') ? { status } : undefined);
    await backend.write([execution({ name: 'during' })]);
    await backend.write([execution({ name: 'after' })]);
    const [directory = ''] = backend.settings['runs'] as string[];
    expect(directory).toContain(folder);
    expect(notices).toEqual([expect.stringContaining(`answered ${status}`)]);
    expect(notices[0]).toContain(`wandb sync ${directory}`);
    await expect(backend.check?.(new AbortController().signal)).rejects.toThrow(notices[0]);
    await backend.close?.();
    const logged = readRun(`${directory}/run-run1.wandb`);
    expect(logged.rows.map((row) => Object.keys(row)[0])).toEqual(['skill/during/status', 'skill/after/status']);
    expect(logged.summary).toMatchObject({ 'summary/total_operations': 3, 'summary/skill/before/total_operations': 1 });
    expect(logged.exitCode).toBe(0);
    expect(fake.run('run1').exitCode).toBeUndefined();
    expect(notices).toHaveLength(1);
  },
);

test('a service that is gone for good: after so long the run goes on offline, and core loses nothing', async () => {
  const { fake, options, notices } = await place();
  const backend = await wandb({ ...options, offlineAfterMs: 50 });
  const client = createAnalytics({ backends: [backend], retry: { minDelayMs: 20, maxDelayMs: 40 } });
  onTestFinished(async () => void (await client.close({ timeoutMs: 100 })));
  await fake.breakDown();
  for (let at = 0; at < 10; at += 1) {
    client.recordToolInvocation({ toolName: 't', success: true });
  }
  expect(await client.flush()).toMatchObject({ ok: true });
  expect(client.stats().backends['wandb']).toMatchObject({ delivered: 10 });
  const [directory = ''] = backend.settings['runs'] as string[];
  expect(readRun(`${directory}/run-run1.wandb`).rows).toHaveLength(10);
  expect(notices).toEqual([expect.stringContaining('a request to')]);
});

testWithPython('a run that went on offline is whole after the upload: rows, steps, summary and end', async () => {
  const { fake, folder, options } = await place();
  const backend = await wandb({ ...options, tags: ['t'], config: { lr: 1 } });
  for (let at = 0; at < 6; at += 1) {
    if (at === 3) {
      fake.trouble = ({ path }) => (path.endsWith('/file_stream') ? { status: 403 } : undefined);
    }
    await backend.write([execution({ kind: 'tool', name: 't', latencyMs: 100, success: at !== 4 })]);
  }
  await backend.close?.();
  fake.trouble = () => undefined;
  const [directory = ''] = backend.settings['runs'] as string[];
  const { status, output } = await sync(directory, folder, fake.url, options.apiKey as string);
  expect(status, output).toBe(0);
  expect(rows(fake, 'run1').map((row) => row['_step'])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(summary(fake, 'run1')).toMatchObject({ 'summary/total_operations': 6, 'summary/failures': 1 });
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, tags: ['t'], config: { lr: { value: 1 } } });
  expect(fake.violations).toEqual([]);
});
