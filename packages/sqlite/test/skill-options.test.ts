import type { AnalyticsReader } from '@toolweaver/analytics-core';
import { describe, expect, test } from 'vitest';
import { createStore } from './support/in-process.ts';

type Ask = (reader: AnalyticsReader) => Promise<unknown>;

async function problemsOf(ask: Ask): Promise<string[]> {
  const store = await createStore();
  try {
    const error = await ask(store.reader).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
    return error.problems.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`);
  } finally {
    store.close();
  }
}

const wrong = { days: -1, orgId: 7, limit: 1001 } as never;
const text = 'must be a text that is not empty';

describe('wrong options are refused, all at once', () => {
  const days = 'days must be a finite number above 0, got -1';
  const org = `orgId ${text}, got 7`;
  const limit = 'limit must be a whole number from 1 to 1000, got 1001';
  const calls: [string, Ask, string[]][] = [
    ['getSkillUsage', (it) => it.getSkillUsage('', wrong), [`skillId ${text}, got ""`, days, org]],
    ['getSkillMetrics', (it) => it.getSkillMetrics(null as never, wrong), [`skillId ${text}, got null`, org]],
    ['getSkillHealth', (it) => it.getSkillHealth({} as never, wrong), [`skillId ${text}, got an object`, days, org]],
    [
      'listSkillHealth',
      (it) => it.listSkillHealth({ ...(wrong as object), skillIds: ['a', '', 1, undefined] as never }),
      [days, org, `skillIds[1] ${text}, got ""`, `skillIds[2] ${text}, got 1`, 'skillIds[3] must be given', limit],
    ],
    ['listSkillHealth of a text', (it) => it.listSkillHealth({ skillIds: 'a' as never }), ['skillIds must be a list']],
    [
      'getLeaderboard',
      (it) =>
        it.getLeaderboard({
          ...(wrong as object),
          metric: 'fame',
          period: 'year',
          kind: 'x',
          minExecutions: -1,
        } as never),
      [
        'metric must be one of executions, success, successLowerBound, latency, rating, cost, adoption, got "fame"',
        'period must be one of day, week, month, all, got "year"',
        org,
        limit,
        'minExecutions must be a finite number from 0, got -1',
        'kind must be one of skill, tool, llm, agent, search, operation, got "x"',
      ],
    ],
    ['getTopSkills', (it) => it.getTopSkills(wrong), [days, org, limit]],
    [
      'getAdoption',
      (it) => it.getAdoption('', { ...(wrong as object), range: {} }),
      [`skillId ${text}, got ""`, days, org, 'days must not be given together with range'],
    ],
    [
      'getAdoption of a range',
      (it) => it.getAdoption('a', { range: { from: 2, to: 1 } }),
      ['range.from must not be after to (1), got 2'],
    ],
    [
      'getAdoption of a range of dates',
      (it) => it.getAdoption('a', { range: { from: new Date(0) as never } }),
      ['range.from must be a time in Unix ms, as of Date.now(), got a Date'],
    ],
    [
      'getRecommendations',
      (it) => it.getRecommendations(undefined as never, { ...(wrong as object), types: ['popular'] as never }),
      ['userId must be given', days, org, limit, 'types[0] must be one of collaborative, trending, got "popular"'],
    ],
    [
      'recordRecommendationFeedback',
      (it) => it.recordRecommendationFeedback('', 'liked' as never),
      [`id ${text}, got ""`, 'feedback must be one of clicked, installed, got "liked"'],
    ],
    [
      'recordRecommendationFeedback of nothing',
      (it) => it.recordRecommendationFeedback('x', undefined as never),
      ['feedback must be one of clicked, installed, got null'],
    ],
    [
      'listRecommendations',
      (it) => it.listRecommendations({ userId: '', skillId: Symbol('s') as never, limit: 0 }),
      [
        `userId ${text}, got ""`,
        `skillId ${text}, got Symbol(s)`,
        'limit must be a whole number from 1 to 1000, got 0',
      ],
    ],
  ];
  test.each(calls)('%s', async (_method, ask, expected) => {
    expect((await problemsOf(ask)).sort()).toEqual(expected.toSorted());
  });
});
