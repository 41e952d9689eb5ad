import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, metrics, run as runEvent } from '@toolweaver/analytics-testkit';
import { startRun, wandb } from '@toolweaver/analytics-wandb';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FakeService } from './support/fake-service.ts';
import { testFolder } from './support/folder.ts';
import { readRun } from './support/log-reader.ts';
import { place } from './support/start.ts';

async function earlierRun() {
  const there = await place();
  const run = await startRun({ ...there.options, config: { lr: 0.1, old: true }, tags: ['old'], notes: 'first' });
  run.log({ loss: 1 }, { step: 7 });
  run.setSummary({ best: 0.5 });
  await run.finish({ exitCode: 1 });
  return there;
}

const steps = (fake: FakeService): number[] => fake.run('run1').history.map((line) => JSON.parse(line)._step);

test.each(['allow', 'must'] as const)('%s goes on where the run ended', async (resume) => {
  const { fake, options } = await earlierRun();
  const again = await startRun({ ...options, resume, config: { lr: 0.2, fresh: 1 } });
  expect(again.step).toBe(8);
  again.log({ loss: 0.5 });
  await again.finish();
  const { config, tags, notes, summary = '', exitCode } = fake.run('run1');
  expect(steps(fake)).toEqual([7, 8]);
  expect(config).toMatchObject({ lr: { value: 0.2 }, old: { value: true }, fresh: { value: 1 } });
  expect({ tags, notes, exitCode }).toEqual({ tags: ['old'], notes: 'first', exitCode: 0 });
  // A summary is sent whole: what was there before must not be lost.
  expect(JSON.parse(summary)).toMatchObject({ loss: 0.5, best: 0.5, _step: 8 });
  expect(fake.operations('UpsertBucket').at(-1)?.body).toMatchObject({ variables: { id: fake.run('run1').storageId } });
  expect(fake.violations).toEqual([]);
});

test('without resume, tags stay until the program sets some', async () => {
  const { fake, options } = await earlierRun();
  const again = await startRun(options);
  again.defineMetric('loss', { stepMetric: 'epoch' });
  again.log({ loss: 0.5 });
  await again.flush();
  expect(fake.run('run1').tags).toEqual(['old']);
  again.setTags([]);
  await again.finish();
  expect(fake.run('run1').tags).toEqual([]);
});

test('the end of a run that no event could start leaves the summary that it had', async () => {
  const { fake, options } = await earlierRun();
  const backend = await wandb({ ...options, resume: 'allow' });
  fake.trouble = () => ({ status: 503 });
  await expect(backend.write([execution()])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  fake.trouble = () => undefined;
  await backend.close?.();
  const { summary = '', exitCode } = fake.run('run1');
  expect(JSON.parse(summary)).toMatchObject({ loss: 1, best: 0.5, _step: 7 });
  expect(exitCode).toBe(0);
});

test('a summary with numbers that JSON does not have is gone on with', async () => {
  const { fake, options } = await place();
  const first = await startRun(options);
  first.log({
    loss: 1,
    nan: Number.NaN,
    up: Number.POSITIVE_INFINITY,
    down: Number.NEGATIVE_INFINITY,
    text: '-Infinity',
  });
  await first.finish();
  const again = await startRun({ ...options, resume: 'must' });
  again.log({ loss: 0.5 });
  await again.finish();
  expect(again.step).toBe(2);
  const { summary = '' } = fake.run('run1');
  expect(JSON.parse(summary)).toMatchObject({
    loss: 0.5,
    nan: null,
    up: null,
    down: null,
    text: '-Infinity',
    _step: 1,
  });
});

interface OwnConfig {
  readonly _wandb: { readonly value: { readonly m: readonly object[] } };
}

const definitions = (fake: FakeService): readonly object[] =>
  (fake.run('run1').config as unknown as OwnConfig)._wandb.value.m;

test('definitions of metrics stay, and further ones are added', async () => {
  const { fake, options } = await place();
  const first = [
    { 1: 'metrics/step', 6: [3], 7: [] },
    { 1: 'loss', 5: 1, 6: [1, 3], 7: [] },
  ];
  const lives = [
    [metrics({ values: { loss: 1 }, step: 5 }), first],
    [execution(), first],
    [metrics({ values: { loss: 0.5, acc: 1 }, step: 6 }), [...first, { 1: 'acc', 5: 1, 6: [1, 3], 7: [] }]],
  ] as const;
  for (const [event, expected] of lives) {
    const backend = await wandb({ ...options, resume: 'allow' });
    await backend.write([event]);
    await backend.close?.();
    expect(definitions(fake)).toEqual(expected);
  }
});

test('definitions of another client are read by their places; new ones come before them', async () => {
  const { fake, options } = await earlierRun();
  const { value } = fake.run('run1').config['_wandb'] as { readonly value: object };
  const m = [
    { 2: 'train/*', 6: [3], 7: [] },
    { 1: 'epoch', 6: [], 7: [] },
    null,
    { 1: 'val', 5: 2, 6: [1, 2, 3], 7: [1, 8, 99] },
    { 1: 'loss', 5: 2, 6: [1, 3], 7: [2] },
  ];
  fake.run('run1').config['_wandb'] = { value: { ...value, m } };
  const again = await startRun({ ...options, resume: 'must' });
  again.defineMetric('loss', { summary: ['max'] });
  again.log({ val: 3 });
  await again.flush();
  expect(definitions(fake)).toEqual([
    { 1: 'epoch', 6: [3], 7: [] },
    { 1: 'val', 5: 1, 6: [1, 2, 3], 7: [1, 8] },
    { 1: 'loss', 6: [3], 7: [2] },
  ]);
  await again.finish();
  expect(JSON.parse(fake.run('run1').history.at(-1) ?? '')).toMatchObject({ val: 3, epoch: 0 });

  const backend = await wandb({ ...options, resume: 'must' });
  await backend.write([metrics({ values: { speed: 1 }, step: 1 })]);
  await backend.close?.();
  expect(definitions(fake).slice(-2)).toEqual([
    { 1: 'metrics/step', 6: [3], 7: [] },
    { 1: 'speed', 5: 4, 6: [1, 3], 7: [] },
  ]);
});

test('what the summary keeps of metrics goes on, but for the mean; so does the last step', async () => {
  const { fake, options } = await place();
  const kept = (): object => JSON.parse(fake.run('run1').summary ?? '');
  const first = await startRun(options);
  first.defineMetric('loss', { stepMetric: 'epoch', summary: ['min', 'max', 'mean', 'first', 'last'] });
  first.defineMetric('deep.loss', { summary: ['min'] });
  first.log({ loss: 0.1, epoch: 7, deep: { loss: 0.1 } });
  first.log({ loss: 0.5 });
  await first.finish();
  expect(kept()).toMatchObject({ loss: { min: 0.1, max: 0.5, mean: 0.3, first: 0.1, last: 0.5 } });

  const again = await startRun({ ...options, resume: 'allow' });
  again.log({ loss: 0.3, deep: { loss: 0.3 } });
  again.log({ loss: 0.9 });
  await again.finish();
  const loss = { min: 0.1, max: 0.9, mean: 0.6, first: 0.1, last: 0.9 };
  expect(kept()).toMatchObject({ loss, deep: { loss: { min: 0.1 } }, epoch: 7 });
});

test('custom charts that another client has made stay', async () => {
  const { fake, options } = await earlierRun();
  const earlier = fake.run('run1').config['_wandb'] as { readonly value: object };
  const charts = { visualize: { bars: { panel_type: 'Vega2' } }, viz: { roc: { id: 'x' } } };
  fake.run('run1').config['_wandb'] = { value: { ...earlier.value, ...charts, cli_version: '1.0' } };
  const again = await startRun({ ...options, resume: 'must' });
  again.updateConfig({ fresh: 1 });
  await again.finish();
  const { _wandb: own, fresh } = fake.run('run1').config as Record<string, { readonly value: object }>;
  expect(fresh?.value).toBe(1);
  expect(own?.value).toEqual({ ...earlier.value, ...charts });
});

test('allow starts a run that is not there', async () => {
  const { fake, options } = await place();
  const run = await startRun({ ...options, resume: 'allow' });
  run.log({ loss: 1 });
  await run.finish();
  expect(steps(fake)).toEqual([0]);
});

test('must and never refuse to start, with the reason', async () => {
  const { options } = await earlierRun();
  const never = startRun({ ...options, resume: 'never' });
  await expect(never).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('there is a run run1 already'),
  });
  const must = wandb({ ...options, runId: 'other', resume: 'must' });
  await expect(must).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('there is no run other'),
  });
});

test.each(['must', 'never'] as const)('with %s, a backend that records nothing leaves no trace', async (resume) => {
  const { fake, options } = resume === 'must' ? await earlierRun() : await place();
  const before = structuredClone(fake.runs);
  const asked = fake.requests.length;
  for (let life = 0; life < 2; life += 1) {
    await (await wandb({ ...options, resume })).close?.();
  }
  expect(fake.requests.slice(asked).map(({ operation }) => operation)).toEqual(['RunResumeStatus', 'RunResumeStatus']);
  expect(fake.runs).toEqual(before);
  const backend = await wandb({ ...options, resume });
  await backend.write([execution()]);
  await backend.close?.();
  expect(fake.run('run1')).toMatchObject({ exitCode: 0, history: { length: resume === 'must' ? 2 : 1 } });
});

test('what resume does not allow any more at the first event loses nothing', async () => {
  const { fake, folder, notices, options } = await place();
  const backend = await wandb({ ...options, resume: 'never' });
  const other = await startRun({ ...options, runId: 'other' });
  await other.finish();
  fake.runs.set('run1', fake.run('other'));
  await backend.write([execution()]);
  await backend.close?.();
  const [log = ''] = globSync(join(folder, 'wandb', 'offline-run-*', '*.wandb'));
  expect(readRun(log)).toMatchObject({ id: 'run1', rows: [{ _step: 0 }], exitCode: 0 });
  expect(notices).toEqual([
    expect.stringMatching(/^wandb: run run1 continues offline in .*there is a run run1 already/),
  ]);
});

test('a service that is away at the start is no refusal', async () => {
  const { fake, notices, options } = await earlierRun();
  fake.trouble = () => ({ status: 503 });
  const backend = await wandb({ ...options, resume: 'must' });
  fake.trouble = () => undefined;
  await backend.write([execution()]);
  await backend.close?.();
  expect(JSON.parse(fake.run('run1').summary ?? '')).toMatchObject({ best: 0.5, _step: 8 });
  expect(notices).toEqual([]);
});

test('without resume, rows are added to a run that is there', async () => {
  const { fake, options } = await earlierRun();
  const again = await startRun(options);
  again.log({ loss: 0.5 });
  await again.finish();
  expect(steps(fake)).toEqual([7, 0]);
  expect(fake.operations('RunResumeStatus')).toEqual([]);
  expect(fake.violations).toEqual([]);
});

test('auto goes on with the run that did not finish, and begins anew after one that did', async () => {
  const { fake, folder, options } = await place();
  const first = await startRun({ ...options, runId: undefined, resume: 'auto' });
  first.log({ loss: 1 });
  await first.flush();
  const file = join(folder, 'wandb', 'wandb-resume.json');
  const unfinished = readFileSync(file, 'utf8');
  expect(JSON.parse(unfinished)).toEqual({ run_id: first.id });
  await first.finish();
  // As if the process had ended before.
  writeFileSync(file, unfinished);

  const second = await startRun({ ...options, runId: undefined, resume: 'auto' });
  expect(second.id).toBe(first.id);
  second.log({ loss: 0.5 });
  await second.finish();
  expect(fake.run(first.id).history).toHaveLength(2);
  expect(existsSync(file)).toBe(false);

  const third = await startRun({ ...options, runId: undefined, resume: 'auto' });
  expect(third.id).not.toBe(first.id);
  await third.finish();
});

test('auto goes on with a run that ended with another exit code than 0', async () => {
  const { fake, options } = await place();
  const auto = { ...options, runId: undefined, resume: 'auto' } as const;
  const failed = await startRun(auto);
  await failed.finish({ exitCode: 2 });
  const again = await startRun(auto);
  expect(again.id).toBe(failed.id);
  await again.finish();

  const ids: string[] = [];
  const onlyRun = (): string => [...fake.runs.keys()].find((id) => id !== failed.id && !ids.includes(id)) ?? '';
  for (const exitCode of [3, 0, 0]) {
    process.exitCode = exitCode;
    const backend = await wandb(auto);
    await backend.write([execution()]);
    await backend.close?.();
    ids.push(onlyRun());
  }
  process.exitCode = undefined;
  expect(ids).toEqual([expect.stringMatching(/./), '', expect.stringMatching(/./)]);
});

describe('runs that are open at the same time', () => {
  const refusal = {
    code: 'INVALID_CONFIG',
    problems: [{ field: 'runId', message: expect.stringContaining('the run run1 is open in this process') }],
  };

  test.each(['online', 'offline'] as const)('one id is refused while a run with it is %s', async (mode) => {
    const { options } = await place();
    const given = { ...options, mode };
    const first = await startRun(given);
    await expect(startRun(given)).rejects.toMatchObject(refusal);
    await expect(wandb(given)).rejects.toMatchObject(refusal);
    const elsewhere = await startRun({ ...given, project: 'other' });
    await Promise.all([first.finish(), elsewhere.finish()]);
    await (await startRun(given)).finish();
  });

  test.each(['online', 'offline'] as const)(
    'so it is while a backend has it %s, until that is closed',
    async (mode) => {
      const { options } = await place();
      const given = { ...options, mode };
      const backend = await wandb(given);
      await backend.write([runEvent({ runId: 'run1', state: 'finished' })]);
      await expect(wandb(given)).rejects.toMatchObject(refusal);
      await expect(startRun(given)).rejects.toMatchObject(refusal);
      await backend.close?.();
      await (await wandb(given)).close?.();
      await (await startRun(given)).finish();
    },
  );

  test('an id is free again after a start that failed', async () => {
    const { options } = await place();
    for (const start of [startRun, wandb, startRun, wandb]) {
      await expect(start({ ...options, resume: 'must' })).rejects.toMatchObject({ problems: [{ field: 'resume' }] });
    }
  });

  test('auto takes a new id, and the end of one leaves the other remembered', async () => {
    const { fake, folder, options } = await place();
    const auto = { ...options, runId: undefined, resume: 'auto' } as const;
    const runs = [await startRun(auto), await startRun(auto)] as const;
    for (const run of runs) {
      run.log({ loss: 1 });
      await run.flush();
    }
    await runs[0].finish();
    const file = join(folder, 'wandb', 'wandb-resume.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ run_id: runs[1].id });
    await runs[1].finish();
    expect([...fake.runs.values()].map(({ history }) => history.length)).toEqual([1, 1]);
    expect(fake.violations).toEqual([]);
  });
});

test('auto where nothing can be kept goes on without', async () => {
  const { folder, options } = await place();
  const dir = join(folder, 'file');
  writeFileSync(dir, '');
  const run = await startRun({ ...options, dir, runId: undefined, resume: 'auto' });
  run.log({ loss: 1 });
  await run.finish();
  const backend = await wandb({ ...options, dir, runId: undefined, resume: 'auto' });
  await backend.write([execution()]);
  await backend.close?.();
});

test('auto leaves a run that has an id of its own at that', async () => {
  const { fake, options } = await place();
  const unfinished = await startRun({ ...options, runId: 'first', resume: 'auto' });
  unfinished.log({ loss: 1 });
  await unfinished.flush();

  const run = await startRun({ ...options, runId: 'second', resume: 'auto' });
  run.log({ loss: 1 });
  await run.finish();
  expect([...fake.runs.values()].map(({ id, history }) => [id, history.length])).toEqual([
    ['first', 1],
    ['second', 1],
  ]);
  await unfinished.finish();
});

test('auto leaves that of a backend at its id, too', async () => {
  const { fake, options } = await place();
  const unfinished = await startRun({ ...options, runId: 'first', resume: 'auto' });
  const backend = await wandb({ ...options, runId: 'second', resume: 'auto' });
  await backend.write([execution()]);
  await backend.close?.();
  expect(fake.runs.get('second')?.history).toHaveLength(1);
  await unfinished.finish();
});

test('a run of the program that was recorded before goes on, its counts too', async () => {
  const { fake, options } = await place();
  for (let life = 0; life < 2; life += 1) {
    const backend = await wandb(options);
    onTestFinished(() => backend.close?.());
    await backend.write([
      execution({ runId: 'r', kind: 'tool', name: 't', latencyMs: 100, cost: { nanoUsd: 500, source: 'provider' } }),
      execution({ runId: 'r', kind: 'tool', name: 't', latencyMs: 300, success: false }),
    ]);
    await backend.close?.();
  }
  const { history, summary = '' } = fake.run('r');
  expect(history.map((line) => JSON.parse(line)._step)).toEqual([0, 1, 2, 3]);
  expect(JSON.parse(summary)).toMatchObject({
    'summary/total_operations': 4,
    'summary/failures': 2,
    'summary/success_rate': 0.5,
    'summary/avg_duration': 0.2,
    'summary/total_cost': 0.000001,
    'summary/t/total_operations': 4,
  });
});

describe('a later start that says nothing of its run leaves it as it is', () => {
  const first = runEvent({
    runId: 'r',
    state: 'started',
    name: 'receipts',
    project: 'extraction',
    config: { batch: 8, host: 'of the run' },
    tags: ['eu'],
  });
  const start = (): AnalyticsEvent => runEvent({ runId: 'r', state: 'started' });
  const end = (): AnalyticsEvent => runEvent({ runId: 'r', state: 'finished' });
  const work = (): AnalyticsEvent => execution({ runId: 'r' });
  /** Said of every run; what a run says itself comes before it. */
  const common = { tags: ['all'], config: { host: 'of all', team: 'a' } };

  /** What is written, batch by batch. */
  const histories: Record<string, AnalyticsEvent[][]> = {
    'in the same batch': [[first, work(), start(), work()]],
    'in a later batch': [
      [first, work()],
      [start(), work()],
    ],
    'after its end': [
      [first, work(), end()],
      [start(), work(), end()],
    ],
    'after its end, in the same batch as work': [
      [first, end()],
      [work(), start()],
    ],
  };

  test.each(Object.entries(histories))('%s', async (_when, batches) => {
    const { fake, options } = await place();
    const backend = await wandb({ ...options, ...common });
    onTestFinished(() => backend.close?.());
    for (const batch of batches) {
      await backend.write(batch);
    }
    await backend.close?.();
    expectFirst(fake);

    const dir = testFolder();
    const offline = await wandb({ mode: 'offline', dir, ...common });
    for (const batch of batches) {
      await offline.write(batch);
    }
    await offline.close?.();
    const logs = globSync(join(dir, 'wandb', 'offline-run-*-r', 'run-r.wandb')).map(readRun);
    expect(logs.length).toBeGreaterThan(0);
    for (const log of logs) {
      expect(log).toMatchObject(whole);
    }
  });

  test('from another process', async () => {
    const { fake, options } = await place();
    for (const batch of [
      [first, work()],
      [start(), work()],
    ]) {
      const backend = await wandb({ ...options, ...common, project: 'extraction' });
      onTestFinished(() => backend.close?.());
      await backend.write(batch);
      await backend.close?.();
    }
    expectFirst(fake);
    expect(fake.run('r').history).toHaveLength(2);
  });

  test('work that comes after the end does so, too', async () => {
    const { fake, options } = await place();
    const backend = await wandb({ ...options, ...common });
    onTestFinished(() => backend.close?.());
    await backend.write([first, end()]);
    await backend.write([work()]);
    await backend.close?.();
    expectFirst(fake);
  });

  test('and one that says something changes that', async () => {
    const { fake, options } = await place();
    for (const batch of [[first], [runEvent({ runId: 'r', state: 'started', tags: ['us'], config: { batch: 9 } })]]) {
      const backend = await wandb({ ...options, ...common, project: 'extraction' });
      onTestFinished(() => backend.close?.());
      await backend.write(batch);
      await backend.close?.();
    }
    const { displayName, tags, config } = fake.run('r');
    expect({ displayName, tags }).toEqual({ displayName: 'receipts', tags: ['all', 'us'] });
    expect(config).toMatchObject({ batch: { value: 9 }, host: { value: 'of the run' }, team: { value: 'a' } });
  });

  test.each([1, 2])('a configuration that is said bit by bit is the sum of it, %i starts in a batch', async (size) => {
    const { fake, options } = await place();
    const backend = await wandb(options);
    onTestFinished(() => backend.close?.());
    await backend.write([work()]);
    const starts = [{ batch: 8 }, { solver: 'a' }].map((config) => runEvent({ runId: 'r', state: 'started', config }));
    for (let at = 0; at < starts.length; at += size) {
      await backend.write(starts.slice(at, at + size));
    }
    expect(fake.run('r').config).toMatchObject({ batch: { value: 8 }, solver: { value: 'a' } });
  });

  test('what metrics have steps stays, too, and is said once', async () => {
    const { fake, options } = await place();
    const backend = await wandb(options);
    onTestFinished(() => backend.close?.());
    const step = (step: number): AnalyticsEvent => metrics({ runId: 'r', values: { loss: 1 / step }, step });
    await backend.write([first, step(1), end()]);
    await backend.write([step(2), end()]);
    const { _wandb: own } = fake.run('r').config as { readonly _wandb: { readonly value: { readonly m: object[] } } };
    expect(own.value.m).toMatchObject([{ 1: 'metrics/step' }, { 1: 'loss', 5: 1 }]);
  });

  const whole = {
    name: 'receipts',
    project: 'extraction',
    tags: ['all', 'eu'],
    config: { batch: 8, host: 'of the run', team: 'a' },
  };

  function expectFirst(fake: FakeService): void {
    const { displayName, tags, config, project } = fake.run('r');
    const { _wandb: _own, ...settings } = config;
    const values = Object.entries(settings).map(([key, value]) => [key, (value as { value: unknown }).value]);
    expect({ name: displayName, project, tags, config: Object.fromEntries(values) }).toEqual(whole);
    for (const { body } of fake.operations('UpsertBucket')) {
      expect(body).toMatchObject({ variables: { project: 'extraction' } });
    }
    expect(fake.violations).toEqual([]);
  }
});
