import { execution, health, rating } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { name, now } from './support/arbitrary.ts';
import { createStore } from './support/in-process.ts';
import { listSkillHealth, skillHealth } from './support/oracle-skills.ts';
import { expectSame } from './support/same.ts';
import { forAnySkills, orgs } from './support/skills.ts';

beforeAll(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const dayMs = 86_400_000;
const days = fc.constantFrom(undefined, 0.3, 1, 7, 45);

describe('agrees with a count by hand', () => {
  test('getSkillHealth()', async () => {
    const options = fc.record({ skillId: name, days, orgId: orgs });
    await forAnySkills(options, async ({ reader }, history, { skillId, ...rest }) => {
      expectSame(await reader.getSkillHealth(skillId, rest), skillHealth(history, skillId, rest));
    });
  });

  test('listSkillHealth()', async () => {
    const skillIds = fc.option(fc.array(fc.oneof(name, fc.constant('unknown')), { maxLength: 4 }), { nil: undefined });
    const options = fc.record({ days, orgId: orgs, skillIds, limit: fc.constantFrom(undefined, 1, 3) });
    await forAnySkills(options, async ({ reader }, history, one) => {
      expectSame(await reader.listSkillHealth(one), listSkillHealth(history, one));
    });
  });
});

describe('a computed score', () => {
  test('is that of a calculation by hand', async () => {
    const { reader, write } = await createStore();
    write([
      execution({ name: 'parse', at: now, latencyMs: 123.45 }),
      ...[5, 4, 5, 3].map((stars) => rating({ skillId: 'parse', at: now, rating: stars })),
    ]);
    const found = await reader.getSkillHealth('parse');
    // 40 + 25.5 + 2 + 8.7655
    expect(found?.score).toBeCloseTo(76.27, 2);
    expectSame(found, {
      skillId: 'parse',
      from: now + 1 - 30 * dayMs,
      to: now + 1,
      score: 76.2655,
      source: 'computed',
      set: null,
      computed: {
        score: 76.2655,
        parts: {
          success: { score: 100, weight: 0.4, points: 40 },
          rating: { score: 85, weight: 0.3, points: 25.5 },
          usage: { score: 10, weight: 0.2, points: 2 },
          latency: { score: 87.655, weight: 0.1, points: 8.7655 },
        },
      },
      executions: 1,
      successRate: 1,
      averageLatencyMs: 123.45,
      averageRating: 4.25,
      ratings: 4,
    });
  });

  test('is 100 at best, and not below 0', async () => {
    const { reader, write } = await createStore();
    write([
      ...Array.from({ length: 12 }, () => execution({ name: 'best', at: now, latencyMs: 0 })),
      rating({ skillId: 'best', at: now, rating: 5 }),
      execution({ name: 'worst', at: now, latencyMs: 60_000, success: false }),
      rating({ skillId: 'worst', at: now, rating: 1 }),
    ]);
    const scores = (await reader.listSkillHealth()).map(({ skillId, score }) => [skillId, score]);
    // 0.30 · 20 + 0.20 · 10
    expect(scores).toEqual([
      ['worst', 8],
      ['best', 100],
    ]);
  });

  test('takes an unknown rating and an unknown latency for neither good nor bad', async () => {
    const { reader, write } = await createStore();
    write(Array.from({ length: 10 }, () => execution({ name: 'parse', at: now, latencyMs: undefined })));
    const { computed } = (await reader.getSkillHealth('parse')) ?? {};
    expect(computed?.score).toBe(40 + 15 + 20 + 5);
    expect(computed?.parts.latency).toEqual({ score: 50, weight: 0.1, points: 5 });
  });

  test('is of its window only, and there is none without executions in it', async () => {
    const { reader, write } = await createStore();
    write([
      execution({ name: 'parse', at: now - 40 * dayMs }),
      rating({ skillId: 'parse', at: now - 2 * dayMs, rating: 5 }),
    ]);
    expect(await reader.getSkillHealth('parse')).toMatchObject({
      score: null,
      source: null,
      computed: null,
      executions: 0,
      successRate: null,
      averageRating: 5,
    });
    expect(await reader.getSkillHealth('parse', { days: 1 })).toMatchObject({ averageRating: null, ratings: 0 });
    expect(await reader.getSkillHealth('parse', { days: 41 })).toMatchObject({ source: 'computed', executions: 1 });
  });
});

describe('a score that was set', () => {
  test('goes before the computed one, which is there to compare; the latest stands', async () => {
    const { reader, write } = await createStore();
    write([execution({ name: 'parse', at: now })]);
    write([health({ skillId: 'parse', score: 33, at: now - 400 * dayMs })]);
    write([health({ skillId: 'parse', score: 11, at: now - 500 * dayMs })]);
    const found = await reader.getSkillHealth('parse');
    expect(found).toMatchObject({ score: 33, source: 'set', set: { score: 33, at: now - 400 * dayMs } });
    expect(found?.computed?.score).toBeGreaterThan(33);
    expect(found?.computed?.parts.success.points).toBe(40);
  });

  test('of 0 is 0, and makes a skill known that nobody used', async () => {
    const { reader, write } = await createStore();
    write([health({ skillId: 'parse', score: 0, at: now })]);
    expect(await reader.getSkillHealth('parse')).toMatchObject({ score: 0, source: 'set', computed: null });
    expect(await reader.listSkillHealth()).toHaveLength(1);
    expect(await reader.getSkillHealth('draw')).toBeUndefined();
  });

  test('of one ms with another is the one that was recorded last', async () => {
    const { reader, write } = await createStore();
    const [first, second, third] = [1, 2, 3].map((score) => health({ skillId: 'parse', score, at: now }));
    // In another order, and with other columns.
    write([
      { ...third, deprecated: true },
      { ...first, orgId: 'acme' },
    ] as never);
    write([second] as never);
    expect((await reader.getSkillHealth('parse'))?.set?.score).toBe(3);
    expect((await reader.getSkillMetrics('parse'))?.healthScore).toBe(3);
  });
});

describe('listSkillHealth()', () => {
  test('has the worst first, those without a score last, and leaves out what it does not know', async () => {
    const { reader, write } = await createStore();
    write([
      rating({ skillId: 'rated', at: now - 100 * dayMs, rating: 5 }),
      execution({ name: 'failing', at: now, success: false }),
      execution({ name: 'working', at: now }),
      execution({ name: 'forgotten', at: now - 100 * dayMs }),
      health({ skillId: 'bad', score: 1, at: now }),
    ]);
    const names = async (options?: object): Promise<string[]> =>
      (await reader.listSkillHealth(options)).map(({ skillId }) => skillId);
    expect(await names()).toEqual(['bad', 'failing', 'working', 'rated']);
    expect(await names({ limit: 2 })).toEqual(['bad', 'failing']);
    expect(await names({ skillIds: ['working', 'bad', 'unknown', 'bad', 'forgotten'] })).toEqual([
      'bad',
      'working',
      'forgotten',
    ]);
    expect(await names({ skillIds: [] })).toEqual([]);
  });

  test('asks as many queries for many skills as for few', async () => {
    const { reader, write, statementsOf } = await createStore();
    const queries = async (skills: number): Promise<number> => {
      write(
        Array.from({ length: skills }, (_, at) => [
          execution({ name: `skill-${at}`, at: now }),
          rating({ skillId: `skill-${at}` }),
          health({ skillId: `skill-${at}` }),
        ]).flat(),
      );
      // Adds up what was written.
      await reader.getLeaderboard();
      return (await statementsOf(() => reader.listSkillHealth({ limit: 1000 }))).length;
    };
    expect(await queries(300)).toBe(await queries(2));
    expect(await reader.listSkillHealth({ limit: 1000 })).toHaveLength(300);
  });
});
