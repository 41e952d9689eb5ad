import type { ExecutionEvent, TimeRange } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, scoped, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { summary } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
stopClock();

test('agrees with a count by hand', async () => {
  await forAnyHistory(scoped, async ({ reader }, history, options) => {
    expectSame(await reader.summary(options), summary(history, options));
  });
});

test('adds up counts, tokens, costs, caches, names, failures and runs', async () => {
  const usage = { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: 5 };
  const cost = { nanoUsd: 1_500_000_000, source: 'provider' } as const;
  const { reader } = await storeWith([
    execution({ at: now, name: 'parse', latencyMs: 100, usage, cost, runId: 'r1', cacheHit: true }),
    execution({ at: now - dayMs, name: 'parse', latencyMs: 300, usage, weight: 2, runId: 'r2', cacheHit: false }),
    execution({
      at: now - hourMs,
      kind: 'tool',
      name: 'fetch',
      success: false,
      latencyMs: undefined,
      error: { type: 'E' },
      runId: 'r1',
    }),
    execution({ at: now - hourMs, kind: 'tool', name: 'fetch', success: false, latencyMs: 50, weight: 4 }),
  ]);
  const { slowest, ...rest } = await reader.summary();
  expectSame(rest, {
    executions: 8,
    successes: 3,
    failures: 5,
    successRate: 0.375,
    latencyMs: { average: 900 / 7, min: 50, max: 300, p50: 50, p95: 300, p99: 300 },
    totalTokens: 45,
    pricedExecutions: 1,
    totalCostUsd: 1.5,
    averageCostUsd: 1.5,
    cacheHitRate: 1 / 3,
    operations: [
      {
        kind: 'tool',
        name: 'fetch',
        executions: 5,
        successes: 0,
        failures: 5,
        successRate: 0,
        averageLatencyMs: 50,
        pricedExecutions: 0,
        totalCostUsd: null,
        averageCostUsd: null,
        totalTokens: 0,
      },
      {
        kind: 'skill',
        name: 'parse',
        executions: 3,
        successes: 3,
        failures: 0,
        successRate: 1,
        averageLatencyMs: 700 / 3,
        pricedExecutions: 1,
        totalCostUsd: 1.5,
        averageCostUsd: 1.5,
        totalTokens: 45,
      },
    ],
    failuresByType: [
      { kind: 'tool', name: 'fetch', errorType: 'unknown', failures: 4 },
      { kind: 'tool', name: 'fetch', errorType: 'E', failures: 1 },
    ],
    runs: 2,
  });
  expect(slowest.map(({ latencyMs }) => latencyMs)).toEqual([300, 100, 50]);
});

test('counts runs that went on in the window, and those of an organisation', async () => {
  const { reader } = await storeWith([
    execution({ at: now - 3 * dayMs, runId: 'through' }),
    execution({ at: now, runId: 'through', orgId: 'one' }),
    execution({ at: now - 3 * dayMs, runId: 'before', orgId: 'one' }),
    execution({ at: now, runId: 'after' }),
    execution({ at: now - 2 * dayMs, runId: 'within' }),
  ]);
  const runs = async (options?: Parameters<typeof reader.summary>[0]): Promise<number> =>
    (await reader.summary(options)).runs;
  expect(await runs()).toBe(4);
  const range = { from: now - 2 * dayMs, to: now };
  expect(await runs(range)).toBe(2);
  expect(await runs({ orgId: 'one' })).toBe(2);
  expect(await runs({ orgId: 'one', ...range })).toBe(1);
  expect(await runs({ runId: 'through', ...range })).toBe(0);
});

/** Executions of eleven names over five days. */
function many(change: (event: ExecutionEvent, at: number) => Partial<ExecutionEvent> = () => ({})): ExecutionEvent[] {
  return Array.from({ length: 2000 }, (_, at) => {
    const event = execution({ name: `skill ${at % 11}`, at: now - at * 216_000, latencyMs: (at * 7919) % 1000 });
    return { ...event, ...change(event, at) };
  });
}

function slowestFirst(events: readonly ExecutionEvent[]): string[] {
  return events
    .toSorted(
      (one, other) =>
        (other.latencyMs ?? 0) - (one.latencyMs ?? 0) || other.at - one.at || (one.id < other.id ? 1 : -1),
    )
    .map(({ id }) => id);
}

const tiedInMany: [string, (event: ExecutionEvent, at: number) => Partial<ExecutionEvent>][] = [
  ['different latencies', () => ({})],
  ['the same latency in many hours', ({ latencyMs = 0 }) => ({ latencyMs: Math.min(latencyMs, 900) })],
  ['the same latency everywhere', () => ({ latencyMs: 30_000 })],
  ['the same latency in one ms', (_, at) => ({ at: now - (at % 2) * dayMs, latencyMs: 5 })],
];
test.each(tiedInMany)('finds the slowest by way of the cells: %s', async (_what, change) => {
  const events = many(change);
  const { reader, db } = await storeWith(events);
  const ids = async (range: TimeRange = {}): Promise<string[]> =>
    (await reader.summary(range)).slowest.map(({ id }) => id);
  expect(await ids()).toEqual(slowestFirst(events).slice(0, 5));
  const range = { from: now - 3 * dayMs + 1234, to: now - dayMs - 777_777 };
  const within = events.filter(({ at }) => at >= range.from && at < range.to);
  expect(await ids(range)).toEqual(slowestFirst(within).slice(0, 5));

  // Rows may be gone whose cells are not: those of an erased user, or all before some time.
  const gone = new Set(slowestFirst(events).slice(0, 400));
  const remove = db.prepare("DELETE FROM execution_events WHERE id = unhex(replace(?, '-', ''))");
  for (const id of gone) {
    remove.run(id);
  }
  expect(await ids()).toEqual(slowestFirst(events.filter(({ id }) => !gone.has(id))).slice(0, 5));
  db.prepare('DELETE FROM execution_events').run();
  expect(await ids()).toEqual([]);
});

test('finds the slowest of a window whose hours are gone', async () => {
  const events = many();
  const { reader, db } = await storeWith(events);
  await reader.summary();
  db.prepare('DELETE FROM rollups WHERE width = ?').run(hourMs);
  db.prepare("INSERT INTO floors (name, before) VALUES ('hours', ?)").run(now + 1);
  const range = { from: now - 2.1 * dayMs, to: now - 1.9 * dayMs };
  const within = events.filter(({ at }) => at >= range.from && at < range.to);
  const { slowest } = await reader.summary(range);
  expect(slowest.map(({ id }) => id)).toEqual(slowestFirst(within).slice(0, 5));
});

test('what comes late to where all rows were deleted hides nothing', async () => {
  const { reader, db, write } = await storeWith([execution({ at: now - dayMs }), execution({ at: now - 2 * hourMs })]);
  await reader.summary();
  db.exec('DELETE FROM execution_events');
  db.prepare("INSERT INTO floors (name, before) VALUES ('executions', ?)").run(now);
  write([execution({ at: now - 30 * dayMs, latencyMs: 7 })]);
  const { executions, slowest } = await reader.summary();
  expect([executions, slowest.map(({ latencyMs }) => latencyMs)]).toEqual([3, [7]]);
  expect((await reader.summary({ days: 2 })).executions).toBe(2);
});

test('looks for the slowest at few of many rows', async () => {
  const { reader, db, statementsOf } = await storeWith(many());
  const statements = await statementsOf(() => reader.summary());
  const looked = statements.filter((statement) => statement.includes('latency_ms IS NOT NULL AND'));
  expect(looked.length).toBeGreaterThan(0);
  for (const statement of looked) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${statement}`).all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(/^SEARCH e USING INDEX execution_events_subject \(subject=\? AND rowid>\? AND rowid<\?\)$/),
    );
  }
});

test('an error type that is the name of nothing else stays apart', async () => {
  const failure = (type?: string): ExecutionEvent =>
    execution({ at: now, success: false, ...(type !== undefined && { error: { type } }) });
  const { reader } = await storeWith([failure('unknown'), failure(), failure('__proto__'), failure("'; --")]);
  expect((await reader.summary()).failuresByType.map(({ errorType, failures }) => [errorType, failures])).toEqual([
    ['unknown', 2],
    ["'; --", 1],
    ['__proto__', 1],
  ]);
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong = { orgId: '', userId: 1 as never, runId: null as never, days: 0, from: Number.NaN };
  expect(await wrongFields(reader.summary(wrong))).toEqual(['days', 'days', 'from', 'orgId', 'runId', 'userId']);
  expect(await wrongFields(reader.summary({ from: 2, to: 1 }))).toEqual(['from']);
});
