import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { AnalyticsError } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { artifact, execution, health, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { keptTables } from '../src/store/kept.ts';
import { limitsPlan } from '../src/store/retention.ts';
import { eventTables, everyType } from './support/every-type.ts';
import { testFolder } from './support/folder.ts';
import { storeOfTest } from './support/in-process.ts';
import { open } from './support/open.ts';
import { query, value } from './support/rows.ts';

const day = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

const counts = (path: string): unknown[] => eventTables.map((table) => value(path, `SELECT count(*) FROM ${table}`));

test('deletes what is older than the days given, when opened, in all tables', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  const ages = [400 * day, 31 * day, 30 * day + 60_000, 30 * day - 60_000, 0];
  await first.write(ages.flatMap((age) => everyType({ at: Date.now() - age, runId: `run-${age}` })));
  expect(counts(path)).toEqual(eventTables.map(() => 5));
  await open({ path, retentionDays: 30 });
  await vi.waitFor(() => expect(counts(path)).toEqual(eventTables.map(() => 2)), { timeout: 120_000 });
});

/** A database with so much that is old that deleting it takes a while. */
async function muchThatIsOld(): Promise<string> {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  await first.write(Array.from({ length: 16_384 }, (_, at) => execution({ at })));
  return path;
}

/** Where the machine holds up one thread and not the other, all is deleted before anybody looks: then it is tried again. */
const attempts = 5;

test('deletes in parts, between which events are written', async () => {
  let seenBetween = 0;
  for (let left = attempts; left > 0 && seenBetween <= 1; left -= 1) {
    const path = await muchThatIsOld();
    const count = (): number => value(path, 'SELECT count(*) FROM executions') as number;
    const backend = await open({ path, retentionDays: 1 });
    await backend.write([execution()]);
    seenBetween = count();
    await backend.write([execution()]);
    await vi.waitFor(() => expect(count()).toBe(2), { timeout: 120_000 });
  }
  expect(seenBetween).toBeGreaterThan(1);
});

test('does not hold up close()', async () => {
  let rest = 0;
  for (let left = attempts; left > 0 && rest === 0; left -= 1) {
    const path = await muchThatIsOld();
    const backend = await sqlite({ path, retentionDays: 1 });
    await backend.close?.();
    rest = value(path, 'SELECT count(*) FROM executions') as number;
  }
  expect(rest).toBeGreaterThan(0);
});

test('goes on every hour', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, retentionDays: 1 });
  await backend.write([execution({ name: 'old' })]);
  await vi.advanceTimersByTimeAsync(day - 3_600_000);
  await backend.write([execution({ name: 'new' })]);
  await vi.advanceTimersByTimeAsync(3_600_000 * 2);
  await backend.check?.(new AbortController().signal);
  expect(query(path, 'SELECT name FROM executions')).toEqual([{ name: 'new' }]);
});

test('is not taken in by a clock that was set forward: it says so, and goes on by the time that has passed', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const notices: AnalyticsError[] = [];
  const backend = await open({ path, retentionDays: 1, onNotice: (notice) => void notices.push(notice) });
  await backend.write([
    execution({ name: 'young' }),
    execution({ name: 'young' }),
    execution({ at: Date.now() - 2 * day }),
  ]);
  vi.setSystemTime(Date.now() + 1000 * day);
  await vi.advanceTimersByTimeAsync(3_600_000);
  await backend.check?.(new AbortController().signal);
  expect(query(path, 'SELECT name FROM executions')).toEqual([{ name: 'young' }, { name: 'young' }]);
  expect(notices).toEqual([
    expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining('the clock was set forward') }),
  ]);
  // Who knows better says so.
  expect(await backend.store.prune()).toMatchObject({ rows: { executions: 2 } });
});

test('follows a clock that was set forward where most executions stay', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const notices: AnalyticsError[] = [];
  const backend = await open({ path, retentionDays: 3, onNotice: (notice) => void notices.push(notice) });
  await backend.write([execution({ name: 'old', at: Date.now() - 2 * day }), execution(), execution()]);
  // As after a night in which the machine slept.
  vi.setSystemTime(Date.now() + 1.5 * day);
  await vi.advanceTimersByTimeAsync(3_600_000);
  await backend.check?.(new AbortController().signal);
  expect(query(path, 'SELECT DISTINCT name FROM executions')).toEqual([{ name: 'summarise' }]);
  expect(notices).toEqual([]);
});

test('keeps more when the clock was set back', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, retentionDays: 1 });
  await backend.write([execution()]);
  vi.setSystemTime(0);
  await vi.advanceTimersByTimeAsync(2 * day);
  await backend.check?.(new AbortController().signal);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});

test('keeps the start of a run that is still reported on', async () => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write([
    run({ runId: 'long', name: 'long', at: Date.now() - 40 * day }),
    run({ runId: 'long', state: 'finished', at: Date.now() - day }),
    run({ runId: 'short', at: Date.now() - 40 * day }),
    run({ runId: 'short', state: 'failed', at: Date.now() - 39 * day }),
  ]);
  const backend = await open({ path, retentionDays: 30 });
  await backend.check?.(new AbortController().signal);
  expect(query(path, 'SELECT run_id, name, state FROM runs')).toEqual([
    { run_id: 'long', name: 'long', state: 'finished' },
  ]);
});

test('keeps the start of a run as long as anything of the run is kept', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const [old, young] = [Date.now() - 40 * day, Date.now() - day];
  await backend.write([
    ...['executed', 'measured', 'over'].map((runId) => run({ runId, name: runId, at: old })),
    execution({ runId: 'executed', at: young }),
    metrics({ runId: 'measured', at: young }),
    execution({ runId: 'over', at: old }),
  ]);
  expect(await backend.store.prune({ retentionDays: 30 })).toMatchObject({
    rows: { executions: 1, metrics: 0, runEvents: 1, runTotals: 1 },
  });
  expect(query(path, 'SELECT run_id, name FROM runs ORDER BY 1')).toEqual([
    { run_id: 'executed', name: 'executed' },
    { run_id: 'measured', name: 'measured' },
  ]);
});

test('a run keeps start and totals as long as anything of it is kept, and then both go', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const [old, young] = [Date.now() - 4 * day, Date.now()];
  const rows = { rating, health, toolkit, metrics, artifact };
  await backend.write([
    ...Object.entries(rows).flatMap(([runId, make]) => [
      run({ runId, name: runId, at: old }),
      ...Array.from({ length: 10 }, () => execution({ runId, at: old })),
      make({ runId, at: young }),
    ]),
    ...Array.from({ length: 10 }, () => execution({ runId: 'finished', at: old })),
    run({ runId: 'finished', name: 'finished', state: 'finished', at: young }),
    ...Array.from({ length: 10 }, () => execution({ runId: 'over', at: old })),
    run({ runId: 'over', at: old }),
    execution({ runId: 'never started', at: old }),
  ]);
  const dry = await backend.store.prune({ retentionDays: 1, dryRun: true });
  const report = await backend.store.prune({ retentionDays: 1 });
  expect(report.rows).toMatchObject({ executions: 71, runEvents: 1, runTotals: 2 });
  expect(dry.rows).toEqual(report.rows);
  const names = [...Object.keys(rows), 'finished'].sort();
  const { runs } = await backend.reader.listRuns();
  expect(runs.map(({ runId, name, executions }) => [runId, name, executions]).sort()).toEqual(
    names.map((name) => [name, name, 10]),
  );
  expect(query(path, 'SELECT run_id, name FROM runs ORDER BY 1')).toEqual(
    names.map((name) => ({ run_id: name, name })),
  );
  expect((await backend.reader.getRun('finished'))?.executions).toBe(10);
});

test('a run keeps its last metrics, too, when all that it logged goes, until it goes itself', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const [old, young] = [Date.now() - 4 * day, Date.now()];
  await backend.write([
    ...['kept', 'over'].map((runId) => run({ runId, at: old })),
    ...['kept', 'over', 'without a start'].flatMap((runId) => [
      metrics({ runId, at: old, step: 1, values: { loss: 2, once: 5 } }),
      metrics({ runId, at: old, step: 2, values: { loss: 1 } }),
    ]),
    execution({ runId: 'kept', at: young }),
  ]);
  expect(await backend.store.prune({ retentionDays: 1 })).toMatchObject({ rows: { metrics: 6, runEvents: 1 } });
  expect(await backend.reader.getRunMetrics('kept')).toEqual([]);
  expect((await backend.reader.getRun('kept'))?.metrics).toEqual({ loss: 1, once: 5 });
  const where = [{ metric: 'once', op: '=', value: 5 }] as const;
  expect((await backend.reader.listRuns({ where })).runs).toHaveLength(1);
  const kept = 'SELECT d.text AS run, name, value FROM run_metrics m JOIN dictionary d ON d.id = m.run ORDER BY 1, 2';
  expect(query(path, kept)).toEqual([
    { run: 'kept', name: 'loss', value: 1 },
    { run: 'kept', name: 'once', value: 5 },
  ]);
  // An event that is added now may get the number of one that is gone.
  await backend.write([metrics({ runId: 'kept', at: old, step: 2, values: { loss: 3 } })]);
  expect((await backend.reader.getRun('kept'))?.metrics).toEqual({ loss: 3, once: 5 });
});

test('a health score stays until a later one replaces it, and so does what says whether a skill is deprecated', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  const score = (at: number, score: number, more: object = {}) =>
    health({ skillId: 'parse', at: now - at * day, score, ...more });
  await backend.write([
    score(90, 1),
    score(80, 2, { deprecated: false }),
    score(70, 3, { deprecated: true, runId: 'long ago' }),
    score(60, 4),
    score(50, 5),
    score(90, 6, { orgId: 'acme', deprecated: true }),
    score(90, 7, { skillId: 'sum' }),
    score(80, 8, { skillId: 'sum', orgId: 'acme' }),
    score(70, 9, { skillId: 'sum', orgId: 'acme', deprecated: false }),
    run({ runId: 'long ago', at: now - 70 * day }),
    execution({ name: 'parse', at: now - 1000 }),
  ]);
  const { reader, store } = backend;
  const skills = async (): Promise<unknown> => [
    await reader.getSkillMetrics('parse'),
    await reader.getSkillMetrics('parse', { orgId: 'acme' }),
    (await reader.listSkillHealth()).map(({ skillId, score }) => [skillId, score]),
    await reader.getRecommendations('ada'),
  ];
  const before = await skills();
  expect(before).toMatchObject([
    { deprecated: true },
    { deprecated: true },
    [
      ['parse', 5],
      ['sum', 9],
    ],
    [],
  ]);
  const dry = await store.prune({ retentionDays: 30, dryRun: true });
  const report = await store.prune({ retentionDays: 30 });
  expect(report).toMatchObject({ rows: { healthScores: 4, runEvents: 1 }, from: now - 90 * day, to: now - 60 * day });
  expect(dry).toEqual({ ...report, dryRun: true, freedBytes: expect.any(Number) });
  const left = query(path, 'SELECT score FROM health_scores ORDER BY score').map(({ score }) => score);
  expect(left).toEqual([3, 5, 6, 7, 9]);
  expect(await skills()).toEqual(before);
  expect(await store.prune({ retentionDays: 30 })).toMatchObject({ rows: { healthScores: 0 }, from: null, to: null });
  await backend.write([score(0, 10, { deprecated: false })]);
  expect(await store.prune({ retentionDays: 30 })).toMatchObject({ rows: { healthScores: 2 } });
});

test('finds what replaces a health score by its organisation, however many there are of others', async () => {
  const { db } = await storeOfTest();
  const found = `SELECT 1 FROM health_events AS kept WHERE ${keptTables.healthScores.ages}`;
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${found}`).all() as { detail: string }[];
  expect(plan.map(({ detail }) => detail)).toContainEqual(
    expect.stringMatching(/^SEARCH later .*INDEX health_events_subject_org_at \(subject=\? AND org=\? AND at>\?\)/),
  );
});

test('finds what is old wherever it is, and reports what went', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  // Old ones that were added after young ones, as by an import, and beyond the first window of a table.
  await backend.write(Array.from({ length: 3_000 }, () => rating({ at: now })));
  await backend.write([rating({ at: now - 9 * day }), rating({ at: now - 7 * day }), execution({ at: now - 8 * day })]);
  const dry = await backend.store.prune({ retentionDays: 5, dryRun: true });
  expect(value(path, 'SELECT count(*) FROM ratings')).toBe(3_002);
  const report = await backend.store.prune({ retentionDays: 5 });
  expect(report).toMatchObject({ dryRun: false, hourlyCells: 0, from: now - 9 * day, to: now - 7 * day });
  expect(report.rows).toMatchObject({ executions: 1, ratings: 2, healthScores: 0 });
  expect(dry).toEqual({ ...report, dryRun: true, freedBytes: expect.any(Number) });
  expect(value(path, 'SELECT count(*) FROM ratings')).toBe(3_000);
  expect(await backend.store.prune({ retentionDays: 5 })).toMatchObject({ freedBytes: 0, from: null, to: null });
});

test('keeps roll-ups when executions go, and says from when on there are executions', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const at = Date.now() - 40 * day;
  await backend.write([execution({ at }), execution({ at: at + 1 }), execution()]);
  // Not added to the cells yet: that must not be lost.
  expect(value(path, 'SELECT count(*) FROM rollup_log')).toBe(1);
  await backend.store.prune({ retentionDays: 30 });
  expect(query(path, 'SELECT * FROM floors')).toEqual([{ name: 'executions', before: at + 2 }]);
  expect((await backend.reader.listExecutions()).executions).toHaveLength(1);
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 3600000 AND org = 0')).toBe(3);
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 86400000 AND org = 0')).toBe(3);
  expect((await backend.store.statistics()).deletedBefore).toEqual({ executions: at + 2, hours: null });
});

test('keeps hourly cells for 90 days, or as long as executions, and daily ones for ever', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const ages = [200, 100, 80, 0];
  const now = Date.now();
  await backend.write(
    ages.flatMap((age) => [undefined, 'org-1'].map((orgId) => execution({ at: now - age * day, orgId }))),
  );
  await backend.reader.listExecutions();
  const cells = (width: number): unknown =>
    value(path, `SELECT count(*) FROM rollups WHERE width = ${width} AND cell IN (SELECT cell FROM rollup_sketches)`);
  // Hours are those of everybody.
  expect(cells(3_600_000)).toBe(4);
  expect(await backend.store.prune({ retentionDays: 150 })).toMatchObject({ rows: { executions: 2 }, hourlyCells: 1 });
  const dry = await backend.store.prune({ retentionDays: 30, dryRun: true });
  const report = await backend.store.prune({ retentionDays: 30 });
  expect(report).toMatchObject({ rows: { executions: 4 }, hourlyCells: 1 });
  expect(dry.hourlyCells).toBe(1);
  expect(cells(3_600_000)).toBe(2);
  expect(cells(day)).toBe(8);
  // Two of the four ages may be in one month.
  expect([3, 4]).toContain(cells(32 * day));
  expect(value(path, 'SELECT count(*) FROM rollup_sketches')).toBe(2 + 8 + (cells(32 * day) as number));
  const before = (time: number): number => Math.floor((time - 90 * day) / day) * day;
  // Midnight may have been in between.
  expect([before(now), before(Date.now())]).toContain(value(path, "SELECT before FROM floors WHERE name = 'hours'"));
});

test('keeps the hourly cells of executions that stay, however old they are', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write([execution({ at: Date.now() - 200 * day })]);
  await backend.reader.listExecutions();
  const limits = { maxBytes: 2 ** 30 };
  expect(await backend.store.prune({ ...limits, dryRun: true })).toMatchObject({ hourlyCells: 0 });
  expect(await backend.store.prune(limits)).toMatchObject({ hourlyCells: 0 });
  expect(await backend.store.statistics()).toMatchObject({ rollups: { hourly: 1 } });
});

test('a limit of size is kept while events come in; the oldest go first', async () => {
  const path = join(testFolder(), 'analytics.db');
  const maxBytes = 6 * 1024 * 1024;
  const backend = await open({ path, maxBytes });
  const text = 'x'.repeat(500);
  for (let round = 0; round < 30; round += 1) {
    const at = Date.now() - (30 - round) * 60_000;
    await backend.write(
      Array.from({ length: 1_000 }, () => execution({ at, name: `round ${round}`, attributes: { text } })),
    );
  }
  await vi.waitFor(
    async () => {
      // The size is looked at after writes.
      await backend.write([execution({ name: 'last' })]);
      expect((await backend.store.statistics()).usedBytes).toBeLessThanOrEqual(maxBytes);
    },
    { timeout: 120_000, interval: 200 },
  );
  const left = query(path, "SELECT DISTINCT name FROM executions WHERE name <> 'last' ORDER BY at");
  // Without a gap, up to the newest.
  const first = 30 - left.length;
  expect(left).toEqual(left.map((_, at) => ({ name: `round ${first + at}` })));
  // How many depends on when the log of the roll-ups, which takes room as well, is folded.
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(15);
  await backend.reader.listExecutions();
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 86400000')).toBeGreaterThan(30_000);
}, 180_000);

test('names, which stay, never push out all events', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const maxBytes = 2 * 1024 * 1024;
  const start = Date.now() - 60_000;
  const kept: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const at = start + round * 10_000;
    await backend.write(
      Array.from({ length: 5_000 }, (_, some) =>
        execution({ at: at + some, runId: randomUUID(), userId: randomUUID() }),
      ),
    );
    await backend.reader.listExecutions();
    const dry = await backend.store.prune({ maxBytes, dryRun: true });
    const report = await backend.store.prune({ maxBytes });
    expect(dry.rows.executions).toBeGreaterThanOrEqual(report.rows.executions * 0.8);
    kept.push(value(path, 'SELECT count(*) FROM executions') as number);
    expect(value(path, 'SELECT max(at) FROM executions')).toBe(at + 4_999);
  }
  // By now the names alone take more than the limit.
  expect(value(path, "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%dictionary%'")).toBeGreaterThan(maxBytes);
  expect(Math.min(...kept)).toBeGreaterThan(1_000);
});

test('what waits to be added up pushes out no events: it is added up first', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const at = Date.now();
  for (let left = 20; left > 0; left -= 1) {
    await backend.write(Array.from({ length: 2000 }, () => execution({ at, userId: undefined, error: undefined })));
  }
  const waiting = 'SELECT total(length(cells)) FROM rollup_log';
  const waitingBytes = value(path, waiting) as number;
  const { usedBytes } = await backend.store.statistics();
  expect(waitingBytes).toBeGreaterThan(200_000);
  const { rows } = await backend.store.prune({ maxBytes: usedBytes - 150_000 });
  expect([rows.executions, value(path, waiting)]).toEqual([0, 0]);
});

test('days, which stay, never push out all events', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  // With half of it left for what may go: events take less of that than the cells of the hours that they keep.
  const maxBytes = 1536 * 1024;
  const now = Date.now();
  await backend.write(
    Array.from({ length: 20_000 }, (_, some) =>
      execution({ at: now - (some % 200) * day - (some % 7), name: `skill ${some % 41}` }),
    ),
  );
  await backend.reader.listExecutions();
  const dry = await backend.store.prune({ maxBytes, dryRun: true });
  const { rows } = await backend.store.prune({ maxBytes });
  expect(value(path, 'SELECT count(*) FROM rollups WHERE width = 86400000')).toBe(8_200);
  // The days alone take more than the limit.
  expect((await backend.store.statistics()).usedBytes).toBeGreaterThan(1.2 * maxBytes);
  expect(20_000 - rows.executions).toBeGreaterThan(500);
  expect(Math.abs(dry.rows.executions - rows.executions)).toBeLessThan(500);
  expect(value(path, 'SELECT max(at) FROM executions')).toBe(now);
});

const text = 'x'.repeat(300);
test.each([
  ['executions', (some: number, at: number) => [execution({ at: at + some, runId: 'long', attributes: { text } })]],
  [
    'runs that are over',
    (some: number, at: number) => [run({ at: at + some, runId: `short ${some}`, state: 'finished', config: { text } })],
  ],
])('events of a run that goes on stay, and no more %s go than are in the way', async (_, younger) => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  const many = <T>(count: number, make: (some: number) => T): T[] =>
    Array.from({ length: count }, (_, some) => make(some));
  const started = { runId: 'long', state: 'started', config: { text } } as const;
  await backend.write(many(500, (some) => run({ ...started, at: now - 50 * day + some })));
  await backend.write(many(3_000, (some) => younger(some, now - day)).flat());
  await backend.write([execution({ at: now, runId: 'long' })]);
  const { usedBytes } = await backend.store.statistics();
  const maxBytes = usedBytes - 400 * 1024;
  const { rows, freedBytes } = await backend.store.prune({ maxBytes });
  expect(rows.executions + rows.runEvents).toBeGreaterThan(500);
  expect(freedBytes).toBeGreaterThanOrEqual(400 * 1024);
  expect(freedBytes).toBeLessThan(800 * 1024);
  const ofRun = "SELECT count(*) FROM run_events WHERE run = (SELECT id FROM dictionary WHERE text = 'long')";
  expect(value(path, ofRun)).toBe(500);
});

test('a run that goes on does not make hourly cells go in place of executions', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  const [hour, day] = [3_600_000, 86_400_000];
  const old = now - 60 * day;
  await backend.write(
    Array.from({ length: 1_600 }, (_, some) => execution({ at: old + (some % 40) * hour, name: `t${some / 40}` })),
  );
  await backend.reader.getLeaderboard();
  await backend.store.prune({ retentionDays: 30 });
  await backend.write([run({ at: now - 50 * day, runId: 'long', state: 'started' })]);
  const attributes = { text: 'x'.repeat(300) };
  for (let round = 0; round < 3; round += 1) {
    await backend.write(
      Array.from({ length: 2_000 }, (_, some) =>
        execution({
          at: now - day + (round * 2_000 + some) * 10_000,
          runId: 'long',
          name: `t${some % 40}`,
          attributes,
        }),
      ),
    );
  }
  await backend.reader.getLeaderboard();
  const maxBytes = (await backend.store.statistics()).usedBytes - 1_200 * 1024;
  const report = await backend.store.prune({ maxBytes });
  expect(report.rows.executions).toBeGreaterThan(500);
  expect((await backend.store.statistics()).usedBytes).toBeLessThanOrEqual(maxBytes);
  expect(
    value(path, `SELECT count(*) FROM rollups WHERE width = ${hour} AND start > ${now - 2 * day}`),
  ).toBeGreaterThan(300);
});

test('a limit of size looks at every kind of event, the oldest first', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  const config = { text: 'x'.repeat(10_000) };
  for (let number = 0; number < 20; number += 1) {
    const at = now - (20 - number) * 60_000;
    await backend.write(
      Array.from({ length: 20 }, (_, some) =>
        everyType({ at: at + some, runId: `run-${number}-${some}`, attributes: config }),
      ).flat(),
    );
  }
  const maxBytes = 10 * 1024 * 1024;
  const dry = await backend.store.prune({ maxBytes, dryRun: true });
  const report = await backend.store.prune({ maxBytes });
  const { usedBytes } = await backend.store.statistics();
  expect(usedBytes).toBeLessThanOrEqual(maxBytes);
  // And not much more than that: how far the last step goes depends on how fast those before were, 256 KiB of each of seven kinds at most.
  expect(usedBytes).toBeGreaterThan(maxBytes * 0.8);
  const left = counts(path) as number[];
  // All are cut off at about the same time.
  expect(Math.min(...left)).toBeGreaterThan(50);
  expect(Math.max(...left) - Math.min(...left)).toBeLessThanOrEqual(60);
  const oldest = eventTables.map((table) => value(path, `SELECT min(at) FROM ${table}`) as number);
  expect(Math.max(...oldest) - Math.min(...oldest)).toBeLessThanOrEqual(4 * 60_000);
  expect(report.from).toBe(now - 20 * 60_000);
  expect(dry.rows.executions).toBeGreaterThanOrEqual(report.rows.executions);
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
});

test('a limit of size passes over health scores that hold', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  const scores = (count: number, at: number) =>
    Array.from({ length: count }, (_, some) => health({ skillId: `skill ${some}`, at, score: 50 }));
  await backend.write(scores(3_000, now - 2 * day));
  await backend.write([...scores(1_000, now - day), ...scores(1_000, now - day + 1)]);
  await backend.write(
    Array.from({ length: 3_000 }, (_, some) => execution({ at: now - 3_000 + some, attributes: { text } })),
  );
  const maxBytes = (await backend.store.statistics()).usedBytes - 512 * 1024;
  const dry = await backend.store.prune({ maxBytes, dryRun: true });
  const { rows } = await backend.store.prune({ maxBytes });
  expect((await backend.store.statistics()).usedBytes).toBeLessThanOrEqual(maxBytes);
  // Those of the skills that have later ones.
  expect([dry.rows.healthScores, rows.healthScores]).toEqual([2_000, 2_000]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBeGreaterThan(1_000);
});

test('a limit of size takes one large artifact after the other', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const bytes = new Uint8Array(1024 * 1024);
  await backend.write(Array.from({ length: 40 }, (_, at) => artifact({ at, bytes })));
  expect(await backend.store.prune({ maxBytes: 18.5 * 1024 * 1024 })).toMatchObject({
    rows: { artifacts: 22, executions: 0 },
    from: 0,
    to: 21,
  });
});

test('of a run that goes on no more artifacts go than are in the way, after many small rows', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  await backend.write([run({ at: now - 50 * day, runId: 'long', state: 'started' })]);
  await backend.write(
    Array.from({ length: 3_000 }, (_, some) =>
      execution({ at: now - 2 * day + some, runId: 'long', attributes: { text } }),
    ),
  );
  const bytes = new Uint8Array(1024 * 1024);
  await backend.write(Array.from({ length: 5 }, (_, some) => artifact({ at: now - day + some, runId: 'long', bytes })));
  await backend.write([execution({ at: now, runId: 'long' })]);
  const maxBytes = 4 * 1024 * 1024;
  const { rows } = await backend.store.prune({ maxBytes });
  expect(rows).toMatchObject({ executions: 3_000, artifacts: 2, runEvents: 0 });
  expect((await backend.store.statistics()).usedBytes).toBeLessThanOrEqual(maxBytes);
});

test('a limit of size takes hours along with executions, and days never', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  await backend.write(
    Array.from({ length: 16_000 }, (_, at) =>
      execution({ at: now - (at % 800) * 3_600_000, name: `skill ${Math.floor(at / 800)}` }),
    ),
  );
  await backend.reader.listExecutions();
  const before = value(path, 'SELECT count(*) FROM rollups WHERE width = 86400000');
  const report = await backend.store.prune({ maxBytes: 3 * 1024 * 1024 });
  expect(report.hourlyCells).toBeGreaterThan(1_000);
  const left = value(path, 'SELECT count(*) FROM executions') as number;
  expect(left).toBe(16_000 - report.rows.executions);
  // In proportion: executions do not have to go altogether before hours do.
  expect(left).toBeGreaterThan(100);
  expect(value(path, 'SELECT count(*) FROM rollups WHERE width = 86400000')).toBe(before);
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 86400000')).toBe(16_000);
});

test('a limit that hours alone exceed takes the oldest of them', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const now = Date.now();
  await backend.write(
    Array.from({ length: 16_000 }, (_, at) =>
      execution({ at: now - (at % 800) * 3_600_000, name: `skill ${Math.floor(at / 800)}` }),
    ),
  );
  await backend.reader.listExecutions();
  await backend.store.prune({ retentionDays: 1e-6 });
  expect(value(path, 'SELECT count(*) FROM rollups WHERE width = 3600000')).toBe(16_000);
  const dry = await backend.store.prune({ maxBytes: 1024 * 1024, dryRun: true });
  const report = await backend.store.prune({ maxBytes: 1024 * 1024 });
  expect(report.hourlyCells).toBeGreaterThan(5_000);
  expect(Math.abs(dry.hourlyCells - report.hourlyCells)).toBeLessThan(16_000 / 10);
  const { usedBytes } = await backend.store.statistics();
  expect(usedBytes).toBeLessThanOrEqual(1024 * 1024);
  // Whole days go: 480 cells are one.
  expect(usedBytes).toBeGreaterThan(800 * 1024);
  const left = value(path, 'SELECT count(*) FROM rollups WHERE width = 3600000') as number;
  expect(left).toBe(16_000 - report.hourlyCells);
  expect(value(path, 'SELECT min(start) FROM rollups WHERE width = 3600000')).toBe(
    value(path, "SELECT before FROM floors WHERE name = 'hours'"),
  );
  expect(value(path, 'SELECT sum(executions) FROM rollups WHERE width = 86400000')).toBe(16_000);
});

test('deletes at once with others without a row too many', async () => {
  const path = join(testFolder(), 'analytics.db');
  const one = await open({ path, name: 'one' });
  const other = await open({ path, name: 'other' });
  const now = Date.now();
  await one.write(Array.from({ length: 10_000 }, (_, at) => execution({ at: now - (at % 20) * day - 1 })));
  const reports = await Promise.all([
    one.store.prune({ retentionDays: 10 }),
    other.store.prune({ retentionDays: 10 }),
    other.write([execution()]),
  ]);
  expect(reports[0].rows.executions + reports[1].rows.executions).toBe(5_000);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(5_001);
});

test.each([
  [{ retentionDays: -1 }, 'retentionDays'],
  [{ retentionDays: 'all' }, 'retentionDays'],
  [{ maxBytes: 1000 }, 'maxBytes'],
  [{ maxBytes: Number.NaN }, 'maxBytes'],
  [{ dryRun: 1 }, 'dryRun'],
])('prune() refuses %j', async (options, field) => {
  const backend = await open({ path: ':memory:' });
  await expect(backend.store.prune(options as never)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    problems: [{ field, message: expect.any(String) }],
  });
});

test('prune() without limits deletes nothing', async () => {
  const backend = await open({ path: ':memory:', maxBytes: 0 });
  await backend.write([execution({ at: 0 })]);
  expect(await backend.store.prune()).toMatchObject({ rows: { executions: 0 }, freedBytes: 0 });
  expect(backend.settings).toMatchObject({ retentionDays: null, maxBytes: null });
  expect(await backend.store.prune({ retentionDays: 1 })).toMatchObject({ rows: { executions: 1 }, from: 0, to: 0 });
});

test.each([
  ['a clock at the start of time', 0, 30],
  ['a clock before it', -1e15, 30],
  ['a clock that has stopped making sense', Number.NaN, 30],
  ['a clock in the year 9999', Date.UTC(9999, 0), 30],
  ['more days than there were', Date.UTC(2026, 0), 1e12],
])('nothing is old by %s', (_what, now, retentionDays) => {
  expect(limitsPlan({ retentionDays }, now)).toMatchObject({ before: 0, hoursBefore: 0 });
});

test('the year 2038 is one like any other', () => {
  const now = Date.UTC(2038, 5);
  expect(limitsPlan({ retentionDays: 100, maxBytes: 5 }, now)).toEqual({
    now,
    before: now - 100 * day,
    hoursBefore: now - 100 * day,
    maxBytes: 5,
  });
});

test.each([[undefined], [0]])('keeps everything for %s days', async (retentionDays) => {
  const path = join(testFolder(), 'analytics.db');
  const first = await open({ path });
  await first.write([execution({ at: 0 })]);
  const backend = await open({ path, retentionDays });
  await backend.check?.(new AbortController().signal);
  expect(backend.settings['retentionDays']).toBeNull();
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});
