import type { AnalyticsReader } from '@toolweaver/analytics-core';
import { type Mutants, reading } from './altered.ts';

/** Answers with some fields replaced. */
async function but<T extends object>(answer: Promise<T>, change: (answer: T) => Partial<T>): Promise<T> {
  const right = await answer;
  return { ...right, ...change(right) };
}

export const readerMutants: Mutants = {
  'the summary agrees with the far side': {
    'counts each sampled execution once': reading((reader, { server }) => ({
      summary: (options) => but(reader.summary(options), () => ({ executions: server.rows().length })),
    })),
    'forgets the cost': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ totalCostUsd: 0 })),
    })),
    'counts two classes of tokens': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ totalTokens }) => ({ totalTokens: totalTokens - 4 * 92 })),
    })),
    'takes those that asked no cache for misses': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ cacheHitRate: 3 / 14 })),
    })),
    'has the fastest for the slowest': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ slowest }) => ({ slowest: slowest.toReversed() })),
    })),
    'leaves out agents': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ names }) => ({ names: names.filter(({ kind }) => kind !== 'agent') })),
    })),
    'counts failures of a known type only': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ failuresByType }) => ({
          failuresByType: failuresByType.filter(({ errorType }) => errorType !== 'unknown'),
        })),
    })),
    'is off by two percent at the median': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ latencyMs }) => ({
          latencyMs: { ...latencyMs, p50: (latencyMs.p50 ?? 0) * 1.02 },
        })),
    })),
  },
  'the summary of nothing has zeros and nulls': {
    'takes nothing for free': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ totalCostUsd: 0 })),
    })),
    'divides by zero': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ successRate: Number.NaN })),
    })),
  },
  'the usage of a skill agrees with the far side': {
    'counts users by execution': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ executions }) => ({ uniqueUsers: executions })),
    })),
    'averages the unknown as zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({
          latencyMs: { ...latencyMs, average: (latencyMs.average ?? 0) * (7.5 / 8.5) },
        })),
    })),
    'takes the last one recorded for the latest': reading((reader, { server }) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ lastUsedAt: server.rows().at(-1)?.at ?? null })),
    })),
    'looks at a week': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ to = 0 }) => ({ from: to - 7 * 86_400_000 })),
    })),
  },
  'the usage of a skill is that of its window and its organisation': {
    'forgets the window': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, days: 30 }),
    })),
    'forgets the organisation': reading((reader) => ({
      getSkillUsage: (skillId, options) => reader.getSkillUsage(skillId, { ...options, orgId: undefined }),
    })),
  },
  'a skill that nobody used has zeros and nulls': {
    'takes a tool for it': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), () => ({ executions: 1, successes: 1, successRate: 1 })),
    })),
    'knows nothing of it': reading(() => ({ getSkillUsage: () => Promise.reject(new Error('not found')) })),
    'has a latency of zero': reading((reader) => ({
      getSkillUsage: (skillId, options) =>
        but(reader.getSkillUsage(skillId, options), ({ latencyMs }) => ({ latencyMs: { ...latencyMs, average: 0 } })),
    })),
  },
  'the leaderboard ranks by each of its metrics': {
    'has the slowest first': reading((reader) => ({
      getLeaderboard: async (options) => {
        const board = await reader.getLeaderboard(options);
        return options?.metric === 'latency'
          ? board.toReversed().map((entry, at) => ({ ...entry, rank: at + 1 }))
          : board;
      },
    })),
    'ranks from zero': reading((reader) => ({
      getLeaderboard: async (options) =>
        (await reader.getLeaderboard(options)).map((entry) => ({ ...entry, rank: entry.rank - 1 })),
    })),
    'forgets the period': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, period: 'all' }),
    })),
    'forgets the limit': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, limit: 1000 }),
    })),
    'knows skills only': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, kind: 'skill' }),
    })),
    'leaves out what was only rated': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ minExecutions: 1, ...options }),
    })),
  },
  'every execution is listed once, newest first, page by page': {
    'lists in the order of recording': reading((reader, { server }) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        const order = server.rows().map(({ id }) => id);
        return {
          ...page,
          executions: page.executions.toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id)),
        };
      },
    })),
    'repeats the last one of a page': reading((reader) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        return page.nextCursor === undefined ? page : { ...page, nextCursor: String(Number(page.nextCursor) - 1) };
      },
    })),
    'loses a field': reading((reader) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        return { ...page, executions: page.executions.map((one) => ({ ...one, attributes: undefined })) };
      },
    })),
    'never ends': reading((reader) => ({
      listExecutions: async (filter) => ({ ...(await reader.listExecutions(filter)), nextCursor: '0' }),
    })),
  },
  'the list of executions keeps to its filter': Object.fromEntries(
    (['kind', 'name', 'success', 'errorType', 'orgId', 'userId', 'runId', 'from', 'to'] as const).map((field) => [
      `forgets \`${field}\``,
      reading((reader) => ({
        listExecutions: (filter, cursor) => reader.listExecutions({ ...filter, [field]: undefined }, cursor),
      })),
    ]),
  ),
  'the reader sees what was just written': {
    'remembers its first answer': reading((reader) => {
      let answer: ReturnType<AnalyticsReader['summary']> | undefined;
      return {
        summary(options) {
          answer ??= reader.summary(options);
          return answer;
        },
      };
    }),
  },
  'the reader refuses wrong options and names all of them': {
    'takes what it gets': reading((reader) => ({
      getSkillUsage: (skillId) => reader.getSkillUsage(skillId),
    })),
    'throws a TypeError': reading(() => ({
      summary: () => Promise.reject(new TypeError('Invalid time value')),
    })),
    'names the first problem': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, metric: undefined }),
    })),
    'starts again at an unknown cursor': reading((reader) => ({
      listExecutions: (filter) => reader.listExecutions(filter),
    })),
  },
};
