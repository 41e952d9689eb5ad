import type {
  LeaderboardMetric,
  LeaderboardOptions,
  Period,
  RecommendationFeedback,
  RecommendationOptions,
  RecommendationType,
  SkillHealthListOptions,
  SkillHealthOptions,
  SkillReader,
  SkillUsageOptions,
  TimeRange,
} from '@toolweaver/analytics-core';
import {
  checkOptions,
  executionKinds,
  type OptionChecks,
  type OptionNames,
  parseUuid,
} from '@toolweaver/analytics-core/backend';
import type { Ask, Question } from '../answers/answers.ts';
import { dayMs } from '../cell.ts';
import type { Keep } from '../changes/changes.ts';
import {
  checkClosedWindow,
  checkDays,
  checkId,
  checkLimit,
  checkWindow,
  isOpen,
  lastDays,
  usualDays,
  windowNames,
} from './options.ts';
import { showList } from './show-list.ts';

const metrics: readonly LeaderboardMetric[] = [
  'executions',
  'success',
  'successLowerBound',
  'latency',
  'rating',
  'cost',
  'adoption',
];
const skillNames: OptionNames<SkillUsageOptions> = { ...windowNames, orgId: true };
const healthListNames: OptionNames<SkillHealthListOptions> = { ...skillNames, skillIds: true, limit: true };
const leaderboardNames: OptionNames<LeaderboardOptions> = {
  ...windowNames,
  metric: true,
  period: true,
  orgId: true,
  limit: true,
  minExecutions: true,
  kind: true,
};
const recommendationNames: OptionNames<RecommendationOptions> = { orgId: true, limit: true, types: true, days: true };
const periods: readonly Period[] = ['day', 'week', 'month', 'all'];
const periodDays = { day: 1, week: 7, month: 30 };
const types: readonly RecommendationType[] = ['collaborative', 'trending'];
const feedbacks: readonly RecommendationFeedback[] = ['clicked', 'installed'];

export function skillReader(ask: Ask, keep: Keep): SkillReader {
  return {
    async getSkillUsage(skillId, options) {
      const filter = checkOptions(options, skillNames, (check, given) => ({
        kind: 'skill' as const,
        name: checkId(check, 'skillId', skillId),
        orgId: check.id('orgId', given.orgId),
        ...checkClosedWindow(check, given),
      }));
      return ask('usage', { filter });
    },

    async getSkillMetrics(skillId, options) {
      const question = checkOptions(options, { orgId: true }, (check, given) => ({
        skillId: checkId(check, 'skillId', skillId),
        orgId: check.id('orgId', given.orgId),
      }));
      return ask('metrics', question);
    },

    async getSkillHealth(skillId, options) {
      const question = checkOptions(options, skillNames, (check, given) => ({
        filter: checkHealthWindow(check, given),
        skillIds: [checkId(check, 'skillId', skillId)],
        limit: 1,
      }));
      return (await ask('health', question))[0];
    },

    async listSkillHealth(options) {
      const question = checkOptions(options, healthListNames, (check, given) => ({
        filter: checkHealthWindow(check, given),
        skillIds: checkList(check, 'skillIds', given.skillIds, (field, id) => checkId(check, field, id)),
        limit: checkLimit(check, given.limit) ?? 100,
      }));
      return ask('health', question);
    },

    async getLeaderboard(options) {
      const question = checkOptions(options, leaderboardNames, (check, given): Question<'leaderboard'> => {
        const { metric, orgId, limit, minExecutions, kind } = given;
        const rankedBy = check.choice('metric', metric, metrics) ?? 'executions';
        const window = checkPeriod(check, given);
        const least = check.number('minExecutions', minExecutions, { min: 0 });
        return {
          metric: rankedBy,
          filter: { orgId: check.id('orgId', orgId), ...window },
          limit: checkLimit(check, limit) ?? 10,
          minExecutions: least ?? (rankedBy === 'rating' ? 0 : 1),
          kind: check.choice('kind', kind, executionKinds) ?? 'skill',
        };
      });
      return ask('leaderboard', question);
    },

    async getTopSkills(options) {
      const question = checkOptions(
        options,
        { ...skillNames, limit: true },
        (check, given): Question<'leaderboard'> => ({
          metric: 'executions',
          kind: 'skill',
          filter: { orgId: check.id('orgId', given.orgId), ...checkClosedWindow(check, given) },
          limit: checkLimit(check, given.limit) ?? 10,
          minExecutions: 1,
        }),
      );
      return ask('leaderboard', question);
    },

    async getAdoption(skillId, options) {
      const question = checkOptions(options, skillNames, (check, given): Question<'adoption'> => {
        const { from, to } = checkClosedWindow(check, given);
        const end = Math.min(to, Date.now() + 1);
        return {
          skillId: checkId(check, 'skillId', skillId),
          from,
          to,
          orgId: check.id('orgId', given.orgId),
          endOfDays: end - (end % dayMs),
        };
      });
      return ask('adoption', question);
    },

    async getRecommendations(userId, options) {
      const question = checkOptions(options, recommendationNames, (check, given): Question<'recommend'> => {
        const { orgId, limit, types: wanted, days } = given;
        return {
          userId: checkId(check, 'userId', userId),
          orgId: check.id('orgId', orgId),
          limit: checkLimit(check, limit) ?? 5,
          types: checkList(check, 'types', wanted, (field, type) => check.required.choice(field, type, types)) ?? types,
          ...lastDays(checkDays(check, days) ?? usualDays),
        };
      });
      const candidates = await ask('recommend', question);
      if (candidates.length === 0) {
        return [];
      }
      const { userId: user, orgId, to } = question;
      const ids = await keep('recommend', { userId: user, orgId, at: to - 1, candidates });
      return candidates.map((candidate, at) => ({ id: ids[at] ?? '', ...candidate }));
    },

    async recordRecommendationFeedback(id, feedback) {
      const given = checkOptions(undefined, {}, (check) => ({
        id: checkId(check, 'id', id),
        feedback: check.required.choice('feedback', feedback, feedbacks) ?? 'clicked',
        at: Date.now(),
      }));
      return parseUuid(given.id) !== undefined && keep('feedback', given);
    },

    async listRecommendations(options) {
      const question = checkOptions(options, { userId: true, skillId: true, limit: true }, (check, given) => ({
        userId: check.id('userId', given.userId),
        skillId: check.id('skillId', given.skillId),
        limit: checkLimit(check, given.limit) ?? 100,
      }));
      return ask('recommendations', question);
    },
  };
}

function checkHealthWindow(check: OptionChecks, given: SkillHealthOptions): Question<'health'>['filter'] {
  return { ...checkClosedWindow(check, given), orgId: check.id('orgId', given.orgId) };
}

function checkPeriod(check: OptionChecks, { period, days, from, to }: LeaderboardOptions): TimeRange {
  const window = { days, from, to };
  if (period !== undefined && !isOpen(window)) {
    check.problem('period', 'must not be given together with days, from or to');
  }
  const given = check.choice('period', period, periods) ?? 'all';
  return checkWindow(check, window, given === 'all' ? undefined : periodDays[given]);
}

function checkList<T>(
  check: OptionChecks,
  field: string,
  values: unknown,
  read: (field: string, value: unknown) => T | undefined,
): T[] | undefined {
  if (values === undefined) {
    return undefined;
  }
  if (!Array.isArray(values)) {
    return check.problem(field, `must be a list, got ${showList(values)}`);
  }
  // `Array.from` turns holes into undefined, so that they are checked, too.
  return Array.from(values, (value, at) => read(`${field}[${at}]`, value)).filter((value) => value !== undefined);
}
