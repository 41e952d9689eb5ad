import type { LeaderboardMetric, Period, SkillReader } from '@toolweaver/analytics-core';
import type { Ask, Question } from '../answers/answers.ts';
import { checkOptions } from '../check.ts';
import { checkDays, checkLimit, kinds, lastDays } from './options.ts';

const metrics: readonly LeaderboardMetric[] = [
  'executions',
  'success',
  'successLowerBound',
  'latency',
  'rating',
  'cost',
  'adoption',
];
const periods: readonly Period[] = ['day', 'week', 'month', 'all'];
const periodDays = { day: 1, week: 7, month: 30 };

export function skillReader(ask: Ask): Pick<SkillReader, 'getSkillUsage' | 'getLeaderboard' | 'getTopSkills'> {
  return {
    async getSkillUsage(skillId, options) {
      const filter = checkOptions((check) => {
        const { days, orgId } = options ?? {};
        return {
          kind: 'skill' as const,
          name: check.text('skillId', skillId ?? '') ?? '',
          orgId: check.text('orgId', orgId),
          ...lastDays(checkDays(check, days) ?? 30),
        };
      });
      return ask('usage', { filter });
    },

    async getLeaderboard(options) {
      const question = checkOptions((check): Question<'leaderboard'> => {
        const { metric, period, orgId, limit, minExecutions, kind } = options ?? {};
        const rankedBy = check.choice('metric', metric, metrics) ?? 'executions';
        const window = check.choice('period', period, periods) ?? 'all';
        const least = check.number('minExecutions', minExecutions, { min: 0 });
        return {
          metric: rankedBy,
          filter: { orgId: check.text('orgId', orgId), ...(window !== 'all' && lastDays(periodDays[window])) },
          limit: checkLimit(check, limit) ?? 10,
          minExecutions: least ?? (rankedBy === 'rating' ? 0 : 1),
          kind: check.choice('kind', kind, kinds) ?? 'skill',
        };
      });
      return ask('leaderboard', question);
    },

    async getTopSkills(options) {
      const question = checkOptions((check): Question<'leaderboard'> => {
        const { days, orgId, limit } = options ?? {};
        return {
          metric: 'executions',
          kind: 'skill',
          filter: { orgId: check.text('orgId', orgId), ...lastDays(checkDays(check, days) ?? 30) },
          limit: checkLimit(check, limit) ?? 10,
          minExecutions: 1,
        };
      });
      return ask('leaderboard', question);
    },
  };
}
