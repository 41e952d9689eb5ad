import type { ResolvedGrafanaOptions } from './options.ts';
import { createPromql, type Selection } from './promql.ts';
import type { Rule, RuleGroup } from './rules.ts';

const msPerSecond = 1000;

/**
 * Recording rules with the names that ROMA-DSPy's documents give to the metrics of toolkits, so that queries written for them
 * find data. Counters stay counters, one for each instance, and the histogram has its bounds in ms.
 */
export function aliasRules({ namespace, latencyBucketsMs }: ResolvedGrafanaOptions): RuleGroup[] {
  const { select } = createPromql({ namespace, matchers: '', range: '' });
  const sum = (dropped: string, selection: Selection): string =>
    `sum without (${dropped}) (\n  label_replace(${select(selection)}, "toolkit_class", "$1", "toolkit", "(.*)")\n)`;
  const bucket = (le: string, seconds: string): Rule => ({
    record: 'tool_duration_ms_bucket',
    expr: sum('le, toolkit', { key: 'toolDuration', suffix: '_bucket', where: `le=~"${seconds}"` }),
    labels: { le },
  });
  return [
    {
      name: `${namespace}-aliases`,
      rules: [
        { record: 'tool_invocations_total', expr: sum('status, toolkit', { key: 'toolExecutions' }) },
        {
          record: 'tool_invocations_success_total',
          expr: sum('status, toolkit', { key: 'toolExecutions', where: 'status="success"' }),
        },
        { record: 'tool_invocations_failed_total', expr: sum('toolkit', { key: 'toolErrors' }) },
        ...latencyBucketsMs.map((ms) => bucket(String(ms), asPattern(ms / msPerSecond))),
        bucket('+Inf', '[+]Inf'),
        {
          record: 'tool_duration_ms_sum',
          expr: `${sum('toolkit', { key: 'toolDuration', suffix: '_sum' })} * ${msPerSecond}`,
        },
        { record: 'tool_duration_ms_count', expr: sum('toolkit', { key: 'toolDuration', suffix: '_count' }) },
      ],
    },
  ];
}

/** Returns a regular expression for a bound: Prometheus 3 adds `.0` to whole numbers, earlier versions leave them as they are. */
function asPattern(bound: number): string {
  return Number.isInteger(bound) ? `${bound}(?:[.]0)?` : String(bound).replace('.', '[.]');
}
