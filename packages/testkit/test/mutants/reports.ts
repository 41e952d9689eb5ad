import type { Heatmap, LatencyReport, ModelStats, TimeRange, TrendPoint } from '@toolweaver/analytics-core';
import { forgetting, type Mutant, type Mutants, misheard, misspoken } from './altered.ts';

const hour = 3_600_000;

function trend(change: (point: TrendPoint) => Partial<TrendPoint>): Mutant {
  return misspoken('getTrend', (points) => points.map((point) => ({ ...point, ...change(point) })));
}

type HeatmapHour = Heatmap['rows'][number]['hours'][number];

function hours(change: (hours: readonly HeatmapHour[]) => readonly HeatmapHour[]): Mutant {
  return misspoken('getHeatmap', ({ rows }) => ({ rows: rows.map((row) => ({ ...row, hours: change(row.hours) })) }));
}

function latency(change: (report: LatencyReport) => Partial<LatencyReport>): Mutant {
  return misspoken('getLatency', (report) => ({ ...report, ...change(report) }));
}

function models(change: (model: ModelStats) => Partial<ModelStats>): Mutant {
  return misspoken('compareModels', (found) => found.map((model) => ({ ...model, ...change(model) })));
}

function aMsLonger<O extends TimeRange>(options?: O): O | undefined {
  return options?.to === undefined ? options : { ...options, to: options.to + 1 };
}

export const reportMutants: Mutants = {
  'a trend has every hour or day of UTC that its window touches, also the empty ones': {
    'leaves out the empty ones': misspoken('getTrend', (points) => points.filter(({ executions }) => executions > 0)),
    'has the days of another zone': trend(({ from, to }) => ({ from: from + hour, to: to + hour })),
    'begins where the window begins': misspoken('getTrend', (points, { from } = {}) =>
      points.map((point, at) => (at === 0 ? { ...point, from: from ?? point.from } : point)),
    ),
    'has whole buckets of the window only': misheard('getTrend', ({ from, to = 0, ...options } = {}) => [
      { ...options, ...(from !== undefined && { from: from + 23 * hour, to: to - 23 * hour }) },
    ]),
    'has the bucket that begins where the window ends': misheard('getTrend', (options) => [aMsLonger(options)]),
    'has the newest first': misspoken('getTrend', (points) => points.toReversed()),
    'takes an unknown cost for none': trend(({ totalCostUsd }) => ({ totalCostUsd: totalCostUsd ?? 0 })),
    'takes nothing for a latency of zero': trend(({ averageLatencyMs }) => ({
      averageLatencyMs: averageLatencyMs ?? 0,
    })),
    'averages the unknown as zero': trend(({ averageLatencyMs, executions }) => ({
      averageLatencyMs: executions === 3 ? 80 / 3 : averageLatencyMs,
    })),
    'takes those that asked no cache for misses': trend(({ cacheHitRate }) => ({ cacheHitRate: cacheHitRate ?? 0 })),
    'divides by zero': trend(({ successRate }) => ({ successRate: successRate ?? Number.NaN })),
    'counts sampled ones once': trend(({ executions }) => ({ executions: executions === 3 ? 2 : executions })),
    'always counts users': misheard('getTrend', (options) => [{ ...options, distributions: true }]),
    'counts users when it is asked to only': misheard('getTrend', (options) => [{ distributions: false, ...options }]),
    'never counts users': forgetting('getTrend', 'distributions'),
    'forgets the kind': forgetting('getTrend', 'kind'),
    'forgets the name': misheard('getTrend', (options) => [
      { ...options, name: undefined, distributions: options?.distributions ?? options?.name !== undefined },
    ]),
    'knows days only': forgetting('getTrend', 'bucket'),
    'forgets the days': forgetting('getTrend', 'days'),
    'has thirty days by the hour': misheard('getTrend', (options = {}) => [
      options.from === undefined ? { days: 30, ...options } : options,
    ]),
    'ends with the last whole bucket': misspoken('getTrend', (points, options = {}) =>
      options.from === undefined
        ? points.map(({ from, to, ...rest }) => ({ ...rest, from: from - (to - from), to: from }))
        : points,
    ),
  },
  'a heatmap counts by the hour of the day in UTC, the most used first': {
    'has the hours of another zone': hours((all) => [...all.slice(1), ...all.slice(0, 1)]),
    'leaves out hours without any': hours((all) => all.filter(({ executions }) => executions > 0)),
    'averages the unknown as zero': hours((all) =>
      all.map((one) => ({ ...one, averageLatencyMs: one.failures > 0 ? 80 / 3 : one.averageLatencyMs })),
    ),
    'takes nothing for a latency of zero': hours((all) =>
      all.map((one) => ({ ...one, averageLatencyMs: one.averageLatencyMs ?? 0 })),
    ),
    'counts no failures': hours((all) => all.map((one) => ({ ...one, failures: 0 }))),
    'counts sampled ones once': misspoken('getHeatmap', ({ rows }) => ({
      rows: rows.map((row) => ({ ...row, executions: row.name === 'draw' ? 1 : row.executions })),
    })),
    'has the least used first': misspoken('getHeatmap', ({ rows }) => ({ rows: rows.toReversed() })),
    'has equals in any order': misspoken('getHeatmap', ({ rows }) => ({
      rows: rows.toSorted((one, other) => other.executions - one.executions || (one.name < other.name ? 1 : -1)),
    })),
    'forgets the limit': misheard('getHeatmap', (options) => [{ ...options, limit: 1000 }]),
    'forgets the organisation': forgetting('getHeatmap', 'orgId'),
    'forgets the kind': forgetting('getHeatmap', 'kind'),
    'forgets the start': forgetting('getHeatmap', 'from'),
    'forgets the end': forgetting('getHeatmap', 'to'),
    'has the end of the window inside': misheard('getHeatmap', (options) => [aMsLonger(options)]),
    'looks at skills unless it is asked for others': misheard('getHeatmap', (options) => [
      { kind: 'skill', ...options },
    ]),
    'looks at all time': misheard('getHeatmap', (options) => [{ from: 0, ...options }]),
  },
  'latencies are ranked, and counted up to the ends of buckets': {
    'counts the unknown': latency(({ count }) => ({ count: count + 1 })),
    'takes none for zero': latency(({ latencyMs }) => ({
      latencyMs: { ...latencyMs, average: latencyMs.average ?? 0, min: latencyMs.min ?? 0 },
    })),
    'is off by two percent': latency(({ percentiles }) => ({
      percentiles: percentiles.map(({ percentile, ms }) => ({ percentile, ms: ms && ms * 1.02 })),
    })),
    'has the end of a bucket outside': misspoken('getLatency', (report, { bucketsMs } = {}) => ({
      ...report,
      histogram: report.histogram.map(({ upToMs, count }) => {
        const moved = bucketsMs === undefined ? ({ 10: -2, 50: 2 } as Record<string, number>)[`${upToMs}`] : 0;
        return { upToMs, count: count + (moved ?? 0) };
      }),
    })),
    'counts all up to an end': latency(({ histogram }) => {
      let sum = 0;
      return {
        histogram: histogram.map(({ upToMs, count }) => {
          sum += count;
          return { upToMs, count: sum };
        }),
      };
    }),
    'has no bucket for the rest': latency(({ histogram }) => ({ histogram: histogram.slice(0, -1) })),
    'has the lowest percentile first': latency(({ percentiles }) => ({
      percentiles: percentiles.toSorted((one, other) => one.percentile - other.percentile),
    })),
    'has each percentile once': misheard('getLatency', (options) => [
      { ...options, ...(options?.percentiles && { percentiles: [...new Set(options.percentiles)] }) },
    ]),
    'has buckets of its own': forgetting('getLatency', 'bucketsMs'),
    'has other percentiles than the usual': misheard('getLatency', (options) => [
      { percentiles: [50, 95, 99], ...options },
    ]),
    'counts sampled ones once': latency(({ count }) => ({ count: count === 24.5 ? 13 : count })),
    'forgets the filter': forgetting('getLatency', 'kind'),
  },
  'models are compared, the most used first, without calls that name none': {
    'has calls without a model': misspoken('compareModels', (found) => [
      ...found,
      ...found.slice(0, 1).map((model) => ({ ...model, model: '' })),
    ]),
    'has the least used first': misspoken('compareModels', (found) => found.toReversed()),
    'has equals in any order': misspoken('compareModels', (found) =>
      found.toSorted((one, other) => other.executions - one.executions || (one.model < other.model ? 1 : -1)),
    ),
    'takes an unknown cost for none': models(({ totalCostUsd }) => ({ totalCostUsd: totalCostUsd ?? 0 })),
    'averages over all executions': models(({ totalCostUsd, executions }) => ({
      averageCostUsd: totalCostUsd === null ? null : totalCostUsd / executions,
    })),
    'divides by no successes': models(({ totalCostUsd, successes }) => ({
      costPerSuccessUsd: totalCostUsd === null ? null : totalCostUsd / successes,
    })),
    'has the cost of a call for that of a success': models(({ averageCostUsd }) => ({
      costPerSuccessUsd: averageCostUsd,
    })),
    'counts sampled ones once': models(({ executions }) => ({ executions: executions / 4 })),
    'counts two classes of tokens': models(({ inputTokens, outputTokens }) => ({
      totalTokens: inputTokens + outputTokens,
    })),
    'averages without weights': models(({ latencyMs }) => ({ latencyMs: { ...latencyMs, average: 1170 } })),
    'knows LLM calls only': misheard('compareModels', (options) => [{ kind: 'llm', ...options }]),
    'forgets the filter': forgetting('compareModels', 'name', 'kind'),
  },
  'what says nothing of a cache is neither a hit nor a miss': {
    'takes it for a miss': misspoken('getCacheStats', (report) => ({ ...report, misses: report.misses + 1 })),
    'lists it': misspoken('getCacheStats', (report) => ({
      ...report,
      operations: [...report.operations, { kind: 'agent', name: 'clerk', hits: 0, misses: 0, hitRate: null }],
    })),
    'has a rate of zero for nothing': misspoken('getCacheStats', (report) => ({
      ...report,
      hitRate: report.hitRate ?? 0,
    })),
    'counts sampled ones once': misspoken('getCacheStats', (report) => ({ ...report, hits: Math.min(report.hits, 2) })),
    'has most hits first': misspoken('getCacheStats', (report) => ({
      ...report,
      operations: report.operations.toSorted((one, other) => other.hits - one.hits),
    })),
    'has equals in any order': misspoken('getCacheStats', (report) => ({
      ...report,
      operations: report.operations.toReversed(),
    })),
    'forgets the filter': forgetting('getCacheStats', 'kind'),
  },
};
