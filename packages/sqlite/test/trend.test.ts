import type { TrendOptions } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { trend } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
stopClock();

const options: fc.Arbitrary<TrendOptions> = fc
  .tuple(
    reports,
    fc.constantFrom('hour' as const, 'day' as const, undefined),
    fc.constantFrom(undefined, true, false),
    fc.constantFrom({ days: 2 }, { days: 0.3 }, { days: 41 }, { from: now - dayMs }),
  )
  .map(([report, bucket, distributions, short]) => {
    // Beyond 1000 hours a window is refused.
    const { days, from, to, ...filter } = report;
    const isLong = bucket === 'hour' && from !== undefined && from < now - 41 * dayMs;
    return { ...(isLong || (days ?? 0) > 41 ? { ...filter, ...short } : report), bucket, distributions };
  });

test('agrees with a count by hand', async () => {
  await forAnyHistory(options, async ({ reader }, history, asked) => {
    expectSame(await reader.getTrend(asked), trend(history, asked));
  });
});

test('gives whole days of UTC, empty ones too, up to the present one', async () => {
  const { reader } = await storeWith([
    execution({ at: Date.UTC(2026, 1, 28, 0, 0, 0), latencyMs: 10, userId: 'ada', success: false }),
    execution({ at: Date.UTC(2026, 1, 28, 12, 0, 0), latencyMs: 30, userId: 'ada', cacheHit: true }),
    execution({ at: Date.UTC(2026, 1, 26, 23, 59, 59), latencyMs: undefined, userId: 'bob', weight: 3 }),
    execution({ at: Date.UTC(2026, 1, 25, 23, 59, 59) }),
  ]);
  const points = await reader.getTrend({ days: 3, distributions: true });
  const empty = {
    executions: 0,
    successes: 0,
    failures: 0,
    successRate: null,
    uniqueUsers: 0,
    averageLatencyMs: null,
    p50LatencyMs: null,
    p95LatencyMs: null,
    p99LatencyMs: null,
    totalTokens: 0,
    totalCostUsd: null,
    cacheHitRate: null,
  };
  const day = (date: number) => ({ from: Date.UTC(2026, 1, date), to: Date.UTC(2026, 1, date + 1) });
  expectSame(points, [
    { ...empty, ...day(26), executions: 3, successes: 3, successRate: 1, uniqueUsers: 1 },
    { ...empty, ...day(27) },
    {
      ...empty,
      ...day(28),
      executions: 2,
      successes: 1,
      failures: 1,
      successRate: 0.5,
      uniqueUsers: 1,
      averageLatencyMs: 20,
      p50LatencyMs: 10,
      p95LatencyMs: 30,
      p99LatencyMs: 30,
      cacheHitRate: 1,
    },
  ]);
});

test('has the windows that it says', async () => {
  const { reader } = await storeWith([]);
  const window = async (asked: TrendOptions): Promise<[number, number | undefined, number | undefined]> => {
    const points = await reader.getTrend(asked);
    expect(points.every(({ from }, at) => at === 0 || from === points[at - 1]?.to)).toBe(true);
    return [points.length, points[0]?.from, points.at(-1)?.to];
  };
  const end = now + 1;
  expect(await window({})).toEqual([30, end - 30 * dayMs, end]);
  expect(await window({ bucket: 'hour' })).toEqual([48, end - 48 * hourMs, end]);
  expect(await window({ bucket: 'hour', days: 0.01 })).toEqual([1, end - hourMs, end]);
  expect(await window({ days: 1000 })).toEqual([1000, end - 1000 * dayMs, end]);
  const from = Date.UTC(2026, 0, 10, 12);
  expect(await window({ from, to: from + dayMs })).toEqual([2, from - dayMs / 2, from + 1.5 * dayMs]);
  expect(await window({ to: from })).toEqual([30, from - 29.5 * dayMs, from + dayMs / 2]);
  expect(await window({ from: end - dayMs })).toEqual([1, end - dayMs, end]);
  expect(await window({ from, to: from })).toEqual([0, undefined, undefined]);
  expect(await window({ from: end + dayMs })).toEqual([0, undefined, undefined]);
});

test('counts users and finds percentiles when asked to, or of one name', async () => {
  const { reader } = await storeWith([execution({ at: now, name: 'parse', userId: 'ada', latencyMs: 7 })]);
  const last = async (asked: TrendOptions) => (await reader.getTrend({ days: 1, ...asked }))[0];
  const counted = { uniqueUsers: 1, p50LatencyMs: 7 };
  const not = { uniqueUsers: null, p50LatencyMs: null, averageLatencyMs: 7 };
  expect(await last({})).toMatchObject(not);
  expect(await last({ distributions: true })).toMatchObject(counted);
  expect(await last({ name: 'parse' })).toMatchObject(counted);
  expect(await last({ name: 'parse', distributions: false })).toMatchObject(not);
});

test('leaves out what it cannot know any more', async () => {
  const { reader, db } = await storeWith([execution({ at: now - 10 * dayMs, userId: 'ada' })]);
  await reader.getTrend();
  db.exec('DELETE FROM execution_events');
  db.prepare('DELETE FROM rollups WHERE width = ?').run(hourMs);
  const addFloor = db.prepare('INSERT INTO floors (name, before) VALUES (?, ?)');
  addFloor.run('executions', now + 1 - 5 * dayMs - hourMs);
  addFloor.run('hours', now + 1 - 7 * dayMs);
  const lengths = async (asked: TrendOptions) => (await reader.getTrend(asked)).length;
  expect(await lengths({ days: 20 })).toBe(20);
  expect(await lengths({ days: 20, bucket: 'hour' })).toBe(7 * 24);
  expect(await lengths({ days: 20, userId: 'ada' })).toBe(5);
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  const wrong: [TrendOptions, string[]][] = [
    [{ bucket: 'week' as never, distributions: 1 as never, days: 0 }, ['bucket', 'days', 'distributions']],
    [{ days: 1, to: 1 }, ['days']],
    [{ days: 1001 }, ['days']],
    [{ days: 42, bucket: 'hour' }, ['days']],
    [{ from: -1e300 }, ['from']],
    [{ from: 2, to: 1, name: '' }, ['from', 'name']],
  ];
  for (const [asked, fields] of wrong) {
    expect(await wrongFields(reader.getTrend(asked))).toEqual(fields);
  }
});
