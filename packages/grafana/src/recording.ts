import type { ResolvedGrafanaOptions } from './options.ts';
import { createPromql, type Level } from './promql.ts';
import type { Rule, RuleGroup } from './rules.ts';

/** How finely executions are told apart. */
type Detail = 'kind' | 'name';

/** The windows that alerts look at. */
const windows: Readonly<Record<Detail, readonly string[]>> = {
  name: ['5m', '15m', '1h'],
  kind: ['5m', '30m', '1h', '2h', '6h', '1d', '3d'],
};

const levels: Readonly<Record<Detail, Level>> = { name: 'job, kind, name, toolkit', kind: 'job, kind' };

/** Names of what the recording rules keep. */
export interface Recorded {
  /** A second. */
  executions(detail: Detail, window: string): string;
  failureRatio(detail: Detail, window: string): string;
  /** By name, over 15 minutes. */
  readonly p95Seconds: string;
  /** By name, over an hour. */
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

/** Executions of all kinds under one name, as alerts need them. */
export function recordingRules({ namespace }: ResolvedGrafanaOptions): RuleGroup[] {
  const names = recorded(namespace);
  const over = (range: string) => createPromql({ namespace, matchers: '', range });
  const outcomes = (detail: Detail): Rule[] =>
    windows[detail].flatMap((window) => {
      const { executions } = over(window);
      const count = names.executions(detail, window);
      return [
        { record: count, expr: executions(levels[detail]) },
        // Evaluated right after it from the same samples, so the two fit together.
        {
          record: names.failureRatio(detail, window),
          expr: `${executions(levels[detail], 'failure')}\n/ ${count}`,
        },
      ];
    });
  return [
    { name: `${namespace}-executions-by-name`, rules: outcomes('name') },
    { name: `${namespace}-executions-by-kind`, rules: outcomes('kind') },
    {
      name: `${namespace}-durations`,
      rules: [
        { record: names.p95Seconds, expr: over('15m').durations(levels.name, 0.95) },
        { record: names.meanSeconds, expr: over('1h').durations(levels.name, 'mean') },
      ],
    },
  ];
}
