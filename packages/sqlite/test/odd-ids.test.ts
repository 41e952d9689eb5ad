import { join } from 'node:path';
import { type AnalyticsReader, createAnalytics } from '@toolweaver/analytics-core';
import { cleanId } from '@toolweaver/analytics-core/backend';
import { type SqliteBackend, sqlite } from '@toolweaver/analytics-sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newFolder } from './support/folder.ts';
import { value } from './support/rows.ts';

// Skills, users and organisations may be called anything: each is found again under the name it was recorded under.

const odd = [
  `'; DROP TABLE executions; --`,
  `' OR '1'='1`,
  `x' UNION SELECT text FROM dictionary --`,
  '"quoted"',
  '`back`',
  '[bracket]',
  '\\',
  '%',
  '_',
  '*',
  '?',
  '?1',
  ':name',
  '$1',
  '@user',
  '/*',
  '-- comment',
  'a;b',
  '__proto__',
  'constructor',
  'toString',
  'NULL',
  'null',
  'undefined',
  'true',
  '0',
  '-1',
  '1e999',
  'NaN',
  '[]',
  '{"$ne":null}',
  '$.a',
  'é',
  'e\u0301',
  'ß',
  'ẞ',
  'İ',
  'i',
  '日本',
  '🧶',
  '👩‍👩‍👧',
  '\u202eright to left',
  '\ufeffmark',
  'line\u2028separator',
  ' leading',
  'trailing ',
  'a\0b',
  '\0',
  'tab\tnew\nline',
  'next\u0085line',
  'lone \ud800 surrogate',
  'x'.repeat(256),
  '🧶'.repeat(200),
  `${'y'.repeat(1000)}'`,
];

const folder = newFolder();
const path = join(folder.path, 'analytics.db');
let backend: SqliteBackend;
let reader: AnalyticsReader;

beforeAll(async () => {
  backend = await sqlite({ path });
  const analytics = createAnalytics({ backends: [backend] });
  for (const id of odd) {
    const everywhere = { skillId: id, userId: id, orgId: id };
    analytics.recordSkillExecution({ ...everywhere, success: true, latencyMs: 10 });
    analytics.recordSkillRating({ ...everywhere, rating: 4 });
    analytics.updateHealthScore({ skillId: id, orgId: id, score: 70 });
    analytics.recordSkillExecution({ skillId: id, userId: 'colleague', orgId: id, success: true });
    analytics.recordSkillExecution({
      skillId: `${id.slice(0, 100)} too`,
      userId: 'colleague',
      orgId: id,
      success: true,
    });
  }
  expect((await analytics.flush()).ok).toBe(true);
  reader = analytics.reader;
});
afterAll(async () => {
  await backend.close?.();
  folder.dispose();
});

test('they differ from each other also when they are clean', () => {
  expect(new Set(odd.map(cleanId)).size).toBe(odd.length);
});

test.each(odd)('%j', async (id) => {
  const [skillId, userId, orgId] = [cleanId(id), cleanId(id), cleanId(id)];
  const also = cleanId(`${id.slice(0, 100)} too`);
  expect(await reader.getSkillUsage(id, { orgId: id })).toMatchObject({ skillId, executions: 2, uniqueUsers: 2 });
  expect(await reader.getSkillUsage(id)).toMatchObject({ skillId, executions: 2 });
  expect(await reader.getSkillMetrics(id, { orgId: id })).toMatchObject({ skillId, ratings: 1, healthScore: 70 });
  expect(await reader.getSkillHealth(id, { orgId: id })).toMatchObject({ skillId, score: 70, ratings: 1 });
  const listed = await reader.listSkillHealth({ skillIds: [id], orgId: id });
  expect(listed.map((health) => health.skillId)).toEqual([skillId]);
  const board = await reader.getLeaderboard({ orgId: id });
  expect(board.map(({ name, executions }) => [name, executions])).toEqual([
    [skillId, 2],
    [also, 1],
  ]);
  expect((await reader.getAdoption(id)).organisations).toMatchObject([{ orgId, users: 2, activeUsers: 2 }]);
  expect((await reader.getAdoption(id, { orgId: id })).organisations).toMatchObject([{ orgId, users: 2 }]);

  const [one, ...others] = await reader.getRecommendations(id, { orgId: id, types: ['collaborative'] });
  expect([one?.skillId, others]).toEqual([also, []]);
  expect(await reader.recordRecommendationFeedback(one?.id ?? '', 'installed')).toBe(true);
  expect(await reader.listRecommendations({ userId: id, skillId: also })).toMatchObject([
    { id: one?.id, userId, orgId, skillId: also },
  ]);
});

test('the tables are there, and hold what was recorded', () => {
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(3 * odd.length);
  expect(value(path, 'SELECT count(*) FROM recommendations')).toBe(odd.length);
});

test('a user is erased by the id that was recorded, whatever became of it', async () => {
  const used = async (): Promise<number> =>
    (await reader.listExecutions({ userId: 'a\0b', name: 'a\0b' })).executions.length;
  expect(await used()).toBe(1);
  const { rows } = await backend.store.erase({ userId: 'a\0b' });
  expect([rows.executions, await used()]).toEqual([1, 0]);
});
