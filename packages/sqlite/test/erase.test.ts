import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { erase } from '../src/store/erase.ts';
import { metricEvents } from './support/arbitrary-runs.ts';
import { eventTables, everyType } from './support/every-type.ts';
import { testFolder } from './support/folder.ts';
import { createStore, storeOfTest } from './support/in-process.ts';
import { open } from './support/open.ts';
import { lastValues } from './support/oracle-runs.ts';
import { query, storedEvents, value } from './support/rows.ts';

const ada = 'ada.lovelace@example.org';
const nothing = {
  executions: 0,
  ratings: 0,
  healthScores: 0,
  toolkitEvents: 0,
  metrics: 0,
  artifacts: 0,
  runEvents: 0,
  runTotals: 0,
  recommendations: 0,
};

/** Whether a text is anywhere in the database, whatever SQLite thinks is in use. */
function holds(path: string, text: string): boolean {
  return ['', '-wal'].some((suffix) => readFileSync(`${path}${suffix}`).includes(text));
}

/** Of many users and in no order, so that pages are split and moved. */
function crowd(count: number, age = 0): AnalyticsEvent[] {
  return Array.from({ length: count }, (_, at) =>
    execution({
      at: Date.now() - age,
      userId: at % 7 === 0 ? ada : `user-${(at * 7919) % 997}@example.org`,
      runId: `run-${(at * 104_729) % 2_003}`,
      attributes: at % 7 === 0 ? { mail: ada, at } : { at },
    }),
  );
}

function recommend(path: string, userId: string): void {
  const db = new Database(path);
  const user = db.prepare('SELECT id FROM dictionary WHERE text = ?').pluck().get(userId);
  db.prepare(
    "INSERT INTO recommendations (id, user, subject, type, score, reason, at) VALUES (randomblob(16), ?, 1, 'popular', 1, 'often used', 0)",
  ).run(user);
  db.close();
}

test('everything of a user goes from every table, and nothing of anybody else', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const others = everyType({ userId: 'bob', orgId: 'org-1', runId: 'run-1' });
  await backend.write([...everyType({ userId: ada, orgId: 'org-1', runId: 'run-2' }), ...others, execution()]);
  recommend(path, ada);
  recommend(path, 'bob');
  const before = storedEvents(path);
  const each = { ...nothing, executions: 1, ratings: 1, healthScores: 1, toolkitEvents: 1, metrics: 1, artifacts: 1 };
  const rows = { ...each, runEvents: 1, runTotals: 1, recommendations: 1 };

  expect(await backend.store.erase({ userId: ada, dryRun: true })).toEqual({
    dryRun: true,
    rows,
    nameKept: false,
    purged: null,
  });
  expect(storedEvents(path)).toEqual(before);

  expect(await backend.store.erase({ userId: ada })).toEqual({ dryRun: false, rows, nameKept: false, purged: true });
  expect(storedEvents(path)).toEqual(before.filter(({ userId }) => userId !== ada));
  for (const table of [...eventTables, 'run_rollups', 'recommendations']) {
    const users = query(path, `SELECT DISTINCT d.text FROM ${table} t JOIN dictionary d ON d.id = t.user`);
    expect(users, table).toEqual([{ text: 'bob' }]);
  }
  // The roll-ups, which name nobody, count on.
  expect((await backend.store.statistics()).rollups).toMatchObject({ daily: 0, waiting: 1 });
  await backend.reader.listExecutions();
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 86400000 AND org = 0')).toBe(3);
  expect(await backend.store.erase({ userId: ada })).toEqual({
    dryRun: false,
    rows: nothing,
    nameKept: false,
    purged: true,
  });
});

test('not a byte of it stays in the file or its log, however often its pages were split and moved', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const secret = 'what ada alone has written';
  for (let round = 0; round < 4; round += 1) {
    await backend.write(crowd(2_500, 2 * 86_400_000));
    await backend.write(crowd(2_500));
    await backend.write([rating({ userId: ada, comment: secret })]);
  }
  // Deleted rows leave pages behind that nothing has used since.
  await backend.store.prune({ retentionDays: 1 });
  expect(holds(path, ada)).toBe(true);
  expect(holds(path, secret)).toBe(true);
  expect(await backend.store.erase({ userId: ada })).toMatchObject({ purged: true, nameKept: false });
  expect(holds(path, ada)).toBe(false);
  expect(holds(path, secret)).toBe(false);
  // Others are still there, byte by byte.
  expect(holds(path, 'user-1@example.org')).toBe(true);
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
});

test('an id that also names something else stays for that', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([execution({ userId: ada, orgId: 'org-1' }), execution({ userId: 'bob', orgId: ada })]);
  expect(await backend.store.erase({ userId: ada })).toMatchObject({
    rows: { executions: 1 },
    nameKept: true,
  });
  expect(query(path, 'SELECT user_id, org_id FROM executions')).toEqual([{ user_id: 'bob', org_id: ada }]);
});

test('what an id names besides is told as before, and of the user nothing is', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  const error = { type: ada };
  const named = { orgId: ada, model: ada, runId: ada, toolkit: ada, version: ada };
  const mine = { kind: 'skill', name: 'parse' } as const;
  await backend.write([
    execution({ ...mine, userId: ada, orgId: ada }),
    execution({ ...mine, ...named, userId: 'bob' }),
    execution({ ...mine, ...named, userId: 'bob', success: false, error }),
    execution({ kind: 'skill', name: 'sum', userId: 'bob' }),
    metrics({ runId: ada, values: { f1: 0.5 } }),
    run({ runId: ada }),
  ]);
  const { reader } = backend;
  const told = async (): Promise<unknown> => [
    await reader.getCosts({ by: 'organisation' }),
    await reader.getTrend({ orgId: ada, days: 1 }),
    await reader.compareModels(),
    await reader.getErrors(),
    await reader.getRun(ada),
    await reader.getRunMetrics(ada),
    (await reader.listRuns({ where: [{ metric: 'f1', op: '=', value: 0.5 }] })).runs,
    (await reader.listExecutions({ ...named, userId: 'bob' })).executions,
  ];
  const before = await told();
  expect((await reader.getRecommendations(ada)).map(({ skillId, type }) => [skillId, type])).toEqual([
    ['sum', 'collaborative'],
  ]);

  await backend.store.erase({ userId: ada });
  expect(await told()).toEqual(before);
  expect((await reader.getRecommendations(ada)).map(({ skillId, type }) => [skillId, type])).toEqual([
    ['parse', 'trending'],
    ['sum', 'trending'],
  ]);
  expect(await backend.store.checkIntegrity()).toMatchObject({ ok: true });
});

test('an id that only what goes has as something else goes, and a dry run says so', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const own = { userId: ada, runId: ada };
  await backend.write([execution({ ...own, version: ada }), metrics({ ...own, values: { f1: 1 } }), run(own)]);
  await backend.reader.summary();
  const { purged: _, dryRun: __, ...foretold } = await backend.store.erase({ userId: ada, dryRun: true });
  expect(foretold.nameKept).toBe(false);
  expect(await backend.store.erase({ userId: ada })).toEqual({ ...foretold, dryRun: false, purged: true });
  expect(holds(path, ada)).toBe(false);
});

// The ends of these ids are the same, or follow each other: the last one of all is followed by the first.
test.each([
  ['gaps between them', [`ffff ${ada}`, 'fffe bob', `ffff ${ada}`, 'fffe bob', `0000 ${ada}`, 'ffff bob']],
  ['a gap that closing another one leaves', [`fffe ${ada}`, 'fffe bob', 'ffff bob']],
])('what others did is not counted again when it is delivered again: %s', async (_, rows) => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  const at = Date.UTC(2026, 0, 2);
  const alike = rows.map((row, place) => {
    const [end, userId] = row.split(' ');
    return execution({ at, userId, id: `00000000-0000-8000-8000-0000${place}1ff${end}` });
  });
  const others = alike.filter(({ userId }) => userId !== ada);
  await backend.write(alike);
  expect(await backend.store.erase({ userId: ada })).toMatchObject({
    rows: { executions: alike.length - others.length },
  });
  await backend.write(others);
  const { executions } = await backend.reader.listExecutions();
  expect(executions.map(({ id }) => id).toSorted()).toEqual(others.map(({ id }) => id).toSorted());
});

test.each<[userId: string, AnalyticsEvent[]]>([
  [ada, everyType({ runId: ada })],
  [ada, everyType({ orgId: ada })],
  [ada, [execution({ error: { type: ada } }), toolkit({ error: { type: ada } })]],
  [ada, [execution({ toolkit: ada }), toolkit({ toolkit: ada })]],
  [ada, [execution({ version: ada }), execution({ model: ada }), execution({ provider: ada })]],
  ['create', [toolkit({ operation: 'create' })]],
  ['computed', [execution({ cost: { nanoUsd: 1, source: 'computed' } })]],
])('an id that is a word of a single event of others stays for that: %s, %#', async (userId, words) => {
  for (const word of words) {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    await backend.write([rating({ userId }), word]);
    const before = storedEvents(path);
    expect(await backend.store.erase({ userId, dryRun: true }), word.type).toMatchObject({ nameKept: true });
    expect(await backend.store.erase({ userId }), word.type).toMatchObject({ nameKept: true });
    expect(storedEvents(path)).toEqual(before.filter(({ id }) => id === word.id));
  }
});

test('an id that is the type of an error in roll-ups alone stays for that, and so does an organisation in totals of runs', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const old = { at: Date.now() - 50 * 86_400_000, success: false };
  await backend.write([
    execution({ ...old, userId: 'bob', error: { type: ada } }),
    execution({ ...old, runId: 'long', orgId: 'acme' }),
    rating({ userId: ada }),
    rating({ userId: 'acme' }),
    run({ runId: 'long' }),
  ]);
  await backend.reader.listExecutions();
  await backend.store.prune({ retentionDays: 10 });
  for (const userId of [ada, 'acme']) {
    expect(await backend.store.erase({ userId })).toMatchObject({ rows: { ratings: 1 }, nameKept: true });
  }
  expect((await backend.reader.getErrors()).groups.map(({ errorType }) => errorType)).toContain(ada);
  expect(query(path, 'SELECT d.text FROM run_rollups r JOIN dictionary d ON d.id = r.org')).toEqual([{ text: 'acme' }]);
});

test('an id that is also the name of a skill is said to stay for that', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([execution({ userId: ada }), execution({ name: ada })]);
  expect(await backend.store.erase({ userId: ada, dryRun: true })).toMatchObject({ nameKept: true });
  expect(await backend.store.erase({ userId: ada })).toMatchObject({ rows: { executions: 1 }, nameKept: true });
  expect(value(path, 'SELECT count(*) FROM dictionary WHERE text = ?', ada)).toBe(0);
  expect(query(path, `SELECT user_id FROM executions WHERE name = '${ada}'`)).toEqual([{ user_id: null }]);
});

test.each(['bob', 'cem', 'dan'])(
  'an id that only the log of roll-ups has as something else stays, too: %s',
  async (userId) => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const own = { userId: ada, kind: 'llm', success: false } as const;
    await backend.write([
      execution({ ...own, orgId: 'ada', model: 'm', error: { type: 'TimeoutError' } }),
      execution({ ...own, userId: 'bob', orgId: 'acme', model: 'bob', error: { type: 'TypeError' } }),
      execution({ ...own, userId: 'cem', orgId: 'acme', model: 'm', error: { type: 'cem' } }),
      execution({ ...own, userId: 'dan', orgId: 'dan', model: 'm', error: { type: 'TypeError' } }),
    ]);
    expect(await backend.store.erase({ userId, dryRun: true })).toMatchObject({ nameKept: true });
    expect(value(path, 'SELECT count(*) FROM rollup_log')).toBe(1);
    expect(await backend.store.erase({ userId })).toMatchObject({ nameKept: true });
    const { entries } = await backend.reader.getCosts({ by: 'organisation' });
    expect(entries.map(({ name }) => name).sort()).toEqual(['acme', 'ada', 'dan']);
    expect((await backend.reader.compareModels()).map(({ model }) => model)).toEqual(['m', 'bob']);
    const { groups } = await backend.reader.getErrors();
    expect(groups.map(({ errorType }) => errorType).sort()).toEqual(['TimeoutError', 'TypeError', 'cem']);
  },
);

test('a run that others had part in keeps its totals, without the name of the user', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const cost = { nanoUsd: 10, source: 'override' } as const;
  await backend.write([
    ...Array.from({ length: 100 }, () => execution({ runId: 'nightly', userId: 'bob', cost })),
    execution({ runId: 'nightly', userId: ada, cost }),
    execution({ runId: 'own', userId: ada, cost }),
    execution({ runId: 'nameless', cost }),
    execution({ runId: 'nameless', userId: ada, cost }),
  ]);
  const dry = await backend.store.erase({ userId: ada, dryRun: true });
  const report = await backend.store.erase({ userId: ada });
  expect(report.rows).toEqual({ ...nothing, executions: 3, runTotals: 1 });
  expect(dry.rows).toEqual(report.rows);
  const { runs } = await backend.reader.listRuns({ orderBy: 'executions' });
  expect(runs.map(({ runId, executions, totalCostUsd }) => [runId, executions, totalCostUsd])).toEqual([
    ['nightly', 101, 1.01e-6],
    ['nameless', 2, 2e-8],
  ]);
  const users = 'SELECT d.text AS user FROM run_rollups r LEFT JOIN dictionary d ON d.id = r.user ORDER BY user';
  expect(query(path, users)).toEqual([{ user: null }, { user: 'bob' }]);
});

test.each([
  ['bob', ada],
  [ada, 'bob'],
])('the totals of a run go with the last of its users: %s, then %s', async (first, last) => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write([execution({ runId: 'both', userId: ada }), execution({ runId: 'both', userId: 'bob' })]);
  expect((await backend.store.erase({ userId: first })).rows.runTotals).toBe(0);
  expect((await backend.store.erase({ userId: last, dryRun: true })).rows.runTotals).toBe(1);
  expect((await backend.store.erase({ userId: last })).rows.runTotals).toBe(1);
  expect((await backend.reader.listRuns()).runs).toEqual([]);
});

const lastMetrics = `
  SELECT r.text AS run, name, value, u.text AS user
  FROM run_metrics m JOIN dictionary r ON r.id = m.run LEFT JOIN dictionary u ON u.id = m.user ORDER BY 1, 2`;

test('what a user logged last in a run goes, and the last one of others takes its place', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(metricEvents, fc.constantFrom('ada', 'bob', undefined)), { maxLength: 40 }),
      fc.nat(),
      async (logged, cut) => {
        const { db, write, close } = await createStore();
        try {
          const events = logged.map(([event, userId]) => ({ ...event, ...(userId !== undefined && { userId }) }));
          const place = cut % (events.length + 1);
          write([rating({ userId: 'ada' }), ...events.slice(0, place)]);
          // The rest comes when it has looked, and before it has the lock.
          const exec = db.exec.bind(db);
          vi.spyOn(db, 'exec').mockImplementationOnce((sql) => {
            expect(sql).toBe('BEGIN IMMEDIATE');
            write(events.slice(place));
            return exec(sql);
          });
          erase(db, { path: ':memory:', busyTimeoutMs: 0, synchronous: 'normal' }, 'ada');
          const left = events.filter(({ userId }) => userId !== 'ada');
          const runs = Map.groupBy(left, ({ runId }) => runId);
          runs.delete(undefined);
          const expected = [...runs].flatMap(([run, some]) =>
            Object.entries(lastValues(some)).map(([name, value]) => JSON.stringify([run, name, value])),
          );
          const found = db.prepare(lastMetrics).all() as { run: string; name: string; value: number; user: string }[];
          expect(found.map(({ run, name, value }) => JSON.stringify([run, name, value])).sort()).toEqual(
            expected.sort(),
          );
          expect(new Set(found.map(({ user }) => user ?? 'bob'))).toEqual(new Set(found.length === 0 ? [] : ['bob']));
        } finally {
          close();
        }
      },
    ),
    { numRuns: 100 },
  );
});

test.each([{ b: 9 }, { a: 9, b: 9 }])(
  'of events of others at the same step and time, the later one counts: %o',
  async (values) => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const same = { runId: 'shared', step: 1, at: Date.now() };
    await backend.write([
      metrics({ ...same, values: { a: 1, b: 1 } }),
      metrics({ ...same, values: { a: 2 } }),
      metrics({ ...same, step: 2, userId: ada, values }),
    ]);
    await backend.store.erase({ userId: ada });
    expect(query(path, lastMetrics)).toMatchObject([
      { name: 'a', value: 2 },
      { name: 'b', value: 1 },
    ]);
  },
);

test('nobody waits while it looks for what takes the place of last metrics', async () => {
  const { db, write, statementsOf } = await storeOfTest();
  write([
    metrics({ runId: 'shared', userId: 'bob', values: { loss: 1, once: 2 } }),
    ...Array.from({ length: 10 }, (_, step) => metrics({ runId: 'shared', userId: ada, step, values: { once: step } })),
  ]);
  const statements = await statementsOf(async () => {
    erase(db, { path: ':memory:', busyTimeoutMs: 0, synchronous: 'normal' }, ada);
  });
  const searches = statements.flatMap((sql, at) => (/FROM metrics_events e, json_each.*ORDER BY/s.test(sql) ? at : []));
  expect(searches).toHaveLength(1);
  expect(searches[0]).toBeLessThan(statements.indexOf('BEGIN IMMEDIATE'));
  expect(db.prepare(lastMetrics).all()).toMatchObject([
    { name: 'loss', value: 1 },
    { name: 'once', value: 2 },
  ]);
});

test('last metrics go with their user when their events have gone before, and only with that user', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const at = Date.now() - 4 * 86_400_000;
  await backend.write([
    execution({ runId: 'long', userId: 'cem' }),
    metrics({ runId: 'long', at, step: 5, userId: ada, values: { loss: 1, secret: 7 } }),
  ]);
  await backend.store.prune({ retentionDays: 1 });
  // SQLite gives the number of the deleted row to the next one.
  await backend.write([metrics({ runId: 'long', step: 1, userId: 'bob', values: { loss: 2, other: 3 } })]);
  expect(value(path, 'SELECT seq FROM metrics_events')).toBe(1);
  const own = [
    { run: 'long', name: 'loss', value: 1, user: ada },
    { run: 'long', name: 'secret', value: 7, user: ada },
  ];
  expect(query(path, lastMetrics)).toEqual([own[0], { run: 'long', name: 'other', value: 3, user: 'bob' }, own[1]]);
  await backend.store.erase({ userId: 'bob' });
  expect(query(path, lastMetrics)).toEqual(own);
  await backend.write([metrics({ runId: 'long', step: 1, userId: 'dan', values: { loss: 4 } })]);
  await backend.store.erase({ userId: ada });
  expect(query(path, lastMetrics)).toEqual([{ run: 'long', name: 'loss', value: 4, user: 'dan' }]);
  expect(holds(path, 'secret')).toBe(false);
});

test('a user who comes back is a new one, for every process that knew the old', async () => {
  const path = join(testFolder(), 'analytics.db');
  const [one, other] = [await open({ path, name: 'one' }), await open({ path, name: 'other' })];
  await one.write([execution({ userId: ada })]);
  await other.write([execution({ userId: ada })]);
  await one.store.erase({ userId: ada });
  await other.write([execution({ userId: ada })]);
  await one.write([execution({ userId: ada }), execution({ userId: 'bob' })]);
  one.writeSync?.([execution({ userId: ada })]);
  expect(query(path, 'SELECT user_id, count(*) AS rows FROM executions GROUP BY user_id ORDER BY 1')).toEqual([
    { user_id: ada, rows: 3 },
    { user_id: 'bob', rows: 1 },
  ]);
  // The old number stands for nobody: the roll-ups still count users by it.
  expect(query(path, 'SELECT text FROM dictionary WHERE id = 1')).toEqual([{ text: '\u0001erased 1' }]);
});

test('what another program is still reading is purged once it has ended', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, busyTimeoutMs: 100 });
  await backend.write(crowd(1_000));
  const reading = new Database(path, { readonly: true });
  onTestFinished(() => void reading.close());
  reading.exec('BEGIN');
  reading.prepare('SELECT count(*) FROM executions').get();
  expect(await backend.store.erase({ userId: ada })).toMatchObject({ rows: { executions: 143 }, purged: false });
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(857);
  expect(holds(path, ada)).toBe(true);
  reading.exec('COMMIT');
  await backend.store.compact();
  expect(holds(path, ada)).toBe(false);
});

test('events are written while it is under way', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(crowd(5_000));
  const erasing = backend.store.erase({ userId: ada });
  await Promise.all([erasing, backend.write([execution({ userId: 'late' }), run({ userId: 'late' })])]);
  expect(value(path, "SELECT count(*) FROM executions WHERE user_id = 'late'")).toBe(1);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(5_000 - 715 + 1);
});

test('works in memory, too', async () => {
  const backend = await open({ path: ':memory:' });
  await backend.write([execution({ userId: ada }), execution({ userId: 'bob' })]);
  expect(await backend.store.erase({ userId: ada, dryRun: true })).toMatchObject({ rows: { executions: 1 } });
  expect(await backend.store.erase({ userId: ada })).toMatchObject({ rows: { executions: 1 }, purged: true });
  expect((await backend.store.statistics()).rows.executions).toBe(1);
});

test.each([[undefined], [{}], [{ userId: '' }], [{ userId: 5 }], [{ userId: ada, dryRun: 'yes' }]])(
  'refuses %j',
  async (options) => {
    const backend = await open({ path: ':memory:' });
    await expect(backend.store.erase(options as never)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  },
);
