import type { Dashboard } from '../dashboard.ts';
import { atLeast, atMost, type Query, stat, timeseries } from '../panel.ts';
import { deliveredEvents, lostEvents } from '../promql.ts';
import { type DashboardParts, healthScores } from './parts.ts';

export function health(parts: DashboardParts): Dashboard {
  const { now, whole, thresholds } = parts;
  const { healthScore } = thresholds;
  const events = { key: 'analyticsEvents' } as const;
  const score = now.select({ key: 'skillHealthScore' });
  const requests = { key: 'requests' } as const;
  const chosen = (metric: string): string => `${metric}{job=~"$job", instance=~"$instance"}`;
  // Includes programs that do not answer now, but not those that the same Prometheus scrapes and that do not use us.
  const ofTargets = (query: string): string =>
    `${query} and on (job, instance) last_over_time(${now.select({ key: 'activeOperations' })}[1d])`;
  const ofTarget = (metric: string): string => ofTargets(chosen(metric));
  const byInstance = (expr: string): Query[] => [{ expr, legend: '{{instance}}' }];
  const needed = 'Needs `PROMETHEUS_DEFAULT_METRICS=true`.';
  return {
    name: 'health',
    title: 'Health and delivery',
    description: 'The health of skills, what is running, and whether what is recorded is delivered.',
    metric: 'analyticsEvents',
    filters: [],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(
            ['Targets up', 'Programs that answer to Prometheus; none where metrics are pushed.'],
            'short',
            `sum(${ofTarget('up')})`,
          ),
          stat(
            ['Delivered', 'Events that arrived, counted once for each backend.'],
            'short',
            whole.increase('', deliveredEvents),
          ),
          stat(
            ['Lost', 'Events that were recorded and did not arrive; sampling is not counted.'],
            'short',
            whole.increase('', lostEvents),
            atMost(1),
          ),
          stat(
            ['Delivered ratio', 'The share of events that arrived, of those that sampling kept.'],
            'percentunit',
            `${whole.increase('', deliveredEvents)} / ${whole.increase('', { ...events, where: 'reason!="sampled"' })}`,
            atLeast(1, 0.99),
          ),
          stat(
            ['Lowest health score', 'Of all skills that have one, 0 to 100.'],
            'short',
            `min(${score})`,
            atLeast(healthScore),
          ),
          stat(
            ['Overflowed', 'Events whose label values came after the limit of label sets.'],
            'short',
            `${whole.increase('', { key: 'labelOverflow' })} or vector(0)`,
            atMost(1),
          ),
        ],
      },
      {
        title: 'Health of skills',
        panels: [
          healthScores(parts),
          timeseries(
            ['Health score over time', 'The ten lowest. Below the line there is a warning.'],
            'short',
            [{ expr: `bottomk(10, min by (skill_id) (${score}))`, legend: '{{skill_id}}' }],
            { limits: atLeast(healthScore) },
          ),
        ],
      },
      {
        title: 'Agents, searches and other operations',
        panels: [
          timeseries(
            ['Requests a second', 'What is neither skill, tool nor LLM call, by outcome.'],
            'reqps',
            [{ expr: now.rate('kind, operation, status', requests), legend: '{{kind}} {{operation}} {{status}}' }],
            { isStacked: true },
          ),
          timeseries(['Mean duration', 'Also right above the highest bucket.'], 's', [
            { expr: now.mean('kind, operation', { key: 'requestDuration' }), legend: '{{kind}} {{operation}}' },
          ]),
          timeseries(['Operations under way', 'Measured operations that have begun and not ended.'], 'short', [
            { expr: `sum by (instance) (${now.select({ key: 'activeOperations' })})`, legend: '{{instance}}' },
          ]),
          timeseries(['P95', 'Nineteen of twenty were faster.'], 's', [
            {
              expr: now.quantile(0.95, 'kind, operation', { key: 'requestDuration' }),
              legend: '{{kind}} {{operation}}',
            },
          ]),
        ],
      },
      {
        title: 'Delivery',
        panels: [
          timeseries(['Delivered a second', 'Events that arrived, by backend.'], 'cps', [
            { expr: now.rate('backend', deliveredEvents), legend: '{{backend}}' },
          ]),
          timeseries(
            ['Dropped a second', 'Events that did not arrive, by backend and reason; also what sampling left out.'],
            'cps',
            [
              {
                expr: now.rate('backend, reason', { key: 'analyticsEvents', where: 'outcome="dropped"' }),
                legend: '{{backend}} {{reason}}',
              },
            ],
            { isStacked: true },
          ),
          timeseries(['Targets', '1 where a program answers to Prometheus, 0 where it does not.'], 'short', [
            { expr: ofTarget('up'), legend: '{{instance}}' },
          ]),
          timeseries(['Scrape duration', 'How long Prometheus waits for the metrics.'], 's', [
            { expr: ofTarget('scrape_duration_seconds'), legend: '{{instance}}' },
          ]),
        ],
      },
      {
        title: 'Process',
        panels: [
          timeseries(
            ['CPU use', `In cores: 1 is one that is always busy. ${needed}`],
            // No ratio, whose axis would end at 1: threads keep more than one core busy.
            'short',
            byInstance(ofTargets(`rate(${chosen('process_cpu_seconds_total')}[$__rate_interval])`)),
          ),
          timeseries(
            ['Resident memory', `What the process holds of the machine's memory. ${needed}`],
            'bytes',
            byInstance(ofTarget('process_resident_memory_bytes')),
          ),
          timeseries(
            ['Heap used', `By the objects of the main thread, garbage included. ${needed}`],
            'bytes',
            byInstance(ofTarget('nodejs_heap_size_used_bytes')),
          ),
          timeseries(
            [
              'Event loop lag P99',
              `Of the time since the scrape before; some 10 ms, the interval of the measurement, are no lag. ${needed}`,
            ],
            's',
            byInstance(ofTarget('nodejs_eventloop_lag_p99_seconds')),
          ),
        ],
      },
    ],
  };
}
