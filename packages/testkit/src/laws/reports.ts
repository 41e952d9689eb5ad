import assert from 'node:assert/strict';
import type { ExecutionEvent, Heatmap } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, ask, cents, dayMs, history, hourMs, latencies, minuteMs, noUsage, usage } from './answers.ts';

/** Executions in a window of three whole days, of which the second is empty, and just outside it. */
function daysFrom(start: number): ExecutionEvent[] {
  const end = start + 3 * dayMs;
  return [
    execution({ at: start - 1, latencyMs: 60 }),
    execution({ at: start, latencyMs: 40, weight: 2, userId: 'ada', cacheHit: true, usage, cost: cents(2) }),
    execution({ at: start + hourMs - 1, success: false, latencyMs: undefined, userId: 'ada', cacheHit: false }),
    execution({ at: end - 1, kind: 'tool', name: 'draw', latencyMs: 0, userId: 'ben' }),
    execution({ at: end, name: 'draw', orgId: 'org-1', weight: 4 }),
    execution({ at: end, name: 'copy' }),
  ];
}

/** Midnight UTC, four days before today. */
const someDay = (): number => Math.floor(Date.now() / dayMs) * dayMs - 4 * dayMs;

/** What readers say of the distribution of executions, over time and otherwise. */
export const reportLaws: readonly Law[] = [
  {
    law: 'a trend has every hour or day of UTC that its window touches, also the empty ones',
    only: 'reader',
    async check(trial) {
      const before = Date.now();
      const start = someDay();
      const end = start + 3 * dayMs;
      const range = { from: start + minuteMs, to: end - minuteMs };
      const unknown = { uniqueUsers: null, averageLatencyMs: null, p50LatencyMs: null };
      const first = {
        ...unknown,
        from: start,
        to: start + dayMs,
        executions: 3,
        failures: 1,
        successRate: 2 / 3,
        averageLatencyMs: 40,
        totalTokens: 40,
        totalCostUsd: 0.04,
        cacheHitRate: 2 / 3,
      };
      const empty = {
        ...unknown,
        executions: 0,
        successRate: null,
        totalTokens: 0,
        totalCostUsd: null,
        cacheHitRate: null,
      };
      const nobody = { ...empty, uniqueUsers: 0 };
      await answers(trial, daysFrom(start), [
        [
          'getTrend',
          [range],
          [first, { ...empty, from: start + dayMs }, { to: end, executions: 1, totalCostUsd: null }],
        ],
        [
          'getTrend',
          [{ ...range, name: 'summarise' }],
          [{ ...first, uniqueUsers: 1, p50LatencyMs: 40, p99LatencyMs: 40 }, nobody, nobody],
        ],
        [
          'getTrend',
          [{ ...range, kind: 'tool', distributions: true }],
          [nobody, nobody, { uniqueUsers: 1, p95LatencyMs: 0 }],
        ],
        ['getTrend', [{ from: start, to: start + dayMs, name: 'summarise', distributions: false }], [first]],
        [
          'getTrend',
          [{ from: start + 1, to: start + hourMs + 1, bucket: 'hour' }],
          [{ executions: 3, to: start + hourMs }, empty],
        ],
      ]);
      for (const [options, length] of [
        [{}, 30],
        [{ bucket: 'hour' }, 48],
        [{ bucket: 'hour', days: 1 }, 24],
      ] as const) {
        const trend = await ask(trial, 'getTrend', options);
        const { from = 0, to = 0 } = trend.at(-1) ?? {};
        assert.equal(trend.length, length, `buckets of ${JSON.stringify(options)}`);
        assert.ok(from <= Date.now() && to > before, 'the present bucket is the last');
      }
    },
  },
  {
    law: 'a heatmap counts by the hour of the day in UTC, the most used first',
    only: 'reader',
    check(trial) {
      const start = someDay();
      const draw = { name: 'draw', executions: 4 };
      const nothing = { executions: 0, failures: 0, averageLatencyMs: null };
      const hours: Heatmap['rows'][number]['hours'][number][] = [
        { executions: 3, failures: 1, averageLatencyMs: 40 },
        ...Array.from({ length: 22 }, () => nothing),
        { executions: 1, failures: 0, averageLatencyMs: 60 },
      ];
      const events = [...daysFrom(start), execution({ at: start - 40 * dayMs, name: 'draw' })];
      const kind = 'skill';
      return answers(trial, events, [
        ['getHeatmap', [{ kind }], { rows: [draw, { name: 'summarise', executions: 4, hours }, { name: 'copy' }] }],
        ['getHeatmap', [{ kind, limit: 1 }], { rows: [draw] }],
        ['getHeatmap', [{ kind, orgId: 'org-1' }], { rows: [draw] }],
        [
          'getHeatmap',
          [{ kind, from: start - 1, to: start + hourMs - 1 }],
          { rows: [{ executions: 3, hours: hours.with(0, { ...nothing, executions: 2, averageLatencyMs: 40 }) }] },
        ],
        ['getHeatmap', [], { rows: [{ name: 'draw', executions: 1 }] }],
      ]);
    },
  },
  {
    law: 'latencies are ranked, and counted up to the ends of buckets',
    only: 'reader',
    check(trial) {
      const ends = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, null];
      const counts = [6, 2.5, 1, 1, 1, 4, 1, 7, 1, 0, 0, 0];
      return answers(trial, history(), [
        [
          'getLatency',
          [],
          {
            latencyMs: latencies,
            count: 24.5,
            percentiles: [
              { percentile: 50, ms: 640 },
              { percentile: 90, ms: 5000 },
              { percentile: 95, ms: 5000 },
              { percentile: 99, ms: 7300 },
            ],
            histogram: ends.map((upToMs, at) => ({ upToMs, count: counts[at] })),
          },
        ],
        [
          'getLatency',
          [{ kind: 'agent', percentiles: [100, 1, 100], bucketsMs: [0, 1e4] }],
          {
            percentiles: [100, 1, 100].map((percentile) => ({ percentile, ms: 7300 })),
            histogram: [{ count: 0 }, { count: 1 }, { count: 0 }],
          },
        ],
        [
          'getLatency',
          [{ kind: 'search', percentiles: [1], bucketsMs: [0] }],
          {
            latencyMs: noUsage.latencyMs,
            count: 0,
            percentiles: [{ ms: null }],
            histogram: [{ count: 0 }, { count: 0 }],
          },
        ],
      ]);
    },
  },
  {
    law: 'models are compared, the most used first, without calls that name none',
    only: 'reader',
    check(trial) {
      const sonnet = {
        model: 'sonnet',
        executions: 4,
        inputTokens: 40,
        totalTokens: 80,
        pricedExecutions: 1,
        totalCostUsd: 0.001_25,
        averageCostUsd: 0.001_25,
        costPerSuccessUsd: 0.001_25 / 4,
        latencyMs: { average: 905, min: 640, max: 1700, p50: 640 },
      };
      const haiku = { model: 'haiku', executions: 4, successes: 0, totalCostUsd: 0.04, costPerSuccessUsd: null };
      const opus = { model: 'opus', executions: 1, totalCostUsd: null, averageCostUsd: null, costPerSuccessUsd: null };
      return answers(
        trial,
        [
          ...history(),
          execution({ kind: 'agent', model: 'opus' }),
          execution({ kind: 'llm', model: 'haiku', success: false, weight: 4, cost: cents(1) }),
        ],
        [
          ['compareModels', [], [haiku, sonnet, opus]],
          ['compareModels', [{ name: 'sonnet', kind: 'llm' }], [sonnet]],
        ],
      );
    },
  },
  {
    law: 'what says nothing of a cache is neither a hit nor a miss',
    only: 'reader',
    check(trial) {
      const search = { kind: 'tool', name: 'search_web', hits: 3, misses: 1, hitRate: 0.75 } as const;
      const draw = { kind: 'skill', name: 'draw', hits: 0, misses: 4, hitRate: 0 } as const;
      return answers(
        trial,
        [...history(), execution({ name: 'draw', weight: 4, cacheHit: false })],
        [
          ['getCacheStats', [], { hits: 3, misses: 5, hitRate: 3 / 8, operations: [draw, search] }],
          ['getCacheStats', [{ kind: 'agent' }], { hits: 0, misses: 0, hitRate: null, operations: [] }],
        ],
      );
    },
  },
];
