import { join } from 'node:path';
import type { AnalyticsEvent, Recommendation } from '@toolweaver/analytics-core';
import { execution, health } from '@toolweaver/analytics-testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { now } from './support/arbitrary.ts';
import { testFolder } from './support/folder.ts';
import { createStore } from './support/in-process.ts';
import { open } from './support/open.ts';
import { forget } from './support/operations.ts';
import { recommendations } from './support/oracle-skills.ts';
import { query } from './support/rows.ts';
import { expectSame } from './support/same.ts';
import { forAnySkills, orgs, users } from './support/skills.ts';

beforeAll(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('agree with a count by hand', async () => {
  const options = fc.record({
    userId: fc.constantFrom(...users, 'unknown'),
    orgId: orgs,
    limit: fc.constantFrom(undefined, 1, 100),
    types: fc.constantFrom(undefined, ['collaborative' as const], ['trending' as const], []),
    days: fc.constantFrom(undefined, 1, 4.5, 60),
  });
  await forAnySkills(options, async ({ reader }, history, { userId, ...rest }) => {
    const found = await reader.getRecommendations(userId, rest);
    expectSame(
      found.map(({ id: _id, reason: _reason, ...one }) => one),
      recommendations(history, userId, rest),
    );
  });
});

/** What each user uses, today. */
function using(skills: Readonly<Record<string, readonly string[]>>): AnalyticsEvent[] {
  return Object.entries(skills).flatMap(([userId, names]) =>
    names.map((name) => execution({ name, userId, at: now - 1 })),
  );
}

const shown = (found: readonly Recommendation[]): unknown[] =>
  found.map(({ skillId, type, score, reason }) => [skillId, type, Number(score.toFixed(6)), reason]);

describe('collaborative ones', () => {
  test('are what users like this one use, and say why', async () => {
    const { reader, write } = await createStore();
    write(
      using({
        me: ['a', 'b'],
        // Alike by 2 of 3, 1 of 4, and not at all.
        near: ['a', 'b', 'c'],
        far: ['b', 'c', 'd'],
        stranger: ['d', 'e'],
      }),
    );
    const found = await reader.getRecommendations('me', { types: ['collaborative'] });
    expect(shown(found)).toEqual([
      [
        'c',
        'collaborative',
        1,
        '2 of the 2 users who share skills with you use it: 100 %, weighted by how much they share.',
      ],
      // 1/4 of 2/3 + 1/4
      [
        'd',
        'collaborative',
        0.272727,
        '1 of the 2 users who share skills with you uses it: 27 %, weighted by how much they share.',
      ],
    ]);
  });

  test('come from a single user, too', async () => {
    const { reader, write } = await createStore();
    write(using({ me: ['a'], other: ['a', 'b'] }));
    expect(shown(await reader.getRecommendations('me', { types: ['collaborative'] }))).toEqual([
      ['b', 'collaborative', 1, 'The one user who shares skills with you uses it.'],
    ]);
  });

  test('are in order of their names where as much speaks for each, in whatever order it adds up', async () => {
    const { reader, write } = await createStore();
    write(
      using({
        me: ['a'],
        // Alike by 1/2, 1/3 and 1/6, whose sum is less than that of 1/6, 1/3 and 1/2 by its last digit.
        one: ['a', 'x'],
        two: ['a', 'x', 'c'],
        three: ['a', 'x', 'c', 'd', 'e', 'f'],
        four: ['a', 'y', 'c', 'd', 'e', 'f'],
        five: ['a', 'y', 'c'],
        six: ['a', 'y'],
      }),
    );
    const found = await reader.getRecommendations('me', { types: ['collaborative'], limit: 3 });
    expect(found.map(({ skillId, score }) => [skillId, score])).toEqual([
      ['c', 0.5],
      ['x', 0.5],
      ['y', 0.5],
    ]);
  });

  test('need a user who has used something in the window and in the organisation', async () => {
    const { reader, write } = await createStore();
    write([
      ...using({ other: ['a', 'b'] }),
      execution({ name: 'a', userId: 'me', at: now - 31 * dayMs }),
      execution({ name: 'a', userId: 'me', orgId: 'acme', at: now }),
      execution({ name: 'a', userId: 'colleague', orgId: 'acme', at: now }),
      execution({ name: 'c', userId: 'colleague', orgId: 'acme', at: now }),
    ]);
    const names = async (options: object): Promise<string[]> =>
      (await reader.getRecommendations('me', { types: ['collaborative'], ...options })).map(({ skillId }) => skillId);
    expect(await names({ orgId: 'acme' })).toEqual(['c']);
    expect(await names({ orgId: 'beta' })).toEqual([]);
    expect(await names({})).toEqual(['b', 'c']);
    expect(await reader.getRecommendations('nobody', { types: ['collaborative'] })).toEqual([]);
  });
});

describe('trending ones', () => {
  test('are not those that are used as much as before, whatever the order that fractions were added up in', async () => {
    const { reader, write } = await createStore();
    const sampled = (at: number) => Array.from({ length: 5 }, () => execution({ name: 'a', at, weight: 1 / 0.7 }));
    const failed = (at: number) => execution({ name: 'a', at, success: false });
    const [before, since] = [now - 20 * dayMs, now - dayMs];
    write([...sampled(before), failed(before), failed(since), ...sampled(since)]);
    expect(await reader.getRecommendations('me')).toEqual([]);
  });

  const used = (name: string, earlier: number, later: number): AnalyticsEvent[] => [
    ...Array.from({ length: earlier }, () => execution({ name, at: now - 20 * dayMs })),
    ...Array.from({ length: later }, () => execution({ name, at: now - dayMs })),
  ];

  test('go by growth, not by use, and a first few uses are no boundless growth', async () => {
    const { reader, write } = await createStore();
    write([
      ...used('steady', 500, 500),
      ...used('falling', 300, 200),
      ...used('growing', 20, 60),
      ...used('new', 0, 2),
    ]);
    expect(shown(await reader.getRecommendations('me'))).toEqual([
      // 40 / 90, 2 / 12
      ['growing', 'trending', 0.444444, '60 executions in the last 15 days, 20 in the 15 days before.'],
      ['new', 'trending', 0.166667, '2 executions in the last 15 days, 0 in the 15 days before.'],
    ]);
    const [one] = await reader.getRecommendations('me', { days: 3 });
    expect(one?.reason).toBe('500 executions in the last 36 hours, 0 in the 36 hours before.');
  });

  test('count nothing in both halves where only cells are left of the middle', async () => {
    const { reader, write, db } = await createStore();
    // At 5:45.
    const middle = now + 1 - 42.25 * hourMs;
    const some = (count: number, hours: number): AnalyticsEvent[] =>
      Array.from({ length: count }, () => execution({ name: 'a', at: middle + hours * hourMs, orgId: 'acme' }));
    write([...some(10, -20), ...some(6, -4), ...some(4, -0.25), ...some(30, 40)]);
    const reasons = async (options: object = {}): Promise<string[]> =>
      (await reader.getRecommendations('me', { days: 84.5 / 24, ...options })).map(({ reason }) => reason);
    const reason = (later: number, earlier: number): string =>
      `${later} executions in the last 42.3 hours, ${earlier} in the 42.3 hours before.`;
    const orgId = 'acme';
    expect([await reasons(), await reasons({ orgId })]).toEqual([[reason(30, 20)], [reason(30, 20)]]);
    // Only the hour, or the day of an organisation, is left of what was at the middle.
    forget({ db }, middle + hourMs, 0);
    expect([await reasons(), await reasons({ orgId })]).toEqual([[reason(34, 16)], [reason(40, 10)]]);
    const setFloor = db.prepare('UPDATE floors SET before = ? WHERE name = ?');
    setFloor.run(now + 1 - dayMs, 'hours');
    expect(await reasons()).toEqual([reason(40, 10)]);
    setFloor.run(now + 1, 'executions');
    // Both halves are in one day.
    expect(await reasons({ orgId, days: 1 })).toEqual([]);
  });

  test('leave out what the user uses, and fill up what the others leave', async () => {
    const { reader, write } = await createStore();
    write([...used('hot', 0, 50), ...used('warm', 0, 9), ...using({ me: ['hot', 'a'], other: ['a', 'b'] })]);
    const names = async (limit: number): Promise<string[]> =>
      (await reader.getRecommendations('me', { limit })).map(({ skillId, type }) => `${type} ${skillId}`);
    expect(await names(5)).toEqual(['collaborative b', 'trending warm']);
    expect(await names(1)).toEqual(['collaborative b']);
  });
});

test('looks for deprecated skills among the scores that say so, however many do not', async () => {
  const { reader, db, write, statementsOf } = await createStore();
  write(using({ me: ['a'] }));
  for (const ask of [() => reader.getRecommendations('me'), () => reader.getSkillMetrics('a')]) {
    const [statement, ...others] = (await statementsOf(ask)).filter((text) =>
      text.includes('e.deprecated IS NOT NULL'),
    );
    expect(others).toEqual([]);
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${statement}`).all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail)).toContain('SEARCH e USING INDEX health_events_deprecated (subject=?)');
  }
});

test('deprecated skills are not recommended, until they are no longer', async () => {
  const { reader, write } = await createStore();
  write([
    ...using({ me: ['a'], other: ['a', 'b'] }),
    health({ skillId: 'b', score: 9, deprecated: true, at: now - 9 }),
  ]);
  expect(await reader.getRecommendations('me')).toEqual([]);
  write([health({ skillId: 'b', score: 50, at: now - 8 })]);
  expect(await reader.getRecommendations('me')).toEqual([]);
  write([health({ skillId: 'b', score: 90, deprecated: false, at: now - 7 })]);
  expect(await reader.getRecommendations('me')).toHaveLength(1);
});

test('where only a sample of the users is kept, they are estimates, and nothing of the own is recommended', async () => {
  const { reader, write } = await createStore();
  const many = Array.from({ length: 20_000 }, (_, at) => `user-${at}`);
  write(many.map((userId) => execution({ name: 'common', userId, at: now })));
  write(many.slice(0, 5_000).map((userId) => execution({ name: 'frequent', userId, at: now })));
  write(many.slice(0, 2_500).map((userId) => execution({ name: 'odd', userId, at: now })));
  // Which of the users are in the sample of `common` does not matter to any of them.
  for (const at of [7, 8, 9, 10, 4_000, 4_001]) {
    const found = await reader.getRecommendations(`user-${at}`, { types: ['collaborative'] });
    expect(found.map(({ skillId }) => skillId)).toEqual(at < 2_500 ? [] : ['odd']);
  }
  const [first, second] = await reader.getRecommendations('user-19000', { types: ['collaborative'] });
  expect([first?.skillId, second?.skillId]).toEqual(['frequent', 'odd']);
  // Alike by 1 of 1 (15 000 users), 1 of 2 (2500) and 1 of 3 (2500).
  const all = 15_000 + 2_500 / 2 + 2_500 / 3;
  expect(Math.abs((first?.score ?? 0) - (2_500 / 2 + 2_500 / 3) / all)).toBeLessThan(0.01);
  expect(first?.reason).toMatch(/^About \d+ of the \d+ users who share skills with you use it: 1[12] %, weighted/);
});

describe('the log', () => {
  test('keeps what was recommended, and what became of it', async () => {
    const path = join(testFolder(), 'analytics.db');
    const { reader, ...backend } = await open({ path });
    await backend.write([...using({ me: ['a'], other: ['a', 'b'] }), ...using({ third: ['a', 'c', 'd'] })]);
    const found = await reader.getRecommendations('me');
    expect(found.map(({ skillId }) => skillId)).toEqual(['b', 'c', 'd']);
    const [first, second] = found as [Recommendation, Recommendation];
    expect(found.every(({ id }) => uuid.test(id))).toBe(true);

    expect(await reader.recordRecommendationFeedback(first.id, 'clicked')).toBe(true);
    vi.setSystemTime(now + 1000);
    expect(await reader.recordRecommendationFeedback(first.id.toUpperCase(), 'clicked')).toBe(true);
    expect(await reader.recordRecommendationFeedback(first.id, 'installed')).toBe(true);
    expect(await reader.recordRecommendationFeedback('0190a000-0000-7000-8000-000000000000', 'clicked')).toBe(false);
    expect(await reader.recordRecommendationFeedback("' OR 1=1 --", 'clicked')).toBe(false);
    expect(await reader.recordRecommendationFeedback(`${first.id}x`, 'clicked')).toBe(false);
    vi.setSystemTime(now);

    const logged = await reader.listRecommendations({ userId: 'me' });
    expect(logged.map(({ skillId }) => skillId).sort()).toEqual(['b', 'c', 'd']);
    expect(logged.find(({ id }) => id === first.id)).toEqual({
      ...first,
      userId: 'me',
      orgId: null,
      recommendedAt: now,
      clickedAt: now,
      installedAt: now + 1000,
    });
    expect(logged.find(({ id }) => id === second.id)).toMatchObject({ clickedAt: null, installedAt: null });
    expect(query(path, 'SELECT hex(id) AS id, score, at FROM recommendations WHERE clicked_at IS NOT NULL')).toEqual([
      { id: first.id.replaceAll('-', '').toUpperCase(), score: first.score, at: now },
    ]);
  });

  test('keeps the id of what is recommended again, with the latest figures and the first feedback', async () => {
    const { reader, write } = await createStore();
    write(using({ me: ['a'], other: ['a', 'b'], third: ['a', 'x'] }));
    const before = await reader.getRecommendations('me');
    const ofB = before.find(({ skillId }) => skillId === 'b') as Recommendation;
    await reader.recordRecommendationFeedback(ofB.id, 'clicked');
    write(using({ fourth: ['a', 'b'] }));
    vi.setSystemTime(now + 50);
    const again = await reader.getRecommendations('me');
    vi.setSystemTime(now);
    expect(again.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    const [logged] = await reader.listRecommendations({ skillId: 'b' });
    expect(logged).toMatchObject({ id: ofB.id, recommendedAt: now + 50, clickedAt: now, type: 'collaborative' });
    expect(logged?.score).toBeGreaterThan(ofB.score);
    expect(await reader.listRecommendations()).toHaveLength(2);
  });

  test('tells users and organisations apart', async () => {
    const { reader, write } = await createStore();
    for (const orgId of ['acme', 'beta']) {
      write(using({ me: ['a'], you: ['a'], other: ['a', 'b'] }).map((event) => ({ ...event, orgId })));
    }
    const ids = new Set<string | undefined>();
    for (const [userId, options] of [
      ['me', {}],
      ['me', { orgId: 'acme' }],
      ['me', { orgId: 'beta' }],
      ['you', {}],
    ] as const) {
      ids.add((await reader.getRecommendations(userId, options))[0]?.id);
      ids.add((await reader.getRecommendations(userId, options))[0]?.id);
    }
    expect(ids.size).toBe(4);
    const logged = await reader.listRecommendations({ userId: 'me' });
    expect(logged.map(({ orgId }) => orgId).sort()).toEqual(['acme', 'beta', null]);
  });

  test('is listed newest first, then by id, up to the limit', async () => {
    const { reader, write } = await createStore();
    write(using({ me: ['a'], you: ['a'], other: ['a', 'b', 'c', 'd', 'e'] }));
    await reader.getRecommendations('you');
    vi.setSystemTime(now + 1);
    await reader.getRecommendations('me', { limit: 2 });
    vi.setSystemTime(now);
    const logged = await reader.listRecommendations();
    expect(logged.map(({ userId }) => userId)).toEqual(['me', 'me', 'you', 'you', 'you', 'you']);
    expect(logged.slice(0, 2).map(({ id }) => id)).toEqual(
      logged
        .slice(0, 2)
        .map(({ id }) => id)
        .sort(),
    );
    expect(logged.slice(2).map(({ id }) => id)).toEqual(
      logged
        .slice(2)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await reader.listRecommendations({ limit: 3 })).toEqual(logged.slice(0, 3));
    expect(await reader.listRecommendations({ userId: 'nobody' })).toEqual([]);
  });

  test('is not begun by a question that finds nothing', async () => {
    const { reader, db } = await createStore();
    expect(await reader.getRecommendations('me')).toEqual([]);
    expect(db.prepare('SELECT count(*) AS texts FROM dictionary').get()).toEqual({ texts: 0 });
  });

  test('goes with its user when that is erased', async () => {
    const { reader, store, ...backend } = await open({ path: join(testFolder(), 'analytics.db') });
    await backend.write(using({ me: ['a'], you: ['a'], other: ['a', 'b'] }));
    await reader.getRecommendations('me');
    await reader.getRecommendations('you');
    await store.erase({ userId: 'me' });
    expect((await reader.listRecommendations()).map(({ userId }) => userId)).toEqual(['you']);
  });
});

test('what cannot be logged is not recommended: the call rejects', async () => {
  const path = join(testFolder(), 'analytics.db');
  const { reader, ...backend } = await open({ path, busyTimeoutMs: 100 });
  await backend.write(using({ me: ['a'], other: ['a', 'b'] }));
  // Adds up what was written, which needs the lock, too.
  await reader.getLeaderboard();
  const { default: Database } = await import('better-sqlite3');
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(reader.getRecommendations('me')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  other.exec('ROLLBACK');
  other.close();
  expect(await reader.getRecommendations('me')).toHaveLength(1);
});
