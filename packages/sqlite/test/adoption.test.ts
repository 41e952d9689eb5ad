import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { name, now } from './support/arbitrary.ts';
import { createStore } from './support/in-process.ts';
import { windows } from './support/operations.ts';
import { adoption } from './support/oracle-skills.ts';
import { expectSame } from './support/same.ts';
import { forAnySkills, orgs } from './support/skills.ts';

beforeAll(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const dayMs = 86_400_000;

test('agrees with a count by hand', async () => {
  const options = fc.record({ skillId: name, window: windows, orgId: orgs });
  await forAnySkills(options, async ({ reader }, history, { skillId, window, orgId }) => {
    const rest = { ...window, orgId };
    expectSame(await reader.getAdoption(skillId, rest), adoption(history, skillId, rest));
  });
});

/** Uses of a skill by users, days before the last midnight. */
function used(orgId: string, days: number, ...users: string[]): AnalyticsEvent[] {
  return users.map((userId) => execution({ name: 'parse', orgId, userId, at: now - days * dayMs }));
}

describe('growth and retention', () => {
  test('are those of a calculation by hand', async () => {
    const { reader, write } = await createStore();
    write([
      // The last full day and the day before it: `now` is the last ms of a day.
      ...used('acme', 0, 'ada', 'ben', 'cem', 'cem'),
      ...used('acme', 1, 'ada', 'dan'),
      ...used('acme', 6, 'eve'),
      // The week before.
      ...used('acme', 7, 'ada', 'fay'),
      ...used('acme', 13, 'gus', 'ben'),
      ...used('acme', 14, 'too old'),
      execution({ kind: 'tool', name: 'parse', orgId: 'acme', userId: 'other tool', at: now }),
      execution({ name: 'draw', orgId: 'acme', userId: 'other skill', at: now }),
      execution({ name: 'parse', userId: 'no organisation', at: now }),
      execution({ name: 'parse', orgId: 'nameless', at: now, weight: 2.5 }),
    ]);
    expect(await reader.getAdoption('parse')).toEqual({
      skillId: 'parse',
      from: now + 1 - 30 * dayMs,
      to: now + 1,
      users: 9,
      organisations: [
        {
          orgId: 'acme',
          users: 8,
          activeUsers: 10,
          adoptionRate: 0.8,
          executions: 12,
          // 3 after 2
          dailyGrowth: 0.5,
          // ada, ben, cem, dan, eve after ada, fay, gus, ben
          weeklyGrowth: 0.25,
          retentionRate: 0.5,
        },
        {
          orgId: 'nameless',
          users: 0,
          activeUsers: 0,
          adoptionRate: 0,
          executions: 2.5,
          dailyGrowth: null,
          weeklyGrowth: null,
          retentionRate: null,
        },
      ],
    });
  });

  test('leave out the day that is not over, and do not end with a short window', async () => {
    const { reader, write } = await createStore();
    write([...used('acme', 0, 'ada', 'ben'), ...used('acme', 1, 'ada'), ...used('acme', 2, 'ada', 'ben', 'cem')]);
    const growth = async (options: object): Promise<unknown> =>
      (await reader.getAdoption('parse', { ...options, orgId: 'acme' })).organisations[0]?.dailyGrowth;
    expect(await growth({})).toBe(1);
    // A ms before midnight is the whole day before it.
    expect(await growth({ to: now })).toBeCloseTo(-2 / 3, 12);
    expect(await growth({ from: now - 5, to: now + 1 })).toBe(1);
    // What is yet to come has not been used less.
    expect(await growth({ to: now + 5 * dayMs })).toBe(1);
  });
});

test('an organisation that is asked for is there, whether it uses the skill or not', async () => {
  const { reader, write } = await createStore();
  write([...used('acme', 0, 'ada'), execution({ name: 'draw', orgId: 'beta', userId: 'ben', at: now })]);
  const nothing = { users: 0, adoptionRate: 0, executions: 0, dailyGrowth: null };
  expect((await reader.getAdoption('parse', { orgId: 'beta' })).organisations).toMatchObject([
    { orgId: 'beta', activeUsers: 1, ...nothing },
  ]);
  expect((await reader.getAdoption('parse', { orgId: 'unknown' })).organisations).toMatchObject([
    { orgId: 'unknown', activeUsers: 0, ...nothing },
  ]);
  expect((await reader.getAdoption('unknown')).organisations).toEqual([]);
  const { users, organisations } = await reader.getAdoption('parse', { orgId: 'acme' });
  expect([users, organisations.length]).toEqual([1, 1]);
});

test('a window that is yet to come ends where it begins, and nobody is in it', async () => {
  const { reader, write } = await createStore();
  write(used('acme', 0, 'ada'));
  const from = Date.now() + 86_400_000;
  expect(await reader.getAdoption('parse', { from })).toMatchObject({ from, to: from, users: 0 });
});

test('of more users than are kept one by one is an estimate', async () => {
  const { reader, write } = await createStore();
  const many = 20_000;
  const some = (from: number, to: number, days: number): AnalyticsEvent[] =>
    Array.from({ length: to - from }, (_, at) =>
      execution({ name: 'parse', orgId: 'acme', userId: `user-${from + at}`, at: now - days * dayMs }),
    );
  write(some(0, many, 7));
  write(some(many / 2, many * 2, 0));
  write([execution({ name: 'draw', orgId: 'acme', userId: 'user-0', at: now })]);
  const [acme] = (await reader.getAdoption('parse')).organisations;
  const about = (actual: number | null | undefined, expected: number): void => {
    expect(Math.abs((actual ?? 0) - expected) / expected).toBeLessThan(0.06);
  };
  about(acme?.users, 2 * many);
  about(acme?.adoptionRate, 1);
  expect(acme?.adoptionRate).toBeLessThanOrEqual(1);
  about(1 + (acme?.weeklyGrowth ?? 0), 1.5);
  about(acme?.retentionRate, 0.5);
});
