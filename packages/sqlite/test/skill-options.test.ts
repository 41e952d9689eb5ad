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

const [days, orgId, limit] = [-1, 7, 1001] as never[];
const text = 'must be a non-empty string';

describe('wrong options are refused, all at once', () => {
  const noDays = 'days must be a finite number above 0, got -1';
  const noOrg = `orgId ${text}, got 7`;
  const noLimit = 'limit must be a whole number from 1 to 1000, got 1001';
  const calls: [string, Ask, string[]][] = [
    ['getSkillUsage', (it) => it.getSkillUsage('', { days, orgId }), [`skillId ${text}, got ""`, noDays, noOrg]],
    ['getSkillMetrics', (it) => it.getSkillMetrics(null as never, { orgId }), [`skillId ${text}, got null`, noOrg]],
    [
      'getSkillHealth',
      (it) => it.getSkillHealth({} as never, { days, orgId }),
      [`skillId ${text}, got an object`, noDays, noOrg],
    ],
    [
      'listSkillHealth',
      (it) => it.listSkillHealth({ days, orgId, limit, skillIds: ['a', '', 1, undefined] as never }),
      [
        noDays,
        noOrg,
        `skillIds[1] ${text}, got ""`,
        `skillIds[2] ${text}, got 1`,
        'skillIds[3] must be given',
        noLimit,
      ],
    ],
    [
      'listSkillHealth of a text',
      (it) => it.listSkillHealth({ skillIds: 'a' as never }),
      ['skillIds must be a list, got "a"'],
    ],
    [
      'getLeaderboard',
      (it) =>
        it.getLeaderboard({
          orgId,
          limit,
          metric: 'fame',
          period: 'year',
          kind: 'x',
          minExecutions: -1,
        } as never),
      [
        'metric must be one of executions, success, successLowerBound, latency, rating, cost, adoption, got "fame"',
        'period must be one of day, week, month, all, got "year"',
        noOrg,
        noLimit,
        'minExecutions must be a finite number >= 0, got -1',
        'kind must be one of skill, tool, llm, agent, search, operation, got "x"',
      ],
    ],
    ['getTopSkills', (it) => it.getTopSkills({ days, orgId, limit }), [noDays, noOrg, noLimit]],
    [
      'getAdoption',
      (it) => it.getAdoption('', { days, orgId, from: 0 }),
      [`skillId ${text}, got ""`, noDays, noOrg, 'days must not be given together with from or to'],
    ],
    [
      'getAdoption of a range',
      (it) => it.getAdoption('a', { from: 2, to: 1 }),
      ['from must not be after to (1), got 2'],
    ],
    [
      'getAdoption of a range of dates',
      (it) => it.getAdoption('a', { from: new Date(0) as never }),
      ['from must be a time in Unix ms, as of Date.now(), got a Date'],
    ],
    [
      'getRecommendations',
      (it) => it.getRecommendations(undefined as never, { days, orgId, limit, types: ['popular'] as never }),
      [
        'userId must be given',
        noDays,
        noOrg,
        noLimit,
        'types[0] must be one of collaborative, trending, got "popular"',
      ],
    ],
    [
      'recordRecommendationFeedback',
      (it) => it.recordRecommendationFeedback('', 'liked' as never),
      [`id ${text}, got ""`, 'feedback must be one of clicked, installed, got "liked"'],
    ],
    [
      'recordRecommendationFeedback of nothing',
      (it) => it.recordRecommendationFeedback('x', undefined as never),
      ['feedback must be one of clicked, installed, got undefined'],
    ],
    [
      'listRecommendations',
      (it) => it.listRecommendations({ userId: '', skillId: Symbol('s') as never, limit: 0 }),
      [`userId ${text}, got ""`, `skillId ${text}, got a symbol`, 'limit must be a whole number from 1 to 1000, got 0'],
    ],
  ];
  test.each(calls)('%s', async (_method, ask, expected) => {
    expect((await problemsOf(ask)).sort()).toEqual(expected.toSorted());
  });
});
