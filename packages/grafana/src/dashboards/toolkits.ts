import type { Dashboard } from '../dashboard.ts';
import { atMost, stat, timeseries } from '../panel.ts';
import type { DashboardParts } from './parts.ts';

const where = 'toolkit=~"$toolkit"';

export function toolkits({ now, whole, thresholds }: DashboardParts): Dashboard {
  const { failureRatio } = thresholds;
  const events = { key: 'toolkitEvents', where } as const;
  const eventsOf = (operation: string) => ({ key: 'toolkitEvents', where: `${where}, operation${operation}` }) as const;
  const failed = { key: 'toolkitEvents', where: `${where}, status="failure"` } as const;
  const calls = { key: 'toolExecutions', where } as const;
  const failedCalls = { key: 'toolExecutions', where: `${where}, status="failure"` } as const;
  const requests = { key: 'cacheRequests' } as const;
  const hits = { key: 'cacheRequests', where: 'result="hit"' } as const;
  const hit = '="cache_hit"';
  const asked = '=~"cache_hit|cache_miss"';
  return {
    name: 'toolkits',
    title: 'Toolkits and cache',
    description: 'What happens to toolkits and the tools in them, and how often caches are hit.',
    metric: 'analyticsEvents',
    filters: [{ name: 'toolkit', label: 'Toolkit', metric: 'toolkitEvents', of: 'toolkit' }],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(['Toolkits created', 'How often one was made.'], 'short', whole.increase('', eventsOf('="create"'))),
          stat(
            ['Toolkits from the cache', 'The share of requests for a toolkit that one which was there has answered.'],
            'percentunit',
            `${whole.increase('', eventsOf(hit))} / ${whole.increase('', eventsOf(asked))}`,
          ),
          stat(
            ['Failed toolkit events', 'Creations and other events that failed.'],
            'short',
            whole.increase('', failed),
          ),
          stat(['Calls of tools', 'In the toolkits that are chosen.'], 'short', whole.increase('', calls)),
          stat(
            ['Cache requests', 'Executions of all kinds that said whether a cache answered.'],
            'short',
            whole.increase('', requests),
          ),
          stat(
            ['Cache hit ratio', 'The share of them that a cache answered.'],
            'percentunit',
            `${whole.increase('', hits)} / ${whole.increase('', requests)}`,
          ),
        ],
      },
      {
        title: 'Cache',
        panels: [
          timeseries(['Hit ratio by name', 'The share of executions that a cache answered.'], 'percentunit', [
            {
              expr: `${now.rate('kind, name', hits)} / ${now.rate('kind, name', requests)}`,
              legend: '{{kind}} {{name}}',
            },
          ]),
          timeseries(
            ['Requests a second by result', 'Of executions of all kinds that said whether a cache answered.'],
            'ops',
            [{ expr: now.rate('result', requests), legend: '{{result}}' }],
            { isStacked: true },
          ),
        ],
      },
      {
        title: 'Toolkits',
        panels: [
          timeseries(
            ['Events a second by operation', 'create, cache_hit, cache_miss, cleanup.'],
            'cps',
            [{ expr: now.rate('operation', events), legend: '{{operation}}' }],
            { isStacked: true },
          ),
          timeseries(
            [
              'From the cache, by toolkit',
              'The share of requests for a toolkit that one which was there has answered.',
            ],
            'percentunit',
            [
              {
                expr: `${now.rate('toolkit', eventsOf(hit))} / ${now.rate('toolkit', eventsOf(asked))}`,
                legend: '{{toolkit}}',
              },
            ],
          ),
          timeseries(['Failed events a second', 'By toolkit and operation.'], 'cps', [
            { expr: now.rate('toolkit, operation', failed), legend: '{{toolkit}} {{operation}}' },
          ]),
          timeseries(
            ['Calls of tools a second', 'By toolkit.'],
            'ops',
            [{ expr: now.rate('toolkit', calls), legend: '{{toolkit}}' }],
            { isStacked: true },
          ),
          timeseries(
            [
              'Failure ratio by toolkit',
              'The share of calls of its tools that failed. From the line on it is critical.',
            ],
            'percentunit',
            [{ expr: `${now.rate('toolkit', failedCalls)} / ${now.rate('toolkit', calls)}`, legend: '{{toolkit}}' }],
            { limits: atMost(failureRatio) },
          ),
          timeseries(['P95 by toolkit', 'Nineteen of twenty calls of its tools were faster.'], 's', [
            { expr: now.quantile(0.95, 'toolkit', { key: 'toolDuration', where }), legend: '{{toolkit}}' },
          ]),
        ],
      },
    ],
  };
}
