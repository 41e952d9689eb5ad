import { join } from 'node:path';
import type { AnalyticsEvent, AnalyticsReader, Backend, ExecutionFilter } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution, rating } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { executions, now, ratings } from './support/arbitrary.ts';
import { newFolder } from './support/folder.ts';
import { listExecutions } from './support/oracle.ts';
import { summary } from './support/oracle-operations.ts';
import { leaderboard, skillUsage } from './support/oracle-skills.ts';
import { expectSame } from './support/same.ts';

const folder = newFolder();
let backend: Backend;
let reader: AnalyticsReader;
/** Everything written so far. */
const all: AnalyticsEvent[] = [];

beforeAll(async () => {
  backend = await sqlite({ path: join(folder.path, 'analytics.db') });
  reader = backend.reader as AnalyticsReader;
  vi.useFakeTimers({ now, toFake: ['Date'] });
});
afterAll(async () => {
  vi.useRealTimers();
  await backend.close?.();
  folder.dispose();
});

async function write(events: readonly AnalyticsEvent[]): Promise<void> {
  if (events.length > 0) {
    await backend.write(events);
    all.push(...events);
  }
}

let organisations = 0;

/** Checks a property for random events, some of which belong to `orgId` and none of which to any other test. */
async function forAny(check: (events: readonly AnalyticsEvent[], orgId: string) => Promise<void>): Promise<void> {
  const batches = fc.tuple(fc.array(executions, { maxLength: 60 }), fc.array(ratings, { maxLength: 20 }));
  await fc.assert(
    fc.asyncProperty(batches, async (batch) => {
      organisations += 1;
      const prefix = `${organisations} `;
      const events = batch.flat().map((event) => ({
        ...event,
        orgId: `${prefix}${event.orgId}`,
        ...(event.runId !== undefined && { runId: `${prefix}${event.runId}` }),
      }));
      await write(events);
      await check(events, `${prefix}own`);
    }),
    // Smaller examples would be written to the same file as those before them.
    { numRuns: process.env['RELIABILITY'] === 'full' ? 50 : 12, endOnFailure: true },
  );
}

describe('agrees with a count by hand', () => {
  test('getSkillUsage()', async () => {
    await forAny(async (events, orgId) => {
      for (const options of [{}, { days: 1 }, { days: 0.5, orgId }, { days: 45 }]) {
        const scoped = { ...options, orgId };
        expectSame(await reader.getSkillUsage('parse', scoped), skillUsage({ events, now }, 'parse', scoped));
      }
    });
  });

  test('getLeaderboard()', async () => {
    await forAny(async (events, orgId) => {
      for (const metric of [
        'executions',
        'success',
        'successLowerBound',
        'latency',
        'rating',
        'cost',
        'adoption',
      ] as const) {
        for (const period of ['day', 'week', 'month', 'all'] as const) {
          const options = { metric, period, orgId };
          expectSame(await reader.getLeaderboard(options), leaderboard({ events, now }, options));
        }
      }
      for (const options of [
        { orgId, kind: 'tool' as const },
        { orgId, kind: 'tool' as const, metric: 'rating' as const },
        { orgId, limit: 2 },
        { orgId, minExecutions: 0 },
        { orgId, minExecutions: 4.5, metric: 'success' as const },
      ]) {
        expectSame(await reader.getLeaderboard(options), leaderboard({ events, now }, options));
      }
    });
  });

  test('summary()', async () => {
    await forAny(async (events, orgId) => {
      const range = { from: now - 7 * 86_400_000, to: now - 86_400_000 };
      for (const options of [{ orgId }, { orgId, userId: 'u1' }, { orgId, ...range }, { orgId, from: now, to: now }]) {
        expectSame(await reader.summary(options), summary({ events, now }, options));
      }
    });
  });

  test('listExecutions()', async () => {
    await forAny(async (events, orgId) => {
      const filters: ExecutionFilter[] = [
        { orgId },
        { orgId, kind: 'skill', success: true },
        { orgId, name: 'é', success: false },
        { orgId, errorType: 'TimeoutError', userId: 'u2' },
        { runId: orgId.replace('own', 'r2'), from: now - 86_400_000, to: now },
      ];
      for (const filter of filters) {
        expect((await reader.listExecutions(filter)).executions).toEqual(listExecutions(events, filter));
      }
    });
  });

  test('over everything, without any filter', async () => {
    expect(all.length).toBeGreaterThan(200);
    expectSame(await reader.getSkillUsage('parse'), skillUsage({ events: all, now }, 'parse', {}));
    expectSame(await reader.getLeaderboard(), leaderboard({ events: all, now }, {}));
    expectSame(await reader.summary(), summary({ events: all, now }, {}));
    const page = await reader.listExecutions({ limit: 1000 });
    expect(page.executions).toEqual(listExecutions(all).slice(0, 1000));
  });
});

describe('pages', () => {
  test('cover everything once, in order, whatever the size', async () => {
    await forAny(async (events, orgId) => {
      for (const limit of [1, 7, 1000]) {
        const listed = [];
        let cursor: string | undefined;
        do {
          const page = await reader.listExecutions({ orgId, limit }, cursor);
          expect(page.executions.length).toBeLessThanOrEqual(limit);
          listed.push(...page.executions);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(listed).toEqual(listExecutions(events, { orgId }));
      }
    });
  });

  test('stay the same when newer executions arrive in between', async () => {
    const runId = 'paged';
    const old = Array.from({ length: 10 }, (_, at) => execution({ runId, at: now - 1000 - (at >> 2) }));
    await write(old);
    const first = await reader.listExecutions({ runId, limit: 5 });
    await write([execution({ runId, at: now })]);
    const second = await reader.listExecutions({ runId, limit: 5 }, first.nextCursor);
    expect([...first.executions, ...second.executions]).toEqual(listExecutions(old));
    expect(second.nextCursor).toBeUndefined();
  });
});

describe('windows', () => {
  test('hold their start and not their end, to the millisecond', async () => {
    const runId = 'window';
    await write([4, 5, 6, 7, 8].map((at) => execution({ runId, at })));
    const times = async (from?: number, to?: number): Promise<number[]> =>
      (await reader.listExecutions({ runId, from, to })).executions.map(({ at }) => at);
    expect(await times(5, 7)).toEqual([6, 5]);
    expect(await times(7)).toEqual([8, 7]);
    expect(await times(undefined, 5)).toEqual([4]);
    expect(await times(5, 5)).toEqual([]);
    expect((await reader.summary({ runId, from: 5, to: 7 })).executions).toBe(2);
  });

  test('of periods end after the current millisecond and are whole days long', async () => {
    const orgId = 'periods';
    const day = 86_400_000;
    await write([now + 1, now, now - day + 1, now - day].map((at) => execution({ orgId, at })));
    const [entry] = await reader.getLeaderboard({ orgId, period: 'day' });
    expect(entry?.executions).toBe(2);
    const usage = await reader.getSkillUsage('summarise', { orgId, days: 1 });
    expect(usage).toMatchObject({ executions: 2, from: now + 1 - day, to: now + 1 });
  });
});

describe('percentiles', () => {
  test('are by nearest rank, to within 1 %', async () => {
    const runId = 'ranks';
    await write(Array.from({ length: 100 }, (_, at) => execution({ runId, latencyMs: at + 1 })));
    const expected = { average: 50.5, min: 1, max: 100, p50: 50, p95: 95, p99: 99 };
    expectSame((await reader.summary({ runId })).latencyMs, expected);
  });

  test('count a sampled execution as often as its weight says, whole or not', async () => {
    const runId = 'weights';
    // 95 · (1 / 0.3) · 100 comes out a little less than 100 · (1 / 0.3) · 95: the ranks must not move on for that.
    await write(Array.from({ length: 100 }, (_, at) => execution({ runId, latencyMs: at + 1, weight: 1 / 0.3 })));
    const { p50, p95, p99 } = (await reader.summary({ runId })).latencyMs;
    expectSame({ p50, p95, p99 }, { p50: 50, p95: 95, p99: 99 });
    await write([execution({ runId, latencyMs: 0, weight: 1e6 })]);
    expect((await reader.summary({ runId })).latencyMs).toMatchObject({ p50: 0, p95: 0, p99: 0, max: 100 });
  });
});

test('sums of whole numbers beyond 2⁶³ do not fail', async () => {
  const runId = 'huge';
  const huge = Number.MAX_SAFE_INTEGER;
  const usage = {
    inputTokens: huge,
    cacheReadTokens: huge,
    cacheWriteTokens: huge,
    outputTokens: huge,
    reasoningTokens: huge,
  };
  const many = Array.from({ length: 300 }, () =>
    execution({ runId, usage, cost: { nanoUsd: huge, source: 'provider' }, inputBytes: huge, latencyMs: 1e300 }),
  );
  await write(many);
  const { totalTokens, totalCostUsd } = await reader.summary({ runId });
  expect(totalTokens / (300 * 5 * huge)).toBeCloseTo(1, 12);
  expect((totalCostUsd ?? 0) / ((300 * huge) / 1e9)).toBeCloseTo(1, 12);
  expect((await reader.listExecutions({ runId })).executions[0]).toEqual(listExecutions(many)[0]);
});

test('a skill that was rated and never run has a rating, and a place only among the ratings', async () => {
  const orgId = 'rated only';
  await write([rating({ orgId, skillId: 'idle', rating: 5 }), execution({ orgId, name: 'busy' })]);
  const names = async (options: object): Promise<string[]> =>
    (await reader.getLeaderboard({ orgId, ...options })).map(({ name }) => name);
  expect(await names({ metric: 'rating' })).toEqual(['idle']);
  expect(await names({})).toEqual(['busy']);
  expect(await names({ minExecutions: 0 })).toEqual(['busy', 'idle']);
  expect(await reader.getLeaderboard({ orgId, metric: 'rating' })).toEqual([
    {
      rank: 1,
      name: 'idle',
      score: 5,
      executions: 0,
      successes: 0,
      failures: 0,
      successRate: null,
      successLowerBound: null,
      latencyMs: { average: null, min: null, max: null, p50: null, p95: null, p99: null },
      averageRating: 5,
      ratings: 1,
      totalCostUsd: null,
      uniqueUsers: 0,
    },
  ]);
});

describe('wrong options are refused, all at once', () => {
  const wrong: [string, (reader: AnalyticsReader) => Promise<unknown>, string[]][] = [
    ['getSkillUsage', (it) => it.getSkillUsage('', { days: 0, orgId: '' }), ['skillId', 'days', 'orgId']],
    ['getSkillUsage', (it) => it.getSkillUsage(undefined as never, { days: Number.NaN }), ['skillId', 'days']],
    [
      'getLeaderboard',
      (it) =>
        it.getLeaderboard({
          metric: 'name; DROP TABLE x' as never,
          period: 'year' as never,
          orgId: 1 as never,
          limit: 0,
          minExecutions: -1,
          kind: 'skills' as never,
        }),
      ['metric', 'period', 'orgId', 'limit', 'minExecutions', 'kind'],
    ],
    ['summary', (it) => it.summary({ userId: null as never, from: 2, to: 1 }), ['userId', 'from']],
    [
      'listExecutions',
      (it) => it.listExecutions({ limit: 1001, success: 1 as never, from: Infinity, name: [] as never }, 'next'),
      ['limit', 'success', 'from', 'name', 'cursor'],
    ],
  ];
  test.each(wrong)('%s', async (_method, ask, fields) => {
    const error = await ask(reader).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    expect(error.problems.map(({ field }: { field: string }) => field).sort()).toEqual(fields.toSorted());
  });
});
