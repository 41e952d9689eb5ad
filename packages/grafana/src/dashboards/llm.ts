import type { Dashboard } from '../dashboard.ts';
import { atMost, heatmap, stat, table, timeseries } from '../panel.ts';
import { type DashboardParts, percentiles } from './parts.ts';

const where = 'model=~"$model"';
const legend = '{{model}}';

export function llm({ now, whole, thresholds }: DashboardParts): Dashboard {
  const { failureRatio, costPerHourUsd, costPerRunUsd } = thresholds;
  const calls = { key: 'llmCalls', where } as const;
  const failures = { key: 'llmCalls', where: `${where}, status="failure"` } as const;
  const errors = { key: 'llmErrors', where } as const;
  const duration = { key: 'llmDuration', where } as const;
  const tokens = { key: 'tokenUsage', where } as const;
  const tokensOf = (type: string) => ({ key: 'tokenUsage', where: `${where}, type${type}` }) as const;
  const cost = { key: 'cost', where } as const;
  // Costs with and without a model, because a run costs more than its LLM calls.
  const allCosts = { key: 'cost' } as const;
  const runs = { key: 'requests', where: 'kind="agent"' } as const;
  const cached = `${whole.increase('', tokensOf('="cache_read"'))} / ${whole.increase('', tokensOf('=~"input|cache_read|cache_write"'))}`;
  return {
    name: 'llm',
    title: 'LLM models and cost',
    description: 'Calls of models, their tokens, and the known costs of everything.',
    metric: 'llmCalls',
    filters: [{ name: 'model', label: 'Model', metric: 'llmCalls', of: 'model' }],
    rows: [
      {
        title: 'The whole time shown',
        panels: [
          stat(['Calls', 'Of the models that are chosen.'], 'short', whole.increase('', calls)),
          stat(['Tokens', 'Of all classes.'], 'short', whole.increase('', tokens)),
          stat(
            ['Read from the cache', "The share of input tokens that came from the provider's cache."],
            'percentunit',
            cached,
          ),
          stat(
            [
              'Known cost',
              'Of everything that names one of the chosen models; where all are, also of what names none.',
            ],
            'currencyUSD',
            whole.increase('', cost),
          ),
          stat(
            [
              'Cost of an agent run',
              'All known costs over the agent runs that ended: a mean. What a single run cost is in SQLite.',
            ],
            'currencyUSD',
            `${whole.gained('', allCosts)} / (${whole.gained('', runs)} > 0)`,
            atMost(costPerRunUsd),
          ),
          stat(['P95', 'Nineteen of twenty calls were faster.'], 's', whole.quantile(0.95, '', duration)),
        ],
      },
      {
        title: 'Cost',
        panels: [
          timeseries(
            [
              'Cost per hour by model',
              'What an hour at the present speed costs. From the line on there is a warning for the sum.',
            ],
            'currencyUSD',
            [{ expr: `${now.rate('model', cost)} * 3600`, legend }],
            { isStacked: true, limits: atMost(costPerHourUsd) },
          ),
          timeseries(
            [
              'Most expensive',
              'The ten most expensive skills, tools, models and operations by the hour, whatever model they name.',
            ],
            'currencyUSD',
            [{ expr: `topk(10, ${now.rate('kind, name', allCosts)}) * 3600`, legend: '{{kind}} {{name}}' }],
          ),
          timeseries(
            [
              'Cost of an agent run',
              'All known costs over the agent runs that ended: a mean. From the line on there is a warning.',
            ],
            'currencyUSD',
            [{ expr: `${now.rate('job', allCosts)} / (${now.rate('job', runs)} > 0)`, legend: '{{job}}' }],
            { limits: atMost(costPerRunUsd) },
          ),
          timeseries(['Cost of a thousand calls', 'Of each model.'], 'currencyUSD', [
            {
              expr: `1000 * ${now.rate('model', { key: 'cost', where: `${where}, kind="llm"` })} / ${now.rate('model', calls)}`,
              legend,
            },
          ]),
        ],
      },
      {
        title: 'Tokens',
        panels: [
          timeseries(
            ['Tokens a second', 'By class; the classes share no token.'],
            'cps',
            [{ expr: now.rate('type', tokens), legend: '{{type}}' }],
            { isStacked: true },
          ),
          timeseries(['Tokens a second by model', 'Of all classes.'], 'cps', [
            { expr: now.rate('model', tokens), legend },
          ]),
        ],
      },
      {
        title: 'Calls',
        panels: [
          timeseries(['Calls a second', 'By model.'], 'ops', [{ expr: now.rate('model', calls), legend }], {
            isStacked: true,
          }),
          timeseries(
            ['Failure ratio by model', 'The share of calls that failed. From the line on it is critical.'],
            'percentunit',
            [
              {
                expr: `${now.rate('model, provider', failures)} / ${now.rate('model, provider', calls)}`,
                legend: '{{model}} {{provider}}',
              },
            ],
            { limits: atMost(failureRatio) },
          ),
          timeseries(
            ['Errors by type', 'Failed calls a second, by the type of their error: a refused rate, a time-out.'],
            'cps',
            [{ expr: now.rate('error_type', errors), legend: '{{error_type}}' }],
            { isStacked: true },
          ),
          timeseries(['Percentiles', 'Of all models that are chosen.'], 's', percentiles(now, duration)),
          timeseries(['P95 by model', 'Nineteen of twenty calls were faster.'], 's', [
            { expr: now.quantile(0.95, 'model', duration), legend },
          ]),
          heatmap(
            ['Durations in s', 'How many calls took how long.'],
            's',
            now.increase('le', { ...duration, suffix: '_bucket' }),
          ),
          timeseries(['Mean duration of failed calls', 'Long ones are time-outs, short ones are refused.'], 's', [
            { expr: now.mean('model', { key: 'llmDuration', where: `${where}, status="failure"` }), legend },
          ]),
          table(
            ['Models', 'Over the whole time shown.'],
            [
              { title: 'Calls', unit: 'short', expr: whole.increase('model', calls) },
              {
                title: 'Failure ratio',
                unit: 'percentunit',
                expr: `${whole.increase('model', failures)} / ${whole.increase('model', calls)}`,
              },
              { title: 'P95', unit: 's', expr: whole.quantile(0.95, 'model', duration) },
              { title: 'Tokens', unit: 'short', expr: whole.increase('model', tokens) },
              { title: 'Known cost', unit: 'currencyUSD', expr: whole.increase('model', cost) },
            ],
          ),
        ],
      },
    ],
  };
}
