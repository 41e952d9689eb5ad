import type { Dashboard } from '../dashboard.ts';
import { atLeast, atMost, stat, timeseries } from '../panel.ts';
import { percent } from '../percent.ts';
import { lostEvents } from '../promql.ts';
import type { DashboardParts } from './parts.ts';

export function overview({ now, whole, thresholds }: DashboardParts): Dashboard {
  const { successRatio, failureRatio, costPerHourUsd } = thresholds;
  const all = whole.executions('');
  const failures = whole.executions('', 'failure');
  const legend = '{{kind}}';
  return {
    name: 'overview',
    title: 'Overview',
    description: 'Everything that is executed: how much, whether it succeeds, how long it takes and what it costs.',
    metric: 'analyticsEvents',
    filters: [],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(['Executions', 'Skills, tools, LLM calls, agents, searches and other operations.'], 'short', all),
          stat(
            ['Success ratio', 'The share of all executions that succeeded.'],
            'percentunit',
            `1 - ${failures} / ${all}`,
            atLeast(successRatio, 1 - failureRatio),
          ),
          stat(['Failures', 'Executions that failed.'], 'short', failures),
          stat(
            ['Known cost', 'What executions have cost, as far as it is known.'],
            'currencyUSD',
            whole.increase('', { key: 'cost' }),
          ),
          stat(['Tokens', 'Of all classes.'], 'short', whole.increase('', { key: 'tokenUsage' })),
          stat(
            ['Under way', 'Measured operations that have begun and not ended, at this moment.'],
            'short',
            `sum(${now.select({ key: 'activeOperations' })})`,
          ),
        ],
      },
      {
        title: 'Executions',
        panels: [
          timeseries(
            [
              'Executions a second by kind',
              'One run of an agent has many executions of skills, tools and LLM calls in it.',
            ],
            'ops',
            [{ expr: now.executions('kind'), legend }],
            { isStacked: true },
          ),
          timeseries(
            [
              'Failure ratio by kind',
              `The share of executions that failed. From the line on it is critical: ${percent(failureRatio)}.`,
            ],
            'percentunit',
            [{ expr: `${now.executions('kind', 'failure')}\n/ ${now.executions('kind')}`, legend }],
            { limits: atMost(failureRatio) },
          ),
        ],
      },
      {
        title: 'Durations and cost',
        panels: [
          timeseries(
            [
              'P95 by kind',
              'Nineteen of twenty executions were faster. Never above the highest bucket, a minute by default.',
            ],
            's',
            [{ expr: now.durations('job, kind', 0.95), legend: '{{job}} {{kind}}' }],
          ),
          timeseries(
            ['Mean duration by kind', 'Exact also where executions take longer than the highest bucket.'],
            's',
            [{ expr: now.durations('job, kind', 'mean'), legend: '{{job}} {{kind}}' }],
          ),
          timeseries(
            [
              'Cost per hour',
              'What an hour at the present speed costs, as far as it is known. From the line on there is a warning.',
            ],
            'currencyUSD',
            [{ expr: `${now.rate('job', { key: 'cost' })} * 3600`, legend: '{{job}}' }],
            { limits: atMost(costPerHourUsd) },
          ),
          timeseries(
            [
              'Events dropped a second',
              'Events that were recorded and did not arrive, by backend; sampling is not counted.',
            ],
            'cps',
            [
              {
                expr: now.rate('backend', lostEvents),
                legend: '{{backend}}',
              },
            ],
          ),
        ],
      },
    ],
  };
}
