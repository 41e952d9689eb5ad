import type { AnalyticsEvent, AnalyticsReader, ExecutionEvent } from '@toolweaver/analytics-core';
import {
  byKindAndName,
  costsOf,
  countsOf,
  day,
  distinct,
  executionsOf,
  groupsOf,
  hitRateOf,
  latencyOf,
  type Options,
  quantileOf,
  refuse,
  tokensOf,
  weightOf,
} from './figures.ts';

const hour = day / 24;
const usualEnds = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/** How executions are distributed, counted by hand. */
export function reportsOver(
  rows: () => readonly AnalyticsEvent[],
): Pick<AnalyticsReader, 'getTrend' | 'getHeatmap' | 'getLatency' | 'compareModels' | 'getCacheStats'> {
  const about = (options: object): ExecutionEvent[] => executionsOf(rows(), options as Options);
  return {
    async getTrend({ bucket = 'day', distributions, days, from: start, to: end = Date.now() + 1, ...scope } = {}) {
      const width = bucket === 'day' ? day : hour;
      refuse([['days', (days ?? 1) <= 1000]]);
      const to = Math.ceil(end / width) * width;
      const from = Math.floor((start ?? to - (days ?? (bucket === 'day' ? 30 : 2)) * day) / width) * width;
      const distributed = distributions ?? scope.name !== undefined;
      return Array.from({ length: (to - from) / width }, (_, at) => {
        const window = { from: from + at * width, to: from + (at + 1) * width };
        const own = about({ ...scope, ...window });
        const { average, p50, p95, p99 } = latencyOf(own);
        return {
          ...window,
          ...countsOf(own),
          uniqueUsers: distributed ? distinct(own.map(({ userId }) => userId)) : null,
          averageLatencyMs: average,
          p50LatencyMs: distributed ? p50 : null,
          p95LatencyMs: distributed ? p95 : null,
          p99LatencyMs: distributed ? p99 : null,
          totalTokens: tokensOf(own),
          totalCostUsd: costsOf(own).totalCostUsd,
          cacheHitRate: hitRateOf(own),
        };
      });
    },

    async getHeatmap({ kind = 'tool', limit = 20, from, to, days, ...scope } = {}) {
      const all = about({
        ...scope,
        kind,
        from,
        to,
        days: days ?? (from === undefined && to === undefined ? 30 : undefined),
      });
      return {
        rows: groupsOf(all, ({ name }) => ({ name }))
          .map(([{ name }, own]) => ({
            name,
            executions: weightOf(own),
            hours: Array.from({ length: 24 }, (_, at) => {
              const then = own.filter((event) => new Date(event.at).getUTCHours() === at);
              const { executions, failures } = countsOf(then);
              return { executions, failures, averageLatencyMs: latencyOf(then).average };
            }),
          }))
          .sort((one, other) => other.executions - one.executions || (one.name < other.name ? -1 : 1))
          .slice(0, limit),
      };
    },

    async getLatency({ percentiles = [50, 90, 95, 99], bucketsMs = usualEnds, ...options } = {}) {
      refuse([
        ['percentiles', percentiles.every((percentile) => percentile >= 1)],
        ['bucketsMs', bucketsMs.every((end, at) => at === 0 || end > (bucketsMs[at - 1] ?? end))],
      ]);
      const known = about(options).filter(({ latencyMs }) => latencyMs !== undefined);
      return {
        count: weightOf(known),
        latencyMs: latencyOf(known),
        percentiles: percentiles.map((percentile) => ({ percentile, ms: quantileOf(known, percentile / 100) })),
        histogram: [...bucketsMs, null].map((upToMs, at) => {
          const above = bucketsMs[at - 1] ?? -1;
          const inside = known.filter(({ latencyMs = 0 }) => latencyMs > above && latencyMs <= (upToMs ?? latencyMs));
          return { upToMs, count: weightOf(inside) };
        }),
      };
    },

    async compareModels(options = {}) {
      const named = about(options).filter(({ model }) => model !== undefined);
      return groupsOf(named, ({ model = '' }) => ({ model }))
        .map(([{ model }, own]) => {
          const counts = countsOf(own);
          const costs = costsOf(own);
          const tokens = (field: keyof NonNullable<ExecutionEvent['usage']>): number =>
            own.reduce((sum, { usage, weight = 1 }) => sum + weight * (usage?.[field] ?? 0), 0);
          return {
            model,
            ...counts,
            ...costs,
            inputTokens: tokens('inputTokens'),
            cacheReadTokens: tokens('cacheReadTokens'),
            cacheWriteTokens: tokens('cacheWriteTokens'),
            outputTokens: tokens('outputTokens'),
            reasoningTokens: tokens('reasoningTokens'),
            latencyMs: latencyOf(own),
            costPerSuccessUsd:
              costs.totalCostUsd === null || counts.successes === 0 ? null : costs.totalCostUsd / counts.successes,
          };
        })
        .sort((one, other) => other.executions - one.executions || (one.model < other.model ? -1 : 1));
    },

    async getCacheStats(options = {}) {
      const asked = about(options).filter(({ cacheHit }) => cacheHit !== undefined);
      const stats = (own: readonly ExecutionEvent[]) => ({
        hits: weightOf(own.filter(({ cacheHit }) => cacheHit)),
        misses: weightOf(own.filter(({ cacheHit }) => !cacheHit)),
        hitRate: hitRateOf(own),
      });
      return {
        ...stats(asked),
        operations: groupsOf(asked, ({ kind, name }) => ({ kind, name }))
          .map(([subject, own]) => ({ ...subject, ...stats(own) }))
          .sort((one, other) => other.hits + other.misses - (one.hits + one.misses) || byKindAndName(one, other)),
      };
    },
  };
}
