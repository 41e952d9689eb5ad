import type { LeaderboardOptions } from '@toolweaver/analytics-core';
import { execution, health, rating } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { name, now } from './support/arbitrary.ts';
import { createStore } from './support/in-process.ts';
import { windows } from './support/operations.ts';
import { leaderboard, skillMetrics, skillUsage } from './support/oracle-skills.ts';
import { expectSame } from './support/same.ts';
import { forAnySkills, orgs } from './support/skills.ts';

beforeAll(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const dayMs = 86_400_000;

describe('agrees with a count by hand', () => {
  test('getSkillUsage()', async () => {
    const options = fc.record({ skillId: name, window: windows, orgId: orgs });
    await forAnySkills(options, async ({ reader }, history, { skillId, window, orgId }) => {
      const asked = { ...window, orgId };
      expectSame(await reader.getSkillUsage(skillId, asked), skillUsage(history, skillId, asked));
    });
  });

  test('getLeaderboard()', async () => {
    const options = fc.record({
      metric: fc.constantFrom(
        undefined,
        'executions',
        'success',
        'successLowerBound',
        'latency',
        'rating',
        'cost',
        'adoption',
      ),
      window: fc.oneof(windows, fc.record({ period: fc.constantFrom(undefined, 'day', 'week', 'month', 'all') })),
      orgId: orgs,
      limit: fc.constantFrom(undefined, 1, 3),
      minExecutions: fc.constantFrom(undefined, undefined, 0, 4.5),
      kind: fc.constantFrom(undefined, undefined, 'skill', 'tool'),
    });
    await forAnySkills(options, async ({ reader }, history, { window, ...rest }) => {
      const asked: LeaderboardOptions = { ...window, ...rest };
      expectSame(await reader.getLeaderboard(asked), leaderboard(history, asked));
    });
  });

  test('getSkillMetrics()', async () => {
    await forAnySkills(fc.record({ skillId: name, orgId: orgs }), async ({ reader }, history, { skillId, orgId }) => {
      expectSame(await reader.getSkillMetrics(skillId, { orgId }), skillMetrics(history, skillId, { orgId }));
    });
  });
});

describe('getSkillMetrics()', () => {
  test('says all that is known of a skill', async () => {
    const { reader, write } = await createStore();
    const skillId = 'parse';
    write([
      execution({ name: skillId, at: now - 900 * dayMs, latencyMs: 100, weight: 3 }),
      execution({ name: skillId, at: now - 5, success: false, latencyMs: undefined }),
      ...[5, 4, 5, 3].map((stars, at) => rating({ skillId, rating: stars, at: now - 1000 * at })),
      rating({ skillId: 'draw', rating: 1, weight: 100 }),
      health({ skillId, score: 40, at: now - 3, deprecated: true }),
      health({ skillId, score: 90, at: now - 2 }),
      health({ skillId: 'draw', score: 0, at: now - 1 }),
    ]);
    expect(await reader.getSkillMetrics(skillId)).toEqual({
      skillId,
      executions: 4,
      successes: 3,
      failures: 1,
      successRate: 0.75,
      averageLatencyMs: 100,
      ratings: 4,
      ratingCounts: { 1: 0, 2: 0, 3: 1, 4: 1, 5: 2 },
      averageRating: 4.25,
      // All ratings: (17 + 1) / 5 = 3.6
      correctedRating: (17 + 5 * 3.6) / 9,
      healthScore: 90,
      firstUsedAt: now - 900 * dayMs,
      lastUsedAt: now - 5,
      lastRatedAt: now,
      deprecated: true,
    });
    expect(await reader.getSkillMetrics('draw')).toMatchObject({
      executions: 0,
      successRate: null,
      healthScore: 0,
      firstUsedAt: null,
      correctedRating: (1 + 5 * 3.6) / 6,
      deprecated: false,
    });
    expect(await reader.getSkillMetrics('unknown')).toBeUndefined();
  });

  test('knows no skill from a tool of its name', async () => {
    const { reader, write } = await createStore();
    write([execution({ kind: 'tool', name: 'parse' })]);
    expect(await reader.getSkillMetrics('parse')).toBeUndefined();
  });
});

describe('getLeaderboard()', () => {
  test('by success rate has one of one first, by its lower bound many of many', async () => {
    const { reader, write } = await createStore();
    write([
      execution({ name: 'once', at: now }),
      execution({ name: 'often', at: now, weight: 999 }),
      execution({ name: 'often', at: now, success: false }),
    ]);
    const names = async (metric: 'success' | 'successLowerBound'): Promise<string[]> =>
      (await reader.getLeaderboard({ metric })).map((entry) => entry.name);
    expect(await names('success')).toEqual(['once', 'often']);
    expect(await names('successLowerBound')).toEqual(['often', 'once']);
    const [often, once] = await reader.getLeaderboard({ metric: 'successLowerBound' });
    // As tables of the interval of Wilson have them.
    expect(often?.successLowerBound).toBeCloseTo(0.9944, 4);
    expect(once?.successLowerBound).toBeCloseTo(0.2065, 4);
  });

  test('by rating has, of equal ratings, the one of more ratings first', async () => {
    const { reader, write } = await createStore();
    const rated = (skillId: string, times: number) =>
      Array.from({ length: times }, () => rating({ skillId, rating: 4, at: now }));
    write([
      ...['used', 'idle'].flatMap((skillId) => rated(skillId, 2)),
      ...rated('liked', 3),
      ...['a', 'b'].flatMap((skillId) => rated(skillId, 1)),
      execution({ name: 'used', at: now }),
      execution({ name: 'a', at: now, weight: 9 }),
    ]);
    const board = await reader.getLeaderboard({ metric: 'rating' });
    expect(board.map((entry) => entry.name)).toEqual(['liked', 'used', 'idle', 'a', 'b']);
  });

  test('asks as many queries for many skills as for few', async () => {
    const { reader, write, statementsOf } = await createStore();
    const queries = async (skills: number): Promise<number> => {
      write(Array.from({ length: skills }, (_, at) => execution({ name: `skill-${at}`, at: now })));
      // Adds up what was written.
      await reader.getLeaderboard();
      return (await statementsOf(() => reader.getLeaderboard({ metric: 'adoption', limit: 1000 }))).length;
    };
    expect(await queries(300)).toBe(await queries(2));
  });
});

test('getTopSkills() is the leaderboard by executions over a number of days', async () => {
  const { reader, write } = await createStore();
  const used = (skill: string, times: number, days: number, orgId?: string) =>
    Array.from({ length: times }, () =>
      execution({ name: skill, at: now - days * dayMs, ...(orgId !== undefined && { orgId }) }),
    );
  write([...used('old', 9, 40), ...used('new', 2, 3, 'acme'), ...used('newer', 3, 0), ...used('rare', 1, 20)]);
  const names = async (options?: object): Promise<string[]> =>
    (await reader.getTopSkills(options)).map((entry) => entry.name);
  expect(await names()).toEqual(['newer', 'new', 'rare']);
  expect(await names({ days: 60 })).toEqual(['old', 'newer', 'new', 'rare']);
  expect(await names({ days: 60, limit: 1 })).toEqual(['old']);
  expect(await names({ orgId: 'acme' })).toEqual(['new']);
});
