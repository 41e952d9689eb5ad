import { join } from 'node:path';
import {
  type AnalyticsEvent,
  type AnalyticsReader,
  createAnalytics,
  type RunFilter,
  type RunSummary,
} from '@toolweaver/analytics-core';
import { artifact, execution, metrics, run } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { deepest } from '../src/answers/depth.ts';
import { now } from './support/arbitrary.ts';
import { histories, metricEvents, metricNames, runIds } from './support/arbitrary-runs.ts';
import { testFolder } from './support/folder.ts';
import { hostileTexts } from './support/hostile.ts';
import { createStore, storeOfTest } from './support/in-process.ts';
import { open } from './support/open.ts';
import { lastValues, listRuns, runDetails, runMetrics } from './support/oracle-runs.ts';
import { query } from './support/rows.ts';
import { expectSame } from './support/same.ts';

const numRuns = process.env['RELIABILITY'] === 'full' ? 50 : 15;
vi.setConfig({ testTimeout: 120_000 });

/** Checks a property of a store with any history, written in pieces, some of them twice. */
async function forAny(
  check: (reader: AnalyticsReader, events: readonly AnalyticsEvent[]) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(), fc.nat(), async (events, cut, repeated) => {
      const store = await createStore();
      try {
        const place = cut % (events.length + 1);
        store.write(events.slice(0, place));
        store.write(events.slice(place));
        store.write(events.slice(0, repeated % (events.length + 1)));
        await check(store.reader, events);
      } finally {
        store.close();
      }
    }),
    { numRuns },
  );
}

async function allPages(reader: AnalyticsReader, filter: RunFilter): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await reader.listRuns(filter, cursor);
    expect(page.runs.length).toBeLessThanOrEqual(filter.limit ?? 100);
    found.push(...page.runs);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

const orders: NonNullable<RunFilter['orderBy']>[] = [
  'startedAt',
  'durationMs',
  'executions',
  'failures',
  'totalTokens',
  'totalCostUsd',
  ...metricNames.slice(0, 6).map((metric) => ({ metric })),
];

describe('agrees with a count by hand', () => {
  test('listRuns() in any order, page by page', async () => {
    await forAny(async (reader, events) => {
      for (const orderBy of orders) {
        for (const order of ['asc', 'desc'] as const) {
          const expected = listRuns(events, { orderBy, order });
          expectSame((await reader.listRuns({ orderBy, order })).runs, expected);
          expectSame(await allPages(reader, { orderBy, order, limit: 2 }), expected);
        }
      }
    });
  });

  test('listRuns() by any conditions', async () => {
    const day = 86_400_000;
    const filters: RunFilter[] = [
      { state: 'started' },
      { state: 'finished' },
      { state: 'failed', project: 'p' },
      { name: 'nightly' },
      { project: "it's; --" },
      { tag: 'a' },
      { tag: 'it"s', order: 'asc' },
      { from: now - day },
      { to: now - day },
      { from: now - 7 * day, to: now - day + 1 },
      { from: 5, to: 5 },
      ...(['<', '<=', '=', '>=', '>'] as const).map((op) => ({ where: [{ metric: 'loss', op, value: 1 }] })),
      {
        where: [
          { metric: '__proto__', op: '>', value: -1 },
          { metric: 'loss', op: '<', value: 1e6 },
        ],
        orderBy: { metric: '__proto__' },
      },
      { where: [{ metric: 'nobody logged this', op: '<', value: 1e300 }] },
      ...(['<', '<=', '=', '>=', '>'] as const).flatMap((op) => [
        { where: [{ figure: 'executions', op, value: 2 } as const] },
        { where: [{ figure: 'totalCostUsd', op, value: 0.001 } as const], orderBy: 'totalCostUsd' as const },
      ]),
      { where: [{ figure: 'startedAt', op: '<', value: now - day }] },
      { where: [{ figure: 'durationMs', op: '>=', value: 0 }], order: 'asc' },
      {
        where: [
          { figure: 'failures', op: '=', value: 0 },
          { figure: 'totalTokens', op: '>', value: 0 },
          { metric: 'loss', op: '<', value: 1e6 },
        ],
      },
    ];
    await forAny(async (reader, events) => {
      for (const filter of filters) {
        expectSame((await reader.listRuns(filter)).runs, listRuns(events, filter));
      }
    });
  });

  test('getRun()', async () => {
    await forAny(async (reader, events) => {
      for (const runId of runIds) {
        expectSame(await reader.getRun(runId), runDetails(events, runId));
      }
    });
  });

  test('getRunMetrics()', async () => {
    await forAny(async (reader, events) => {
      for (const runId of runIds) {
        expectSame(await reader.getRunMetrics(runId), runMetrics(events, runId));
        expectSame(await reader.getRunMetrics(runId, { limit: 2 }), runMetrics(events, runId, { limit: 2 }));
        for (const name of metricNames) {
          const options = { name, limit: 1 };
          expectSame(await reader.getRunMetrics(runId, { name }), runMetrics(events, runId, { name }));
          expectSame(await reader.getRunMetrics(runId, options), runMetrics(events, runId, options));
        }
      }
    });
  });
});

test('the last values of metrics are those of all that was logged, in whatever order it comes and whatever goes', async () => {
  const several = fc.array(metricEvents, { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(several, several, fc.func(fc.boolean()), async (first, then, goes) => {
      const store = await createStore();
      try {
        store.write([...runIds.map((runId) => run({ runId })), ...first, ...first]);
        const remove = store.db.prepare('DELETE FROM metrics_events WHERE id = ?');
        for (const { id } of first.filter((event) => goes(event))) {
          remove.run(Buffer.from(id.replaceAll('-', ''), 'hex'));
        }
        store.write([...then, ...then]);
        const all = [...first, ...then];
        for (const runId of runIds) {
          const expected = lastValues(all.filter((event) => event.runId === runId));
          expectSame((await store.reader.getRun(runId))?.metrics, expected);
        }
        const values = new Set(all.flatMap((event) => (event.runId === undefined ? [] : runKeys(event))));
        expect(store.db.prepare('SELECT count(*) FROM run_metrics').pluck().get()).toBe(values.size);
      } finally {
        store.close();
      }
    }),
    { numRuns: numRuns * 2 },
  );
});

const runKeys = ({ runId, values }: { runId?: string | undefined; values: object }): string[] =>
  Object.keys(values).map((name) => JSON.stringify([runId, name]));

describe('a run', () => {
  test('through threads is what was written, and its records inherit nothing', async () => {
    const backend = await open({ path: join(testFolder(), 'analytics.db') });
    const runId = '__proto__';
    const parent = execution({ runId, at: 100, kind: 'agent', name: 'plan', latencyMs: 30 });
    await backend.write([
      run({ runId, at: 50, name: 'nightly', project: 'p', tags: ['a', 'b'], config: { model: { name: 'large' } } }),
      parent,
      execution({ runId, at: 90, kind: 'tool', name: 'search', parentId: parent.id, success: false, latencyMs: 10 }),
      metrics({ runId, at: 110, step: 2, values: JSON.parse('{"__proto__": 0.5, "constructor": 2}') }),
      metrics({ runId, at: 120, step: 1, values: { constructor: 9 } }),
      artifact({ runId, at: 130, name: 'report', bytes: Buffer.from('é') }),
      run({ runId, at: 150, state: 'failed', summary: { best: 1 } }),
    ]);
    const details = await backend.reader.getRun(runId);
    expect(details).toEqual({
      runId,
      state: 'failed',
      name: 'nightly',
      project: 'p',
      tags: ['a', 'b'],
      startedAt: 50,
      finishedAt: 150,
      durationMs: 100,
      executions: 2,
      successes: 1,
      failures: 1,
      successRate: 0.5,
      totalTokens: 0,
      totalCostUsd: null,
      metrics: JSON.parse('{"__proto__": 0.5, "constructor": 2}'),
      config: { model: { name: 'large' } },
      summary: { best: 1 },
      latencyMs: { average: 20, min: 10, max: 30, p50: expect.closeTo(10, 0), p95: 30, p99: 30 },
      maxDepth: 2,
      operations: [
        {
          kind: 'agent',
          name: 'plan',
          executions: 1,
          successes: 1,
          failures: 0,
          successRate: 1,
          averageLatencyMs: 30,
          pricedExecutions: 0,
          totalCostUsd: null,
          averageCostUsd: null,
          totalTokens: 0,
        },
        {
          kind: 'tool',
          name: 'search',
          executions: 1,
          successes: 0,
          failures: 1,
          successRate: 0,
          averageLatencyMs: 10,
          pricedExecutions: 0,
          totalCostUsd: null,
          averageCostUsd: null,
          totalTokens: 0,
        },
      ],
      artifacts: [{ name: 'report', kind: 'report', path: null, bytes: 2, at: 130 }],
    });
    const [listed] = (await backend.reader.listRuns()).runs;
    for (const record of [details?.metrics, listed?.metrics]) {
      expect(Object.getPrototypeOf(record)).toBeNull();
      expect(Object.keys(record ?? {})).toEqual(['__proto__', 'constructor']);
    }
  });

  test('that nobody recorded is undefined, and has no metrics', async () => {
    const { reader, write } = await storeOfTest();
    write([execution({ name: 'a name that is no run' }), metrics({ runId: 'metrics alone' })]);
    for (const runId of ['nobody', 'a name that is no run', 'metrics alone', ...hostileTexts]) {
      expect(await reader.getRun(runId)).toBeUndefined();
    }
    expect(await reader.getRunMetrics('nobody')).toEqual([]);
    expect(await reader.listRuns()).toEqual({ runs: [] });
  });

  test('keeps what its executions came to when they are deleted one by one', async () => {
    const { reader, write, db } = await storeOfTest();
    const cost = { nanoUsd: 5e8, source: 'provider' as const };
    write([run(), execution({ runId: 'run-1', cost }), execution({ runId: 'unnamed', success: false, weight: 3 })]);
    const before = await reader.listRuns();
    expect(before.runs.map(({ executions }) => executions).sort()).toEqual([1, 3]);
    db.exec('DELETE FROM execution_events');
    expect(await reader.listRuns()).toEqual(before);
    const details = await reader.getRun('run-1');
    expect(details).toMatchObject({ executions: 1, totalCostUsd: 0.5, operations: [], maxDepth: 0 });
    expect(details?.latencyMs.average).toBeNull();
  });

  test('finds what was recorded under an id that core cleans', async () => {
    const backend = await open({ path: join(testFolder(), 'analytics.db') });
    const analytics = createAnalytics({ backends: [backend] });
    const long = `a\tb${'🧶'.repeat(200)}`;
    const started = analytics.startRun({ id: long, project: long, name: long, tags: [long] });
    started.logMetrics({ [long]: 1 });
    await analytics.flush();
    expect(started.id).not.toBe(long);
    for (const runId of [started.id, long]) {
      expect(await backend.reader.getRun(runId)).toMatchObject({ runId: started.id });
      expect(await backend.reader.getRunMetrics(runId, { name: long })).toHaveLength(1);
    }
    const where = [{ metric: long, op: '=', value: 1 }] as const;
    const filter = { project: long, name: long, tag: long, where, orderBy: { metric: long } };
    expect((await backend.reader.listRuns(filter)).runs).toHaveLength(1);
  });
});

test('depth is found on ways of any length, and round circles', () => {
  const chain = new Map(Array.from({ length: 100_000 }, (_, at) => [`${at}`, at === 0 ? undefined : `${at - 1}`]));
  expect(deepest(chain)).toBe(100_000);
  expect(deepest(new Map([...chain].reverse()))).toBe(100_000);
  expect(deepest(chain.set('0', '99999'))).toBe(100_000);
  expect(deepest(new Map([['a', 'a']]))).toBe(1);
  expect(deepest(new Map([['a', 'elsewhere']]))).toBe(1);
  expect(deepest(new Map())).toBe(0);
  const parents = fc.array(fc.option(fc.nat({ max: 12 }), { nil: undefined }), { maxLength: 10 });
  fc.assert(
    fc.property(parents, (list) => {
      const map = new Map(list.map((parent, at) => [`${at}`, parent === undefined ? undefined : `${parent}`]));
      const depths = [...map.keys()].map((start) => {
        const passed = new Set<string>();
        for (let at: string | undefined = start; at !== undefined && map.has(at) && !passed.has(at); at = map.get(at)) {
          passed.add(at);
        }
        return passed.size;
      });
      expect(deepest(map)).toBe(Math.max(0, ...depths));
    }),
  );
});

test('a list of runs reads neither executions nor all that was logged', async () => {
  const { reader, write, statementsOf } = await storeOfTest();
  write([run(), execution({ runId: 'run-1' }), metrics({ runId: 'run-1' })]);
  const where = [{ metric: 'loss', op: '<', value: 1 }] as const;
  const statements = await statementsOf(async () => {
    for (const orderBy of orders) {
      await reader.listRuns({ orderBy, where, state: 'started' });
    }
  });
  const tables = new Set(statements.flatMap((statement) => statement.match(/\b\w+_(events|rollups|metrics)\b/g) ?? []));
  expect([...tables].sort()).toEqual(['run_events', 'run_metrics', 'run_rollups']);
});

describe('pages', () => {
  test('stay the same when newer runs arrive in between', async () => {
    const { reader, write } = await storeOfTest();
    write(Array.from({ length: 6 }, (_, at) => run({ runId: `${at}`, at: 1000 + (at >> 1) })));
    const first = await reader.listRuns({ limit: 3 });
    write([run({ runId: 'new', at: 5000 })]);
    const second = await reader.listRuns({ limit: 3 }, first.nextCursor);
    expect([...first.runs, ...second.runs].map(({ runId }) => runId)).toEqual(['4', '5', '2', '3', '0', '1']);
    expect(second).not.toHaveProperty('nextCursor');
  });

  test('go on only from a cursor of the same question', async () => {
    const { reader, write } = await storeOfTest();
    write(Array.from({ length: 5 }, (_, at) => run({ runId: `${at}`, project: 'p' })));
    const asked: RunFilter = { project: 'p', orderBy: { metric: 'loss' }, limit: 2 };
    const { nextCursor } = await reader.listRuns(asked);
    expect((await reader.listRuns({ ...asked, limit: 1 }, nextCursor)).runs).toHaveLength(1);
    const others: RunFilter[] = [
      { ...asked, project: 'q' },
      { ...asked, orderBy: { metric: 'Loss' } },
      { ...asked, orderBy: 'executions' },
      { ...asked, order: 'asc' },
      { ...asked, where: [{ metric: 'loss', op: '<', value: 1 }] },
    ];
    for (const other of others) {
      await expect(reader.listRuns(other, nextCursor)).rejects.toMatchObject({ problems: [{ field: 'cursor' }] });
    }
    for (const cursor of ['', 'x', 'bnVsbA', btoa('[1]'), `${nextCursor}x`.slice(1), 5 as never]) {
      await expect(reader.listRuns(asked, cursor)).rejects.toMatchObject({ problems: [{ field: 'cursor' }] });
    }
  });
});

test('texts that are SQL, patterns or JSON are only ever themselves', async () => {
  const { reader, write, db } = await storeOfTest();
  const tables = db.prepare('SELECT name, sql FROM sqlite_schema').all();
  write(
    hostileTexts.flatMap((text) => [
      run({ runId: text, name: text, project: text, tags: [text] }),
      metrics({ runId: text, values: Object.fromEntries([[text, 1]]) }),
      execution({ runId: text }),
    ]),
  );
  for (const text of hostileTexts) {
    const filters: RunFilter[] = [
      { name: text },
      { project: text },
      { tag: text },
      { where: [{ metric: text, op: '=', value: 1 }] },
      { name: text, orderBy: { metric: text }, order: 'asc' },
    ];
    for (const filter of filters) {
      expect((await reader.listRuns(filter)).runs.map(({ runId }) => runId)).toEqual([text]);
    }
    expect(await reader.getRun(text)).toMatchObject({ runId: text, name: text, tags: [text], executions: 1 });
    expect(await reader.getRunMetrics(text, { name: text })).toMatchObject([{ name: text, value: 1 }]);
    expect(await reader.listRuns({ project: `?${text}` })).toEqual({ runs: [] });
  }
  expect((await reader.listRuns()).runs).toHaveLength(hostileTexts.length);
  expect(db.prepare('SELECT name, sql FROM sqlite_schema').all()).toEqual(tables);
});

test('a failure is one beside successes that a sample of seven in ten has kept, told and asked for', async () => {
  const { reader, write } = await storeOfTest();
  const call = { kind: 'tool', runId: 'r', at: now } as const;
  write([
    ...Array.from({ length: 5 }, () => execution({ ...call, weight: 1 / 0.7 })),
    execution({ ...call, success: false }),
  ]);
  const { runs } = await reader.listRuns({ where: [{ figure: 'failures', op: '>=', value: 1 }] });
  expect(runs.map(({ failures }) => failures)).toEqual([1]);
  expect((await reader.summary()).failures).toBe(1);
  expect((await reader.getToolkitMetrics()).tool_invocations.failed_calls).toBe(1);
});

test.each([1 / 0.3, 2.5, 1])(
  'a run costs what it is said to cost, when asked for, too: %d executions each',
  async (weight) => {
    const { reader, write } = await storeOfTest();
    const cost = { nanoUsd: 1_234_567, source: 'provider' as const };
    write(Array.from({ length: 3 }, () => execution({ runId: 'r', cost, weight })));
    const { totalCostUsd } = (await reader.getRun('r')) ?? {};
    for (const value of [totalCostUsd ?? 0, (totalCostUsd ?? 0) * (1 + 2 ** -52)]) {
      const found = (['<', '<=', '=', '>=', '>'] as const).map(async (op) => {
        const { runs } = await reader.listRuns({ where: [{ figure: 'totalCostUsd', op, value }] });
        return [op, runs.length];
      });
      expect(Object.fromEntries(await Promise.all(found))).toEqual({ '<': 0, '<=': 1, '=': 1, '>=': 1, '>': 0 });
    }
  },
);

test('what a run logs goes with it: erased with its user, and pruned with its time', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const at = Date.now() - 40 * 86_400_000;
  await backend.write([
    run({ runId: 'old', at }),
    metrics({ runId: 'old', at, values: { loss: 1 } }),
    run({ runId: 'shared' }),
    metrics({ runId: 'shared', step: 1, values: { loss: 3 } }),
    metrics({ runId: 'shared', step: 2, userId: 'ada', values: { loss: 2, secret: 7 } }),
  ]);
  const values = (): unknown => query(path, 'SELECT name, value FROM run_metrics ORDER BY value');
  expect(values()).toEqual([
    { name: 'loss', value: 1 },
    { name: 'loss', value: 2 },
    { name: 'secret', value: 7 },
  ]);
  await backend.store.erase({ userId: 'ada' });
  expect((await backend.reader.getRun('shared'))?.metrics).toEqual({ loss: 3 });
  await backend.store.prune({ retentionDays: 30 });
  expect(values()).toEqual([{ name: 'loss', value: 3 }]);
});

test('a file that another connection writes to has the last values, too', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([run(), metrics({ runId: 'run-1', values: { loss: 3 } })]);
  const db = new Database(path);
  db.exec(`
    INSERT INTO metrics_events (id, at, run, metrics)
    SELECT randomblob(16), at + 1, run, '{"loss": 2}' FROM metrics_events`);
  db.close();
  expect((await backend.reader.getRun('run-1'))?.metrics).toEqual({ loss: 2 });
});

describe('wrong options are refused, all at once', () => {
  const hidden = { figure: 'run; DROP TABLE x', op: '=', value: 1 };
  const wrong: [string, (reader: AnalyticsReader) => Promise<unknown>, string[]][] = [
    [
      'listRuns',
      (it) =>
        it.listRuns(
          {
            from: 2,
            to: 1,
            project: '',
            name: 1 as never,
            state: 'running' as never,
            tag: [] as never,
            where: [{ metric: '', op: '!=' as never, value: '1' as never }, undefined as never, hidden as never],
            orderBy: 'run; DROP TABLE x' as never,
            order: 'up' as never,
            limit: 0,
          },
          'next',
        ),
      [
        'from',
        'project',
        'name',
        'state',
        'tag',
        'where[0].op',
        'where[0].value',
        'where[0].metric',
        'where[1].op',
        'where[1].value',
        'where[1].metric',
        'where[2].figure',
        'orderBy',
        'order',
        'limit',
        'cursor',
      ],
    ],
    [
      'listRuns',
      (it) => it.listRuns({ where: 'loss < 1' as never, orderBy: {} as never }),
      ['where', 'orderBy.metric'],
    ],
    [
      'listRuns',
      (it) => it.listRuns({ where: [{ metric: 'f1', figure: 'totalCostUsd', op: '>', value: 1 } as never] }),
      ['where[0].figure'],
    ],
    ['listRuns', (it) => it.listRuns({ where: new Array(101).fill({ metric: 'm', op: '<', value: 1 }) }), ['where']],
    [
      'listRuns',
      (it) => it.listRuns({ where: null as never, orderBy: null as never, order: null as never }),
      ['where', 'orderBy', 'order'],
    ],
    ['getRun', (it) => it.getRun(''), ['runId']],
    ['getRun', (it) => it.getRun(undefined as never), ['runId']],
    ['getRunMetrics', (it) => it.getRunMetrics(5 as never, { name: '', limit: 100_001 }), ['runId', 'name', 'limit']],
  ];
  test.each(wrong)('%s', async (_method, ask, fields) => {
    const { reader } = await storeOfTest();
    const error = await ask(reader).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    expect(error.problems.map(({ field }: { field: string }) => field).sort()).toEqual(fields.toSorted());
  });
});
