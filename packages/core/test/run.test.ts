import { describe, expect, test } from 'vitest';
import { AnalyticsError } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { dropsOf } from './support/ledger.ts';
import { oddThrown, revoked } from './support/odd.ts';
import { type Rig, rig } from './support/rig.ts';

/** What the far side holds, without ids and times. */
async function told({ analytics, side }: Rig): Promise<Record<string, unknown>[]> {
  await analytics.flush();
  return side.held.map(({ id: _, at: __, ...rest }) => JSON.parse(JSON.stringify(rest)));
}

describe('a run', () => {
  test('has a start, an end, and an id that is a UUID', async () => {
    const made = rig();
    const run = made.analytics.startRun({ name: 'nightly', project: 'p', config: { seed: 1 }, tags: ['a'] });
    run.finish({ summary: { best: 1 } });
    expect(run.id).toMatch(/^[0-9a-f-]{13}-7/);
    expect(await told(made)).toEqual([
      { type: 'run', runId: run.id, state: 'started', name: 'nightly', project: 'p', config: { seed: 1 }, tags: ['a'] },
      { type: 'run', runId: run.id, state: 'finished', summary: { best: 1 } },
    ]);
  });

  test('has the id that it is given, cleaned as in events', async () => {
    const made = rig();
    const ids = ['mine', `${'x'.repeat(300)}`, 'a\nb'].map((id) => made.analytics.startRun({ id }).id);
    expect(ids).toEqual(['mine', 'x'.repeat(256), 'a\ufffdb']);
    expect((await told(made)).map(({ runId }) => runId)).toEqual(ids);
  });

  test.each([undefined, null, ''])('makes its id when it is given %j', async (id) => {
    const made = rig();
    const run = made.analytics.startRun({ id: id as never });
    expect(run.id).toHaveLength(36);
    expect(await told(made)).toMatchObject([{ runId: run.id, state: 'started' }]);
  });

  test.each([5, {}, ' ', Symbol('s')])('with a wrong id goes on under a new one; its start is refused', async (id) => {
    const made = rig();
    const run = made.analytics.startRun({ id: id as never });
    run.finish();
    expect(run.id).toHaveLength(36);
    expect(made.errors[0]?.message).toMatch(/^Refused an event: runId must be a (non-blank )?string/);
    expect(dropsOf(made.analytics)).toEqual({ invalid: 1 });
    expect(await told(made)).toMatchObject([{ runId: run.id, state: 'finished' }]);
  });

  test('is told that its id is not called runId', async () => {
    const made = rig();
    const run = made.analytics.startRun({ runId: 'mine', name: 'train' } as never);
    expect(await told(made)).toMatchObject([{ runId: run.id, name: 'train' }]);
    expect(made.errors).toMatchObject([
      { message: 'runId is not an option of startRun: it is called id; its details are left out' },
    ]);
  });

  test.each([{ tags: Array(101).fill('t') }, { config: { rows: 10n } }, { config: 5, tags: 'a' }])(
    'with wrong details starts without them, under its name and project',
    async (details) => {
      const made = rig();
      const run = made.analytics.startRun({ id: 'r', name: 'train', project: 'p', ...details } as never);
      run.logParam('seed', 1);
      expect(await told(made)).toMatchObject([
        { runId: 'r', state: 'started', name: 'train', project: 'p' },
        { runId: 'r', config: { seed: 1 } },
      ]);
      expect(made.errors).toMatchObject([
        { message: expect.stringMatching(/^(tags .*; it is|config .*; its details are) left out$/) },
      ]);
      expect(dropsOf(made.analytics)).toEqual({});
    },
  );

  test('is refused where reading it makes up another mistake each time, which does not go on for ever', () => {
    const made = rig();
    let reads = 0;
    made.analytics.startRun({
      name: 'train',
      get tags(): string[] {
        reads += 1;
        if (reads > 1000) {
          return [];
        }
        const problems = [{ field: `field${reads}`, message: 'is wrong' }];
        throw new AnalyticsError('INVALID_EVENT', 'wrong', { problems });
      },
    });
    expect(dropsOf(made.analytics)).toEqual({ invalid: 1 });
    expect(reads).toBeLessThan(200);
  });

  test('takes what is typed by an interface', async () => {
    interface Settings {
      readonly model: string;
    }
    interface Losses {
      readonly loss: number;
    }
    const settings: Settings = { model: 'm' };
    const losses: Losses = { loss: 0.5 };
    const made = rig();
    const run = made.analytics.startRun({ config: settings });
    run.logMetrics(losses);
    made.analytics.logMetrics(losses);
    // @ts-expect-error: not a number
    run.logMetrics({ loss: 'small' });
    // @ts-expect-error: no names
    run.logMetrics([0.5]);
    // @ts-expect-error: no names
    made.analytics.logMetrics('loss');
    expect(await told(made)).toMatchObject([{ config: settings }, { values: losses }, { values: losses }]);
    const headers: RequestInit = { headers: made.analytics.traceContext() };
    expect(headers).toEqual({ headers: {} });
  });

  test('can be finished once', async () => {
    const made = rig();
    const run = made.analytics.startRun();
    run.finish({ state: 'failed' });
    run.finish();
    run.finish({ state: 'finished' });
    expect((await told(made)).map(({ state }) => state)).toEqual(['started', 'failed']);
  });

  test.each(['finished', 'failed'] as const)('ends %s when it is told just that', async (state) => {
    const made = rig();
    made.analytics.startRun().finish(state);
    expect((await told(made)).map((event) => event['state'])).toEqual(['started', state]);
  });

  test('ends in one of two states', async () => {
    const made = rig();
    made.analytics.startRun().finish('FINISHED' as never);
    expect(made.errors[0]?.message).toMatch(/^Refused an event: state must be one of finished, failed/);
  });

  test.each([
    ['a state', 'completed'],
    ['the first state', { state: 'started' }],
    ['a type', 5],
  ])('that is ended with %s that does not exist goes on, and can be ended still', async (_, end) => {
    const made = rig();
    const run = made.analytics.startRun();
    run.finish(end as never);
    expect(dropsOf(made.analytics)).toEqual({ invalid: 1 });
    run.finish('failed');
    expect((await told(made)).map(({ state }) => state)).toEqual(['started', 'failed']);
  });

  test('that is ended with a summary that cannot be recorded ends without it', async () => {
    const made = rig();
    const run = made.analytics.startRun();
    run.finish({ state: 'failed', summary: 'best' as never });
    run.finish();
    expect(made.errors.map(({ message }) => message)).toEqual([
      'summary must be an object, got "best"; it is left out',
    ]);
    expect(await told(made)).toMatchObject([{ state: 'started' }, { state: 'failed' }]);
  });

  test('groups what is recorded inside, across await; nested runs do not mix', async () => {
    const made = rig();
    const { analytics, record } = made;
    const outer = analytics.startRun({ id: 'outer' });
    const result = await outer.within(async () => {
      record('o1');
      await turn();
      const inner = analytics.startRun({ id: 'inner' });
      inner.within(() => record('i1'));
      record('o2');
      return 'result';
    });
    record('none');
    expect(result).toBe('result');
    const runs = (await told(made)).filter(({ type }) => type === 'execution').map(({ name, runId }) => [name, runId]);
    expect(runs).toEqual([
      ['o1', 'outer'],
      ['i1', 'inner'],
      ['o2', 'outer'],
      ['none', undefined],
    ]);
  });

  test('logs metrics and artifacts of its own, wherever it is called', async () => {
    const made = rig();
    const run = made.analytics.startRun({ id: 'r' });
    made.analytics.withContext({ runId: 'other' }, () => {
      run.logMetrics({ loss: 1 }, { step: 2, runId: 'ignored' });
      run.logArtifact({ name: 'a', kind: 'k', path: 'p' });
      run.finish();
    });
    expect((await told(made)).slice(1)).toEqual([
      { type: 'metrics', runId: 'r', values: { loss: 1 }, step: 2 },
      { type: 'artifact', runId: 'r', name: 'a', kind: 'k', path: 'p' },
      { type: 'run', runId: 'r', state: 'finished' },
    ]);
  });

  test('leaves a user of the context in place', async () => {
    const made = rig();
    made.analytics.withContext({ userId: 'ada' }, () =>
      made.analytics.startRun({ id: 'r' }).within(() => made.record('e')),
    );
    expect((await told(made)).map(({ userId }) => userId)).toEqual(['ada', 'ada']);
  });

  test('does not change with the options it was given', async () => {
    const made = rig();
    const options = { config: { seed: 1 }, tags: ['a'] };
    made.analytics.startRun(options);
    options.config.seed = 2;
    options.tags.push('b');
    expect(await told(made)).toMatchObject([{ config: { seed: 1 }, tags: ['a'] }]);
  });

  test.each([
    ['null', () => null],
    ['a number', () => 5],
    ['a revoked proxy', revoked],
    ['a wrong tag', () => ({ tags: [5] })],
    ['data that is too large', () => ({ config: { text: 'x'.repeat(20_000) } })],
  ])('with wrong options (%s) does not throw, and can be used', (_, options) => {
    const made = rig();
    const run = made.analytics.startRun(options() as never);
    expect(run.id).toHaveLength(36);
    run.logMetrics(options() as never, options() as never);
    run.logArtifact(options() as never);
    run.finish(options() as never);
    expect(run.within(() => 5)).toBe(5);
  });

  test('is told what its end says in vain, as options of another name', async () => {
    const made = rig();
    const options = { id: 'r', name: 'n' };
    made.analytics.startRun(options).finish({ ...options, status: 'failed', summary: { best: 1 } } as never);
    expect((await told(made)).at(-1)).toEqual({
      type: 'run',
      runId: 'r',
      name: 'n',
      state: 'finished',
      summary: { best: 1 },
    });
    expect(made.errors.map(({ message }) => message)).toEqual(['Unknown in an event: "status"; left out']);
  });

  test('says what is wrong with what it logs', () => {
    const { analytics, errors } = rig();
    analytics.startRun().logArtifact('report.md' as never);
    expect(errors[0]?.message).toBe('Refused an event: artifact must be an object, got "report.md"');
  });
});

describe('a parameter', () => {
  test('adds to the config, or changes what is there; nothing else of the run', async () => {
    const made = rig();
    const run = made.analytics.startRun({ id: 'r', name: 'n', config: { seed: 1, model: { name: 'm' } } });
    run.logParam('solver', 'recursive');
    run.logParam('seed', { first: 2 });
    run.logParam('__proto__', 3);
    run.finish();
    const events = await told(made);
    expect(events.map(({ state }) => state)).toEqual(['started', 'started', 'started', 'started', 'finished']);
    expect(events[1]).toEqual({
      type: 'run',
      runId: 'r',
      state: 'started',
      config: { seed: 1, model: { name: 'm' }, solver: 'recursive' },
    });
    expect(JSON.stringify(events[3]?.['config'])).toBe(
      '{"seed":{"first":2},"model":{"name":"m"},"solver":"recursive","__proto__":3}',
    );
  });

  test('does not change with what it was given', async () => {
    const made = rig();
    const value = { deep: [1] };
    const run = made.analytics.startRun();
    run.logParam('a', value);
    value.deep.push(2);
    run.logParam('b', null);
    expect((await told(made)).at(-1)?.['config']).toEqual({ a: { deep: [1] }, b: null });
  });

  test.each<[string, unknown, unknown, RegExp]>([
    ['no name', '', 1, /name must be a non-blank string/],
    ['a name of another type', 5, 1, /name must be a string, got 5/],
    ['no value', 'a', undefined, /value must be JSON data, got undefined/],
    ['a function', 'a', () => 1, /value must be JSON data, got a function/],
    ['too much', 'a', 'x'.repeat(20_000), /config must be at most 16384 bytes of JSON/],
  ])('with %s is refused, and leaves the others as they were', async (_, name, value, message) => {
    const made = rig();
    const run = made.analytics.startRun({ config: { seed: 1 } });
    run.logParam(name as string, value);
    run.logParam('after', 2);
    expect(made.errors[0]?.message).toMatch(message);
    expect((await told(made)).map(({ config }) => config)).toEqual([{ seed: 1 }, { seed: 1, after: 2 }]);
  });

  test('after the end does nothing, as it would start the run again', async () => {
    const made = rig();
    const run = made.analytics.startRun();
    run.finish();
    run.logParam('late', 1);
    expect(await told(made)).toHaveLength(2);
  });
});

describe('trackRun', () => {
  test('starts, runs and finishes', async () => {
    const made = rig();
    const value = await made.analytics.trackRun({ id: 'r', name: 'n' }, async (run) => {
      made.record('e');
      await turn();
      run.logMetrics({ loss: 1 });
      return run.id;
    });
    expect(value).toBe('r');
    expect((await told(made)).map(({ type, runId, state }) => [type, runId, state])).toEqual([
      ['run', 'r', 'started'],
      ['execution', 'r', undefined],
      ['metrics', 'r', undefined],
      ['run', 'r', 'finished'],
    ]);
  });

  test.each(oddThrown)('fails with the function, and throws on %s unchanged', async (_, make) => {
    const made = rig();
    const thrown = make();
    for (const fn of [() => Promise.reject(thrown), thrower(thrown)]) {
      await made.analytics.trackRun({ id: 'r' }, fn).then(
        () => expect.unreachable(),
        (caught) => expect(Object.is(caught, thrown)).toBe(true),
      );
    }
    expect((await told(made)).map(({ state }) => state)).toEqual(['started', 'failed', 'started', 'failed']);
  });

  test('leaves an end of the function in place', async () => {
    const made = rig();
    await made.analytics.trackRun({}, (run) => run.finish({ state: 'failed', summary: { why: 'early' } }));
    expect((await told(made)).map(({ state }) => state)).toEqual(['started', 'failed']);
  });
});

function thrower(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}
