import type { ResolvedGrafanaOptions } from './options.ts';
import { createPromql } from './promql.ts';
import type { Rule, RuleGroup } from './rules.ts';

/** Whether executions are told apart by kind only, or by name, too. */
type Detail = 'kind' | 'name';

/** The windows that alerts look at. */
const windows: Readonly<Record<Detail, readonly string[]>> = {
  name: ['5m', '15m', '1h'],
  kind: ['5m', '30m', '1h', '2h', '6h', '1d', '3d'],
};

/** The names of the recorded series. */
export interface Recorded {
  /** Executions per second. */
  executions(detail: Detail, window: string): string;
  failureRatio(detail: Detail, window: string): string;
  /** The 95th percentile by name, over 15 minutes. */
  readonly p95Seconds: string;
  /** The mean by name, over an hour. */
  readonly meanSeconds: string;
}

const prefixes: Readonly<Record<Detail, string>> = { name: 'job_kind_name', kind: 'job_kind' };

export function recorded(namespace: string): Recorded {
  return {
    executions: (detail, window) => `${prefixes[detail]}:${namespace}_executions:rate${window}`,
    failureRatio: (detail, window) => `${prefixes[detail]}:${namespace}_failure_ratio:rate${window}`,
    p95Seconds: `${prefixes.name}:${namespace}_duration_seconds:p95_rate15m`,
    meanSeconds: `${prefixes.name}:${namespace}_duration_seconds:mean_rate1h`,
  };
}

/** Recording rules that collect executions of all kinds under one name, as the alerts need them. */
export function recordingRules({ namespace }: ResolvedGrafanaOptions): RuleGroup[] {
  const names = recorded(namespace);
  const over = (range: string) => createPromql({ namespace, matchers: '', range });
  const total = (outcome: string): string => `instance_kind:${namespace}_${outcome}:sum`;
  /** Prometheus evaluates the two rules one after the other from the same samples, so they agree. */
  const outcomes = (detail: Detail, window: string, executions: string, failures: string): Rule[] => {
    const count = names.executions(detail, window);
    return [
      { record: count, expr: executions },
      { record: names.failureRatio(detail, window), expr: `${failures}\n/ ${count}` },
    ];
  };
  const byName = 'job, kind, name, toolkit';
  return [
    {
      name: `${namespace}-executions-by-name`,
      rules: windows.name.flatMap((window) => {
        const { executions } = over(window);
        return outcomes('name', window, executions(byName), executions(byName, 'failure'));
      }),
    },
    {
      name: `${namespace}-executions-by-kind`,
      rules: [
        { record: total('executions'), expr: over('').totals() },
        { record: total('failures'), expr: over('').totals('failure') },
        // Over days, the single series would have millions of samples; these sums have few.
        ...windows.kind.flatMap((window) => {
          const rate = (outcome: string): string => `sum by (job, kind) (rate(${total(outcome)}[${window}]))`;
          return outcomes('kind', window, rate('executions'), rate('failures'));
        }),
      ],
    },
    {
      name: `${namespace}-durations`,
      rules: [
        { record: names.p95Seconds, expr: over('15m').durations(byName, 0.95) },
        { record: names.meanSeconds, expr: over('1h').durations(byName, 'mean') },
      ],
    },
  ];
}
