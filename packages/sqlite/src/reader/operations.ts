import type {
  Bucket,
  CostGroup,
  ExecutionFilter,
  ExecutionOrder,
  HeatmapOptions,
  OperationReader,
} from '@toolweaver/analytics-core';
import type { Ask, Question } from '../answers/answers.ts';
import type { Position } from '../answers/executions.ts';
import { checkOptions } from '../check.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { checkLimit, checkNumbers, checkRange, checkReport, checkScope, checkWindow, kinds } from './options.ts';
import { checkTrendWindow, widths } from './trend-window.ts';

const costGroups: readonly CostGroup[] = [
  'operation',
  'kind',
  'model',
  'organisation',
  'user',
  'run',
  'skill',
  'tool',
  'agent',
];
const buckets: readonly Bucket[] = ['hour', 'day'];
const orders: readonly ExecutionOrder[] = ['time', 'latency', 'cost'];
const usualPercentiles = [50, 90, 95, 99];
const usualBucketsMs = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

export function operationReader(ask: Ask): OperationReader {
  return {
    async summary(options) {
      return ask(
        'summary',
        checkOptions((check) => ({
          filter: { ...checkScope(check, options ?? {}), ...checkWindow(check, options ?? {}) },
        })),
      );
    },

    async getCosts(options) {
      const question = checkOptions(
        (check): Question<'costs'> => ({
          filter: checkReport(check, options ?? {}),
          by: check.choice('by', options?.by, costGroups) ?? 'operation',
          limit: checkLimit(check, options?.limit) ?? 100,
        }),
      );
      return ask('costs', question);
    },

    async getWaste(options) {
      const question = checkOptions((check) => ({
        filter: checkReport(check, options ?? {}),
        limit: checkLimit(check, options?.limit) ?? 100,
      }));
      return ask('waste', question);
    },

    async getErrors(options) {
      const question = checkOptions((check) => ({
        filter: checkReport(check, options ?? {}),
        limit: checkLimit(check, options?.limit) ?? 100,
      }));
      return ask('errors', question);
    },

    async getCacheStats(options) {
      return ask(
        'cache',
        checkOptions((check) => ({ filter: checkReport(check, options ?? {}) })),
      );
    },

    async compareModels(options) {
      return ask(
        'models',
        checkOptions((check) => ({ filter: checkReport(check, options ?? {}) })),
      );
    },

    async getLatency(options) {
      const question = checkOptions((check): Question<'latency'> => {
        const { percentiles, bucketsMs } = options ?? {};
        return {
          filter: checkReport(check, options ?? {}),
          percentiles: checkNumbers(check, 'percentiles', percentiles, { above: 0, max: 100 }) ?? usualPercentiles,
          bucketsMs: checkNumbers(check, 'bucketsMs', bucketsMs, { min: 0, rising: true }) ?? usualBucketsMs,
        };
      });
      return ask('latency', question);
    },

    async getTrend(options) {
      const question = checkOptions((check): Question<'trend'> => {
        const { days, range, bucket, distributions, ...report } = options ?? {};
        const size = check.choice('bucket', bucket, buckets) ?? 'day';
        return {
          filter: { ...checkReport(check, report), ...checkTrendWindow(check, { days, range }, size) },
          width: widths[size],
          distributions: check.flag('distributions', distributions) ?? report.name !== undefined,
        };
      });
      return ask('trend', question);
    },

    async getHeatmap(options) {
      const question = checkOptions((check): Question<'heatmap'> => {
        const given: HeatmapOptions = options ?? {};
        return {
          filter: {
            ...checkWindow(check, given, 30),
            kind: check.choice('kind', given.kind, kinds) ?? 'tool',
            orgId: check.id('orgId', given.orgId),
          },
          limit: checkLimit(check, given.limit) ?? 20,
        };
      });
      return ask('heatmap', question);
    },

    async listExecutions(options, cursor) {
      const { limit, ...question } = checkOptions((check) => {
        const given: ExecutionFilter = options ?? {};
        const filter = {
          ...checkScope(check, given),
          ...checkRange(check, given, ''),
          kind: check.choice('kind', given.kind, kinds),
          name: check.id('name', given.name),
          success: check.flag('success', given.success),
          errorType: check.id('errorType', given.errorType),
          model: check.id('model', given.model),
          toolkit: check.id('toolkit', given.toolkit),
          version: check.id('version', given.version),
          minLatencyMs: check.number('minLatencyMs', given.minLatencyMs, { min: 0 }),
        };
        const orderBy = check.choice('orderBy', given.orderBy, orders) ?? 'time';
        const after = cursor === undefined ? undefined : parsePosition({ filter, orderBy }, cursor);
        if (cursor !== undefined && after === undefined) {
          check.wrong('cursor', 'must be the nextCursor of a page of the same filter and order');
        }
        return { filter, orderBy, after, limit: checkLimit(check, given.limit) ?? 100 };
      });
      // One more than asked for tells whether there is a next page.
      const found = await ask('executions', { ...question, limit: limit + 1 });
      const executions = found.slice(0, limit);
      const last = executions.at(-1);
      if (found.length === executions.length || last === undefined) {
        return { executions };
      }
      const { filter, orderBy } = question;
      const value = { time: 0, latency: last.latencyMs ?? 0, cost: last.cost?.nanoUsd ?? 0 }[orderBy];
      return { executions, nextCursor: formatCursor({ filter, orderBy }, [value, last.at, last.id]) };
    },
  };
}

function parsePosition(question: unknown, cursor: string): Position | undefined {
  const [value, at, id] = parseCursor(question, cursor) ?? [];
  return typeof value === 'number' && typeof at === 'number' && typeof id === 'string' ? { value, at, id } : undefined;
}
