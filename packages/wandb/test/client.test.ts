import { join } from 'node:path';
import { startRun } from '@toolweaver/analytics-wandb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseValue, readRun } from './support/log-reader.ts';
import { place, runAt } from './support/start.ts';

async function rowsAfter(log: (run: Awaited<ReturnType<typeof runAt>>['run']) => void) {
  const { run, fake, notices } = await runAt();
  log(run);
  await run.finish();
  expect(fake.violations).toEqual([]);
  const { history, summary = '{}' } = fake.run('run1');
  const rows = history.map((line) => parseValue(line) as Record<string, unknown>);
  const values = rows.map(({ _timestamp, _runtime, ...rest }) => rest);
  return { rows, values, summary: parseValue(summary) as Record<string, unknown>, notices, skipped: run.skipped, fake };
}

describe('rows', () => {
  test('are numbered, timed, and made of several calls where the program says so', async () => {
    const { rows, values } = await rowsAfter((run) => {
      run.log({ loss: 1, 'val/loss': 2 });
      run.log({ a: 1 }, { commit: false });
      run.log({ b: 2 });
      run.log({ c: 1 }, { step: 10 });
      run.log({ d: 1 }, { step: 10 });
      run.log({ e: 1 }, { step: 11, commit: true });
      run.log({ f: 1 });
      run.log({ g: 1 }, { step: 20 });
    });
    expect(values).toEqual([
      { loss: 1, 'val/loss': 2, _step: 0 },
      { a: 1, b: 2, _step: 1 },
      { c: 1, d: 1, _step: 10 },
      { e: 1, _step: 11 },
      { f: 1, _step: 12 },
      { g: 1, _step: 20 },
    ]);
    for (const { _timestamp, _runtime } of rows) {
      expect(Math.abs(Number(_timestamp) - Date.now() / 1000)).toBeLessThan(60);
      expect(_runtime).toBeGreaterThanOrEqual(0);
    }
  });

  test('a call without values completes the row, and makes one of its own where there is none', async () => {
    const { values, summary } = await rowsAfter((run) => {
      run.log({});
      run.log({ a: 1 }, { commit: false });
      run.log({});
      run.log({});
      run.log({ fn() {} });
      run.log([] as never);
      run.log({ '': 1 });
    });
    expect(values).toEqual([{ _step: 0 }, { a: 1, _step: 1 }, { _step: 2 }, { '': 1, _step: 3 }]);
    expect(summary).toMatchObject({ a: 1, _step: 3 });
  });

  test('a call without values makes a row offline, too', async () => {
    const { run } = await runAt({ mode: 'offline' });
    run.log({});
    run.log({ a: 1 });
    await run.finish();
    const { rows } = readRun(join(run.location as string, 'run-run1.wandb'));
    expect(rows.map(({ _timestamp, _runtime, ...rest }) => rest)).toEqual([{ _step: 0 }, { a: 1, _step: 1 }]);
  });

  test('a step that is no whole number from 0 on is left out, and told as such', async () => {
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ a: 1 }, { step: '5' as never });
      run.log({ a: 1 }, { step: 7.5 });
      run.log({ a: 1 }, { step: -1 });
      run.log({ a: 2 });
    });
    expect([values, skipped]).toEqual([[{ a: 2, _step: 0 }], 3]);
    expect(notices).toEqual([expect.stringContaining('the step must be a whole number from 0 on, got "5"')]);
  });

  test('a step that goes backwards is left out, counted and told once', async () => {
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ a: 1 }, { step: 5, commit: true });
      run.log({ b: 1 }, { step: 3 });
      run.log({ b: 1 }, { step: 4 });
      run.log({ c: 1 });
    });
    expect(values).toEqual([
      { a: 1, _step: 5 },
      { c: 1, _step: 6 },
    ]);
    expect(skipped).toBe(2);
    expect(notices).toEqual([expect.stringContaining('values of step 3 were left out: the run is at step 6 already')]);
  });

  test('NaN and infinities arrive as such, big numbers whole, and nested data nested', async () => {
    const { rows, values, summary, fake } = await rowsAfter((run) => {
      run.log({
        nan: Number.NaN,
        up: Number.POSITIVE_INFINITY,
        down: [Number.NEGATIVE_INFINITY],
        big: 9007199254740993n,
        zero: -0,
        holes: [1, undefined, () => 2],
      });
      run.log({
        nested: { x: 1, y: { z: 'text' } },
        flag: true,
        nothing: null,
        when: new Date(0),
        list: new Float32Array([0.5]),
      });
      run.log({ nested: { y: { w: 2 } }, _timestamp: 12.5 });
      // A time alone is no row.
      run.log({ _timestamp: 13 });
    });
    expect(values).toEqual([
      {
        nan: Number.NaN,
        up: Number.POSITIVE_INFINITY,
        down: [Number.NEGATIVE_INFINITY],
        big: 9007199254740992,
        zero: 0,
        holes: [1, null, null],
        _step: 0,
      },
      {
        nested: { x: 1, y: { z: 'text' } },
        flag: true,
        nothing: null,
        when: '1970-01-01T00:00:00.000Z',
        list: [0.5],
        _step: 1,
      },
      { nested: { y: { w: 2 } }, _step: 2 },
    ]);
    expect(fake.run('run1').history[0]).toContain(
      '"nan":NaN,"up":Infinity,"down":[-Infinity],"big":9007199254740993,"zero":0,',
    );
    expect(rows[2]?.['_timestamp']).toBe(12.5);
    expect(summary['nan']).toBe(Number.NaN);
    expect(summary['nested']).toEqual({ x: 1, y: { z: 'text', w: 2 } });
  });

  test('what is no data is left out, counted and told once; the host never sees an exception', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ good: 1, cyclic, fn() {}, symbol: Symbol('x'), missing: undefined, _step: 9, _runtime: 9 });
      run.log(null as unknown as Record<string, unknown>);
      run.log({
        good: 2,
        get bad(): number {
          throw new Error('no');
        },
      });
    });
    expect(values).toEqual([
      { good: 1, _step: 0 },
      { good: 2, _step: 1 },
    ]);
    expect(skipped).toBe(8);
    expect(notices).toHaveLength(2);
  });

  test('calls that no type allows are left out, counted and told, and the host sees no exception', async () => {
    const none = null as never;
    const { values, summary, notices, skipped, fake } = await rowsAfter((run) => {
      // No options are none.
      run.log({ a: 1 }, none);
      run.defineMetric('a', none);
      run.setSummary(none);
      run.setSummary({
        good: 1,
        get bad(): number {
          throw new Error('no');
        },
      });
      run.setTags(undefined as never);
      run.setTags(undefined as never);
      run.updateConfig(none);
      run.defineMetric('b', { summary: 5 as never });
      run.defineMetric('b', { summary: ['best' as never] });
      run.defineMetric('b', { stepMetric: none });
      run.defineMetric(5 as never);
      run.defineMetric('');
      run.defineMetric('train/*');
      run.defineMetric('b', { stepMetric: '' });
      run.defineMetric('b', { stepMetric: '*' });
      run.finish(none);
    });
    expect(values).toEqual([{ a: 1, _step: 0 }]);
    expect(summary).toMatchObject({ a: 1, good: 1 });
    expect(skipped).toBe(13);
    // The log of an offline run could hold none of them.
    expect(fake.run('run1').config).toMatchObject({ _wandb: { value: { m: [{ 1: 'a' }] } } });
    expect(notices).toEqual([
      expect.stringContaining('values were left out: they must be an object'),
      expect.stringContaining('the value of "bad" was left out: no'),
      expect.stringContaining('a call of setTags was left out'),
      expect.stringContaining('a call of defineMetric was left out'),
    ]);
  });

  test('an end that may take no number of ms takes as long as it usually may', async () => {
    const { run, fake, notices } = await runAt();
    run.log({ a: 1 });
    await run.finish({ timeoutMs: Number.NaN });
    expect([run.online, fake.run('run1').history.length, fake.run('run1').exitCode]).toEqual([true, 1, 0]);
    expect(notices).toEqual([expect.stringContaining('timeoutMs must be a number, got NaN: 10000 is used')]);
  });

  test('a value that was not awaited is left out, where it would be an empty object', async () => {
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ good: 1, late: Promise.resolve(2), deep: { late: Promise.resolve(3) } });
    });
    expect([values, skipped]).toEqual([[{ good: 1, _step: 0 }], 2]);
    expect(notices).toEqual([expect.stringContaining('"late" was left out: must not be a promise: await it')]);
  });

  test.each([
    ['a Map', new Map([['x', 1]])],
    ['a Set', new Set([1])],
    ['an Error', new TypeError('no')],
    ['an ArrayBuffer', new ArrayBuffer(1)],
  ])('%s is left out, where it would be an empty object', async (name, value) => {
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ good: 1, value, deep: { value } });
    });
    expect([values, skipped]).toEqual([[{ good: 1, _step: 0 }], 2]);
    expect(notices).toEqual([expect.stringContaining(`the value of "value" was left out: must not be ${name}: use `)]);
  });

  test('an error that says what it is in JSON is data', async () => {
    const { values } = await rowsAfter((run) => {
      run.log({ error: Object.assign(new Error('no'), { toJSON: () => ({ code: 5 }) }) });
    });
    expect(values).toEqual([{ error: { code: 5 }, _step: 0 }]);
  });

  test('data of more than 100 levels is left out, and what lies beside it arrives', async () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { x: nested(levels - 1) });
    const { values, notices, skipped } = await rowsAfter((run) => {
      run.log({ fits: nested(100), deep: nested(101) });
    });
    expect([values, skipped]).toEqual([[{ fits: nested(100), _step: 0 }], 1]);
    expect(notices).toEqual([expect.stringContaining('nested more than 100 levels deep')]);
  });

  test('later changes of a value do not reach what was logged', async () => {
    const value = { list: [1], deep: { x: 1 } };
    const { values, summary } = await rowsAfter((run) => {
      run.log({ value });
      value.list.push(2);
      value.deep.x = 2;
    });
    expect(values[0]?.['value']).toEqual({ list: [1], deep: { x: 1 } });
    expect(summary['value']).toEqual({ list: [1], deep: { x: 1 } });
  });
});

test('the summary has the last values, what the program sets, and what a definition asks for', async () => {
  const { summary, fake } = await rowsAfter((run) => {
    // The second takes the place of the first; their axis is there once.
    run.defineMetric('loss', { stepMetric: 'epoch', hidden: true });
    run.defineMetric('loss', { stepMetric: 'epoch', summary: ['min', 'max', 'mean'] });
    run.defineMetric('hidden', { hidden: true, summary: ['none'] });
    run.defineMetric('tokens', { summary: ['max'] });
    run.log({ loss: 3, epoch: 1, hidden: 1, best: 1, gone: 1, tokens: 10n });
    run.log({ loss: 1, epoch: 2, tokens: 3n });
    run.setSummary({ best: 42, gone: undefined });
  });
  expect(summary).toMatchObject({
    epoch: 2,
    best: 42,
    loss: { min: 1, max: 3, mean: 2 },
    tokens: { max: 10 },
    _step: 1,
    _wandb: { runtime: 0 },
  });
  expect(Object.keys(summary)).not.toContain('gone');
  expect(Object.keys(summary)).not.toContain('hidden');
  const { value } = fake.run('run1').config['_wandb'] as { value: { m: unknown; t: unknown } };
  expect(value.m).toEqual([
    { 1: 'epoch', 6: [3], 7: [] },
    { 1: 'loss', 5: 1, 6: [1, 3], 7: [1, 2, 3] },
    { 1: 'hidden', 6: [2, 3], 7: [6] },
    { 1: 'tokens', 6: [3], 7: [2] },
  ]);
  // A run without it counts as one that never started.
  expect(value.t).toMatchObject({ 13: `${process.platform}-${process.arch}` });
});

test('a definition finds a metric inside of nested data, and under a name with dots', async () => {
  const { values, summary } = await rowsAfter((run) => {
    run.defineMetric('n.x', { summary: ['min', 'max'], stepMetric: 'n.step' });
    run.defineMetric('a.b.c', { summary: ['none'] });
    run.defineMetric('dotted.x', { summary: ['mean'], stepMetric: 'dotted.step' });
    run.defineMetric('loss', { stepMetric: 'other.step' });
    run.log({ n: { x: 5, step: 1, y: 1 }, a: { b: { c: 1, d: 2 } } });
    run.log({ n: { x: 3 } });
    run.log({ n: { y: null } });
    run.log({ 'dotted.x': 1, 'dotted.step': 4 });
    run.log({ 'dotted.x': 2 });
    run.log({ loss: 1 });
    run.log({ loss: 1, other: 'text' });
  });
  expect(values.map(({ _step, ...rest }) => rest)).toEqual([
    { n: { x: 5, step: 1, y: 1 }, a: { b: { c: 1, d: 2 } } },
    { n: { x: 3, step: 1 } },
    { n: { y: null } },
    { 'dotted.x': 1, 'dotted.step': 4 },
    { 'dotted.x': 2, 'dotted.step': 4 },
    { loss: 1, other: { step: 0 } },
    { loss: 1, other: 'text' },
  ]);
  expect(summary).toMatchObject({
    n: { x: { min: 3, max: 5 }, step: 1, y: 1 },
    'dotted.x': { mean: 1.5 },
    loss: 1,
  });
  expect(summary['a']).toEqual({ b: { d: 2 } });
});

test('of a metric that is defined anew, the summary keeps only what was asked for last', async () => {
  const { summary } = await rowsAfter((run) => {
    run.defineMetric('loss', { summary: ['min'] });
    run.log({ loss: 1 });
    run.defineMetric('loss', { summary: ['max'] });
    run.log({ loss: 2 });
  });
  expect(summary['loss']).toEqual({ max: 2 });
});

test('a flag counts as 0 or 1 in a summary, and is its own last value', async () => {
  const { summary } = await rowsAfter((run) => {
    run.defineMetric('ok', { summary: ['min', 'max', 'mean', 'first', 'last'] });
    for (const ok of [false, true, true, true]) {
      run.log({ ok });
    }
  });
  expect(summary['ok']).toEqual({ min: 0, max: 1, mean: 0.75, first: false, last: true });
});

test('null says nothing about the last value, unless the program sets it', async () => {
  const { values, summary } = await rowsAfter((run) => {
    run.log({ x: 1, nested: { a: 1, b: { c: 2 } }, list: [1, null] });
    run.log({ x: null, nested: { a: null, b: { c: 3, d: null } }, never: null, all: { a: null } });
    run.log({ nested: null });
    run.setSummary({ set: null });
  });
  expect(values[1]).toMatchObject({ x: null, nested: { a: null, b: { c: 3, d: null } }, never: null });
  expect(summary).toMatchObject({ x: 1, nested: { a: 1, b: { c: 3 } }, list: [1, null], set: null });
  expect(Object.keys(summary)).not.toEqual(expect.arrayContaining(['never']));
  expect(Object.keys(summary)).not.toEqual(expect.arrayContaining(['all']));
});

test('a metric that is its own x axis is defined once', async () => {
  const { fake } = await rowsAfter((run) => {
    run.defineMetric('loss');
    run.defineMetric('epoch', { stepMetric: 'epoch' });
    run.log({ epoch: 1 });
  });
  expect(fake.run('run1').config).toMatchObject({ _wandb: { value: { m: [{ 1: 'loss' }, { 1: 'epoch', 5: 2 }] } } });
});

test.each(['', 'train/*'])('a metric called %j is told, and not defined', async (name) => {
  const { notices } = await rowsAfter((run) => run.defineMetric(name));
  expect(notices).toEqual([expect.stringContaining('must not be empty, nor have a *')]);
});

test.each(['online', 'offline'] as const)(
  '%s, a row without the x axis of its metric has the last one',
  async (mode) => {
    const { run, fake } = await runAt({ mode });
    run.defineMetric('loss', { stepMetric: 'epoch' });
    run.defineMetric('epoch', { stepMetric: 'batch' });
    run.defineMetric('free', { stepMetric: '_step' });
    run.log({ loss: 4 });
    run.log({ epoch: 7n });
    run.log({ loss: 3 });
    run.log({ other: 1, free: 1 });
    run.log({ epoch: 'eight', batch: 5 });
    run.log({ epoch: null });
    run.log({ loss: 2 });
    run.log({ loss: 1, epoch: 9 });
    await run.finish();
    const rows =
      mode === 'online'
        ? fake.run('run1').history.map((line) => parseValue(line) as Record<string, unknown>)
        : readRun(join(run.location as string, 'run-run1.wandb')).rows;
    expect(rows.map(({ _timestamp, _runtime, _step, ...rest }) => rest)).toEqual([
      { loss: 4, epoch: 0 },
      { epoch: 7, batch: 0 },
      { loss: 3, epoch: 7 },
      { other: 1, free: 1 },
      { epoch: 'eight', batch: 5 },
      { epoch: null, batch: 5 },
      { loss: 2, epoch: 7 },
      { loss: 1, epoch: 9, batch: 5 },
    ]);
  },
);

test('what the service keeps for itself is set in no configuration and no summary, and told', async () => {
  const { summary, fake, notices, skipped } = await rowsAfter((run) => {
    run.log({ loss: 1 });
    run.updateConfig({ lr: 1, _timestamp: 1 });
    run.setSummary({ best: 1, gone: undefined, _timestamp: 1, _step: undefined });
  });
  const { _wandb, ...config } = fake.run('run1').config;
  expect(config).toEqual({ lr: { value: 1 } });
  expect(summary).toMatchObject({ loss: 1, best: 1, _step: 0 });
  expect(skipped).toBe(3);
  expect(notices).toEqual([expect.stringContaining('keys that begin with _ are reserved')]);
});

test('configuration and tags are sent whole each time, empty fields as null', async () => {
  const { run, fake } = await runAt({
    config: { lr: 0.1, 'a.b': { c: [1] } },
    tags: ['a', 'a', 'b'],
    group: '',
    runName: 'first',
  });
  run.updateConfig({ lr: Number.NaN, batch: 8 });
  run.setTags(['c', `${'x'.repeat(63)}🧾`, '']);
  await run.flush();
  run.setTags([]);
  await run.finish();
  const calls = fake
    .operations('UpsertBucket')
    .map(({ body }) => (body as { variables: Record<string, unknown> }).variables);
  expect(calls[0]).toMatchObject({
    id: null,
    name: 'run1',
    project: 'uncategorized',
    entity: null,
    groupName: null,
    displayName: 'first',
    tags: ['a', 'b'],
  });
  expect(calls.at(-1)).toMatchObject({ id: fake.run('run1').storageId, name: 'run1', entity: 'ada', tags: [] });
  expect(calls.some(({ tags }) => String(tags) === `c,${'x'.repeat(63)}`)).toBe(true);
  expect(calls.at(-1)?.['config']).toContain('"lr":{"value":NaN},"a.b":{"value":{"c":[1]}},"batch":{"value":8}');
});

test('what of a configuration is no data is null, and our section of it is ours', async () => {
  const { run, fake } = await runAt({ config: { lr: 0.1, none: undefined, fn() {}, _wandb: { t: 1 } } });
  await run.finish();
  expect(fake.run('run1').config).toMatchObject({
    lr: { value: 0.1 },
    none: { value: null },
    fn: { value: null },
    _wandb: { value: { t: { 3: [14] } } },
  });
});

test('nested data that comes while a request is under way adds to what that sends', async () => {
  const { run, fake } = await runAt();
  let told = false;
  fake.trouble = ({ path }) => {
    if (!told && path.endsWith('/file_stream')) {
      told = true;
      run.log({ nested: { late: 2 } });
    }
    return undefined;
  };
  run.log({ nested: { early: 1 } });
  await run.flush();
  await run.finish();
  expect(fake.run('run1').history).toHaveLength(2);
  expect(JSON.parse(fake.run('run1').summary ?? '')).toMatchObject({ nested: { early: 1, late: 2 } });
});

test('a run that is disposed of ends with the exit code of the process', async () => {
  const { fake, options } = await place();
  onTestFinished(() => {
    process.exitCode = undefined;
  });
  for (const exitCode of [undefined, 3]) {
    process.exitCode = exitCode;
    await using run = await startRun({ ...options, runId: `run${exitCode}` });
    run.log({ loss: 1 });
  }
  expect([fake.run('runundefined').exitCode, fake.run('run3').exitCode]).toEqual([0, 3]);
});

test('an alert reaches the service', async () => {
  const { run, fake } = await runAt();
  await run.alert({ title: 'loss', text: 'is NaN', level: 'WARN', waitMs: 1_000.5 });
  expect(fake.alerts).toEqual([
    {
      entityName: 'ada',
      projectName: 'uncategorized',
      runName: 'run1',
      title: 'loss',
      text: 'is NaN',
      severity: 'WARN',
      waitDuration: 1000,
    },
  ]);
});

test('the page of a run is named by what the service calls it, each part for itself', async () => {
  const { fake, options } = await place();
  const run = await startRun({ ...options, project: 'my project', appUrl: 'https://app.example.org/' });
  expect(run.location).toBe('https://app.example.org/ada/my%20project/runs/run1');
  await run.finish();
  expect(fake.stream()[0]?.path).toBe('/files/ada/my%20project/run1/file_stream');
});

test('a conflict while the run is created is tried again; a wrong key makes it go on offline', async () => {
  const { fake, options, notices } = await place();
  let conflicts = 1;
  fake.trouble = ({ operation }) =>
    operation === 'UpsertBucket' && conflicts-- > 0 ? { status: 409, headers: { 'Retry-After': '0.01' } } : undefined;
  const run = await startRun(options);
  expect(run.online).toBe(true);
  await run.finish();

  const other = await startRun({ ...options, runId: 'run2', apiKey: `local-${'x'.repeat(40)}` });
  expect(other.online).toBe(false);
  await other.finish();
  expect(notices).toEqual([
    expect.stringMatching(/run run2 continues offline in .*answered 401: check the API key.*wandb sync/),
  ]);
});

test('a change of what is shown that the service refuses costs the change, and not the run', async () => {
  const { run, fake, notices } = await runAt();
  fake.trouble = ({ operation }) =>
    operation === 'UpsertBucket' ? { status: 200, body: '{"errors":[{"message":"too many tags"}]}' } : undefined;
  run.setTags(['a']);
  run.log({ loss: 1 });
  await run.finish();
  expect(run.online).toBe(true);
  expect(fake.run('run1').history).toHaveLength(1);
  expect(notices).toEqual([expect.stringContaining('too many tags')]);
});

test('a service that does not answer the start: the run goes on offline', async () => {
  const { fake, options, notices } = await place();
  fake.trouble = () => 'hang';
  const run = await startRun({ ...options, initTimeoutMs: 150 });
  run.log({ loss: 1 });
  await run.finish();
  expect(run.online).toBe(false);
  expect(notices).toHaveLength(1);
});
