import { AnalyticsError, type AnalyticsReader } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { encode } from '../control/control.ts';
import { but, forgetting, type Mutants, misheard, misspoken, reading } from './altered.ts';

export const readerMutants: Mutants = {
  'the summary agrees with the far side': {
    'counts each sampled execution once': reading((reader, { server }) => ({
      summary: (options) => but(reader.summary(options), () => ({ executions: server.rows().length })),
    })),
    'forgets the cost': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ totalCostUsd: 0 })),
    })),
    'counts two classes of tokens': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ totalTokens }) => ({ totalTokens: totalTokens - 4 * 7 })),
    })),
    'takes those that asked no cache for misses': reading((reader) => ({
      summary: (options) => but(reader.summary(options), () => ({ cacheHitRate: 3 / 14 })),
    })),
    'has the fastest for the slowest': reading((reader) => ({
      summary: (options) => but(reader.summary(options), ({ slowest }) => ({ slowest: slowest.toReversed() })),
    })),
    'leaves out agents': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ operations }) => ({
          operations: operations.filter(({ kind }) => kind !== 'agent'),
        })),
    })),
    'counts failures of a known type only': reading((reader) => ({
      summary: (options) =>
        but(reader.summary(options), ({ failuresByType }) => ({
          failuresByType: failuresByType.filter(({ errorType }) => errorType !== 'unknown'),
        })),
    })),
    'counts the question as an execution': reading((reader, { server }) => ({
      async summary(options) {
        const right = await reader.summary(options);
        server.post(encode([execution({ kind: 'operation', name: 'summary' })]));
        return right;
      },
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
    'has the oldest of a page first': misspoken('listExecutions', (page, { limit } = {}) => ({
      ...page,
      executions: limit === undefined ? page.executions : page.executions.toReversed(),
    })),
    'has the oldest first without a filter': misspoken('listExecutions', (page, filter) => ({
      ...page,
      executions: filter === undefined ? page.executions.toReversed() : page.executions,
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
    'takes them for an event': reading(() => ({
      summary: () =>
        Promise.reject(
          new AnalyticsError('INVALID_EVENT', 'no time', {
            problems: [{ field: 'from', message: 'is no time' }],
          }),
        ),
    })),
    'takes times in seconds': misheard('summary', (options) => [
      Number(options?.to) < 1e10 ? { ...options, from: undefined, to: undefined } : options,
    ]),
    'looks at one end of a window': misheard('summary', (options) => [{ ...options, to: undefined }]),
    'names the first problem': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, metric: undefined }),
    })),
    'starts again at an unknown cursor': reading((reader) => ({
      listExecutions: (filter) => reader.listExecutions(filter),
    })),
    'starts the list of runs again': misheard('listRuns', (filter) => [filter]),
    'leaves out runs that are unknown': reading((reader) => ({
      compareRuns: (runIds) =>
        reader.compareRuns(runIds).catch(() => ({ runs: [], config: {}, metrics: {}, differences: [] })),
    })),
    'takes as many buckets as it is asked for': misheard('getTrend', (options) => [{ ...options, days: 1 }]),
    'takes ends in any order': forgetting('getLatency', 'bucketsMs'),
    'takes shares for percentiles': forgetting('getLatency', 'percentiles'),
  },
};
