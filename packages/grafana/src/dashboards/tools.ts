import type { Dashboard } from '../dashboard.ts';
import { atLeast, atMost, heatmap, stat, table, timeseries } from '../panel.ts';
import { type DashboardParts, percentiles } from './parts.ts';

const where = 'tool_name=~"$tool"';
const legend = '{{tool_name}}';

export function tools({ now, whole, thresholds }: DashboardParts): Dashboard {
  const { successRatio, failureRatio } = thresholds;
  const calls = { key: 'toolExecutions', where } as const;
  const failures = { key: 'toolExecutions', where: `${where}, status="failure"` } as const;
  const errors = { key: 'toolErrors', where } as const;
  const duration = { key: 'toolDuration', where } as const;
  const cost = { key: 'toolCost', where } as const;
  return {
    name: 'tools',
    title: 'Tools',
    description: 'How often tools are called, how they fail, how long they take and what they cost.',
    metric: 'toolExecutions',
    filters: [{ name: 'tool', label: 'Tool', metric: 'toolExecutions', of: 'tool_name' }],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(['Calls', 'Of the tools that are chosen.'], 'short', whole.increase('', calls)),
          stat(
            ['Success ratio', 'The share of calls that succeeded.'],
            'percentunit',
            `1 - ${whole.increase('', failures)} / ${whole.increase('', calls)}`,
            atLeast(successRatio, 1 - failureRatio),
          ),
          stat(['Failures', 'Calls that failed.'], 'short', whole.increase('', failures)),
          stat(['Mean duration', 'Of all calls.'], 's', whole.mean('', duration)),
          stat(['P95', 'Nineteen of twenty calls were faster.'], 's', whole.quantile(0.95, '', duration)),
          stat(['Known cost', 'What calls have cost, as far as it is known.'], 'currencyUSD', whole.increase('', cost)),
        ],
      },
      {
        title: 'Calls',
        panels: [
          timeseries(
            ['Calls a second', 'The ten tools that are called most.'],
            'ops',
            [{ expr: `topk(10, ${now.rate('tool_name', calls)})`, legend }],
            { isStacked: true },
          ),
          timeseries(
            ['Failure ratio by tool', 'The share of calls that failed. From the line on it is critical.'],
            'percentunit',
            [{ expr: `${now.rate('tool_name', failures)} / ${now.rate('tool_name', calls)}`, legend }],
            { limits: atMost(failureRatio) },
          ),
          timeseries(
            ['Errors by type', 'Failed calls a second, by the type of their error.'],
            'cps',
            [{ expr: now.rate('error_type', errors), legend: '{{error_type}}' }],
            { isStacked: true },
          ),
          timeseries(['Errors by tool and type', 'The ten most frequent.'], 'cps', [
            { expr: `topk(10, ${now.rate('tool_name, error_type', errors)})`, legend: '{{tool_name}} {{error_type}}' },
          ]),
        ],
      },
      {
        title: 'Durations and cost',
        panels: [
          timeseries(['Percentiles', 'Of all tools that are chosen.'], 's', percentiles(now, duration)),
          timeseries(['P95 by tool', 'Nineteen of twenty calls were faster.'], 's', [
            { expr: now.quantile(0.95, 'tool_name', duration), legend },
          ]),
          heatmap(
            ['Durations in s', 'How many calls took how long.'],
            's',
            now.increase('le', { ...duration, suffix: '_bucket' }),
          ),
          timeseries(
            ['Cost per hour by tool', 'What an hour at the present speed costs, as far as it is known.'],
            'currencyUSD',
            [{ expr: `${now.rate('tool_name', cost)} * 3600`, legend }],
            { isStacked: true },
          ),
          table(
            ['Tools', 'Over the whole time shown.'],
            [
              { title: 'Calls', unit: 'short', expr: whole.increase('toolkit, tool_name', calls) },
              {
                title: 'Failure ratio',
                unit: 'percentunit',
                expr: `${whole.increase('toolkit, tool_name', failures)} / ${whole.increase('toolkit, tool_name', calls)}`,
              },
              { title: 'Mean', unit: 's', expr: whole.mean('toolkit, tool_name', duration) },
              { title: 'P95', unit: 's', expr: whole.quantile(0.95, 'toolkit, tool_name', duration) },
              { title: 'Known cost', unit: 'currencyUSD', expr: whole.increase('toolkit, tool_name', cost) },
            ],
          ),
        ],
      },
    ],
  };
}
