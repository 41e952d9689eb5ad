import type {
  Bucket,
  CostGroup,
  ExecutionFilter,
  ExecutionOrder,
  LatencyOptions,
  OperationReader,
  TrendOptions,
} from '@toolweaver/analytics-core';
import {
  checkOptions,
  defaultLatencyBucketsMs,
  executionKinds,
  type OptionChecks,
  type OptionNames,
} from '@toolweaver/analytics-core/backend';
import type { Ask, Question } from '../answers/answers.ts';
import type { ExecutionsQuestion, Position } from '../answers/executions.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import {
  checkLimit,
  checkNumbers,
  checkRange,
  checkReport,
  checkScope,
  checkWindow,
  rangeNames,
  reportNames,
  scopeNames,
  usualDays,
  windowNames,
} from './options.ts';
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
const orders: readonly ExecutionOrder[] = ['at', 'latencyMs', 'costUsd'];
const latencyNames: OptionNames<LatencyOptions> = { ...reportNames, percentiles: true, bucketsMs: true };
const trendNames: OptionNames<TrendOptions> = { ...reportNames, bucket: true, distributions: true };
const executionNames: OptionNames<ExecutionFilter> = {
  ...scopeNames,
  ...rangeNames,
  kind: true,
  name: true,
  success: true,
  errorType: true,
  model: true,
  toolkit: true,
  version: true,
  minLatencyMs: true,
  orderBy: true,
  limit: true,
};
const usualPercentiles = [50, 90, 95, 99];
/** A share such as 0.95 would be answered with nearly the lowest latency. */
const percentileBounds = { min: 1, max: 100, what: 'a percentile (95 is the 95th)' };

export function operationReader(ask: Ask): OperationReader {
  return {
    async summary(options) {
      return ask(
        'summary',
        checkOptions(options, { ...scopeNames, ...windowNames }, (check, given) => ({
          filter: { ...checkScope(check, given), ...checkWindow(check, given) },
        })),
      );
    },

    async getCosts(options) {
      const question = checkOptions(
        options,
        { ...reportNames, by: true, limit: true },
        (check, given): Question<'costs'> => ({
          filter: checkReport(check, given),
          by: check.choice('by', given.by, costGroups) ?? 'operation',
          limit: checkLimit(check, given.limit) ?? 100,
        }),
      );
      return ask('costs', question);
    },

    async getWaste(options) {
      const question = checkOptions(options, { ...reportNames, limit: true }, (check, given) => ({
        filter: checkReport(check, given),
        limit: checkLimit(check, given.limit) ?? 100,
      }));
      return ask('waste', question);
    },

    async getErrors(options) {
      const question = checkOptions(options, { ...reportNames, limit: true }, (check, given) => ({
        filter: checkReport(check, given),
        limit: checkLimit(check, given.limit) ?? 100,
      }));
      return ask('errors', question);
    },

    async getCacheStats(options) {
      return ask(
        'cache',
        checkOptions(options, reportNames, (check, given) => ({ filter: checkReport(check, given) })),
      );
    },

    async compareModels(options) {
      return ask(
        'models',
        checkOptions(options, reportNames, (check, given) => ({ filter: checkReport(check, given) })),
      );
    },

    async getLatency(options) {
      const question = checkOptions(options, latencyNames, (check, given): Question<'latency'> => {
        const { percentiles, bucketsMs } = given;
        return {
          filter: checkReport(check, given),
          percentiles: checkNumbers(check, 'percentiles', percentiles, percentileBounds) ?? usualPercentiles,
          bucketsMs: checkNumbers(check, 'bucketsMs', bucketsMs, { min: 0, rising: true }) ?? [
            ...defaultLatencyBucketsMs,
          ],
        };
      });
      return ask('latency', question);
    },

    async getTrend(options) {
      const question = checkOptions(options, trendNames, (check, given): Question<'trend'> => {
        const { days, from, to, bucket, distributions, ...report } = given;
        const size = check.choice('bucket', bucket, buckets) ?? 'day';
        return {
          filter: { ...checkReport(check, report), ...checkTrendWindow(check, { days, from, to }, size) },
          width: widths[size],
          distributions: check.flag('distributions', distributions) ?? report.name !== undefined,
        };
      });
      return ask('trend', question);
    },

    async getHeatmap(options) {
      const question = checkOptions(
        options,
        { ...windowNames, kind: true, orgId: true, limit: true },
        (check, given): Question<'heatmap'> => ({
          filter: {
            ...checkWindow(check, given, usualDays),
            kind: check.choice('kind', given.kind, executionKinds) ?? 'tool',
            orgId: check.id('orgId', given.orgId),
          },
          limit: checkLimit(check, given.limit) ?? 20,
        }),
      );
      return ask('heatmap', question);
    },

    async listExecutions(options, cursor) {
      const { limit, ...question } = checkOptions(options, executionNames, (check, given) =>
        readExecutions(check, given, cursor),
      );
      // One more than requested tells whether there is a next page.
      const found = await ask('executions', { ...question, limit: limit + 1 });
      const executions = found.slice(0, limit);
      const last = executions.at(-1);
      if (found.length === executions.length || last === undefined) {
        return { executions };
      }
      const { filter, orderBy } = question;
      const value = { at: 0, latencyMs: last.latencyMs ?? 0, costUsd: last.cost?.nanoUsd ?? 0 }[orderBy];
      return { executions, nextCursor: formatCursor({ filter, orderBy }, [value, last.at, last.id]) };
    },
  };
}

function readExecutions(check: OptionChecks, given: ExecutionFilter, cursor: string | undefined): ExecutionsQuestion {
  const filter = {
    ...checkScope(check, given),
    ...checkRange(check, given),
    kind: check.choice('kind', given.kind, executionKinds),
    name: check.id('name', given.name),
    success: check.flag('success', given.success),
    errorType: check.id('errorType', given.errorType),
    model: check.id('model', given.model),
    toolkit: check.id('toolkit', given.toolkit),
    version: check.id('version', given.version),
    minLatencyMs: check.number('minLatencyMs', given.minLatencyMs, { min: 0 }),
  };
  const orderBy = check.choice('orderBy', given.orderBy, orders) ?? 'at';
  const after = cursor === undefined ? undefined : parsePosition({ filter, orderBy }, cursor);
  if (cursor !== undefined && after === undefined) {
    check.problem('cursor', 'must be the nextCursor of a page of the same filter and order');
  }
  return { filter, orderBy, after, limit: checkLimit(check, given.limit) ?? 100 };
}

function parsePosition(question: unknown, cursor: string): Position | undefined {
  const [value, at, id] = parseCursor(question, cursor) ?? [];
  return typeof value === 'number' && typeof at === 'number' && typeof id === 'string' ? { value, at, id } : undefined;
}
