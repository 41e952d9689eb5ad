import type { Dashboard } from '../dashboard.ts';
import { atLeast, heatmap, stat, table, timeseries } from '../panel.ts';
import { percent } from '../percent.ts';
import { type DashboardParts, healthScores, percentiles } from './parts.ts';

const where = 'skill_id=~"$skill"';
const legend = '{{skill_id}}';

export function skills(parts: DashboardParts): Dashboard {
  const { now, whole, thresholds } = parts;
  const { successRatio, failureRatio } = thresholds;
  const executions = { key: 'skillExecutions', where } as const;
  const successes = { key: 'skillSuccesses', where } as const;
  const latency = { key: 'skillLatency', where } as const;
  const rating = { key: 'skillRating', where } as const;
  const limits = atLeast(successRatio, 1 - failureRatio);
  return {
    name: 'skills',
    title: 'Skills',
    description: 'How often skills are executed, whether they succeed, how long they take and how they are rated.',
    metric: 'skillExecutions',
    filters: [{ name: 'skill', label: 'Skill', metric: 'skillExecutions', of: 'skill_id' }],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(['Executions', 'Of the skills that are chosen.'], 'short', whole.increase('', executions)),
          stat(
            ['Success ratio', 'The share of executions that succeeded.'],
            'percentunit',
            `${whole.increase('', successes)} / ${whole.increase('', executions)}`,
            limits,
          ),
          stat(['Mean duration', 'Of all executions.'], 'ms', whole.mean('', latency)),
          stat(['P95', 'Nineteen of twenty executions were faster.'], 'ms', whole.quantile(0.95, '', latency)),
          stat(['Mean rating', 'Of 1 to 5 stars.'], 'short', whole.mean('', rating)),
          stat(['Ratings', 'How many there were.'], 'short', whole.increase('', { ...rating, suffix: '_count' })),
        ],
      },
      {
        title: 'Executions',
        panels: [
          timeseries(
            ['Executions a second', 'The ten skills that are executed most.'],
            'ops',
            [{ expr: `topk(10, ${now.rate('skill_id', executions)})`, legend }],
            { isStacked: true },
          ),
          timeseries(
            [
              'Success ratio by skill',
              `The share of executions that succeeded. Below ${percent(successRatio)} there is a warning, below ${percent(1 - failureRatio)} it is critical.`,
            ],
            'percentunit',
            [{ expr: `${now.rate('skill_id', successes)} / ${now.rate('skill_id', executions)}`, legend }],
            { limits },
          ),
        ],
      },
      {
        title: 'Durations',
        panels: [
          timeseries(['Percentiles', 'Of all skills that are chosen.'], 'ms', percentiles(now, latency)),
          timeseries(['P95 by skill', 'Nineteen of twenty executions were faster.'], 'ms', [
            { expr: now.quantile(0.95, 'skill_id', latency), legend },
          ]),
          heatmap(
            ['Durations in ms', 'How many executions took how long.'],
            'ms',
            now.increase('le', { ...latency, suffix: '_bucket' }),
          ),
          timeseries(
            ['Mean duration by skill', 'Exact also where executions take longer than the highest bucket.'],
            'ms',
            [{ expr: now.mean('skill_id', latency), legend }],
          ),
        ],
      },
      {
        title: 'Ratings and health',
        panels: [
          timeseries(['Mean rating by skill', 'Of the ratings that came in.'], 'short', [
            { expr: now.mean('skill_id', rating), legend },
          ]),
          healthScores(parts, where),
          table(
            ['Skills', 'Over the whole time shown.'],
            [
              { title: 'Executions', unit: 'short', expr: whole.increase('skill_id', executions) },
              {
                title: 'Success ratio',
                unit: 'percentunit',
                expr: `${whole.increase('skill_id', successes)} / ${whole.increase('skill_id', executions)}`,
              },
              { title: 'Mean', unit: 'ms', expr: whole.mean('skill_id', latency) },
              { title: 'P95', unit: 'ms', expr: whole.quantile(0.95, 'skill_id', latency) },
              { title: 'Rating', unit: 'short', expr: whole.mean('skill_id', rating) },
            ],
          ),
        ],
      },
    ],
  };
}
