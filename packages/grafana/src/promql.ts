import { catalogue, type MetricKey } from '@toolweaver/analytics-metrics';

/** What all queries of a dashboard or rule share. */
export interface Scope {
  readonly namespace: string;
  /** Matchers of every selector, such as `job="a", instance="b"`; '' for none. */
  readonly matchers: string;
  /** The range that functions such as `rate` look at, such as `5m`. */
  readonly range: string;
  /** The function that executions, means and percentiles are based on. Default: `rate`. */
  readonly count?: 'rate' | 'increase';
}

export interface Selection {
  readonly key: MetricKey;
  /** Additional matchers. */
  readonly where?: string | undefined;
  readonly suffix?: '_bucket' | '_count' | '_sum' | undefined;
}

/** Labels that executions of every kind share: the job and the kind, with or without what is executed. */
type Level = 'job, kind' | 'job, kind, name, toolkit';

type Outcome = 'any' | 'failure';

/** Events that were recorded and did not arrive. Those left out by sampling were not meant to. */
export const lostEvents: Selection = { key: 'analyticsEvents', where: 'outcome="dropped", reason!="sampled"' };

/** Events that arrived at a backend. */
export const deliveredEvents: Selection = { key: 'analyticsEvents', where: 'outcome="delivered"' };

/** Builds queries of the catalogue's metrics. `by` is a comma-separated list of labels; '' sums over everything. */
export interface Promql {
  select(selection: Selection): string;
  rate(by: string, selection: Selection): string;
  increase(by: string, selection: Selection): string;
  /**
   * Like `increase`, for counters that may start with the event that creates them, which `increase` does not see: a counter
   * younger than the range has gained its whole value.
   */
  gained(by: string, selection: Selection): string;
  quantile(quantile: number, by: string, selection: Selection): string;
  /** The mean of a histogram: its sum divided by its count. */
  mean(by: string, selection: Selection): string;
  /**
   * Executions of all kinds (skill, tool, llm, agent, search, operation), per second or over the whole range. A kind that was
   * never executed is absent, and does not hide the others.
   */
  executions(by: '' | 'kind' | Level, outcome?: Outcome): string;
  /**
   * The execution counters of each instance, summed by kind. They fall only when the instance restarts, all at once, so a rate
   * of the sums is right.
   */
  totals(outcome?: Outcome): string;
  /** A percentile (as a number from 0 to 1) or the mean of the durations of executions of all kinds, in seconds. */
  durations(by: Level, statistic: number | 'mean'): string;
}

interface Source {
  /** The value of the label `kind`; undefined if the metric has that label itself. */
  readonly kind?: string;
  readonly name: string;
  readonly executions: Selection;
  readonly failures: Selection;
  readonly duration: MetricKey;
  readonly unitsPerSecond: number;
}

const failed = 'status="failure"';

/** The metrics that count executions, and the label of each that names what was executed. */
const sources: readonly Source[] = [
  {
    kind: 'skill',
    name: 'skill_id',
    executions: { key: 'skillExecutions' },
    failures: { key: 'skillFailures' },
    duration: 'skillLatency',
    unitsPerSecond: 1000,
  },
  {
    kind: 'tool',
    name: 'tool_name',
    executions: { key: 'toolExecutions' },
    failures: { key: 'toolExecutions', where: failed },
    duration: 'toolDuration',
    unitsPerSecond: 1,
  },
  {
    kind: 'llm',
    name: 'model',
    executions: { key: 'llmCalls' },
    failures: { key: 'llmCalls', where: failed },
    duration: 'llmDuration',
    unitsPerSecond: 1,
  },
  {
    name: 'operation',
    executions: { key: 'requests' },
    failures: { key: 'requests', where: failed },
    duration: 'requestDuration',
    unitsPerSecond: 1,
  },
];

export function createPromql({ namespace, matchers, range, count = 'rate' }: Scope): Promql {
  function select({ key, where, suffix }: Selection): string {
    const all = [matchers, where].filter(Boolean).join(', ');
    return `${namespace}_${catalogue[key].name}${suffix ?? ''}${all === '' ? '' : `{${all}}`}`;
  }
  const over = (fn: string) => (by: string, selection: Selection) =>
    `${sumBy(by)} (${fn}(${select(selection)}[${range}]))`;
  const rate = over('rate');
  const increase = over('increase');
  const counted = over(count);
  function gained(by: string, selection: Selection): string {
    const selected = select(selection);
    const isYoung = `${selected} unless last_over_time(${selected}[${range}] offset ${range})`;
    return `${sumBy(by)} ((${isYoung}) or increase(${selected}[${range}]))`;
  }

  function quantile(quantile: number, by: string, selection: Selection): string {
    const labels = by === '' ? 'le' : `le, ${by}`;
    return `histogram_quantile(${quantile}, ${counted(labels, { ...selection, suffix: '_bucket' })})`;
  }
  function mean(by: string, selection: Selection): string {
    return `${counted(by, { ...selection, suffix: '_sum' })} / ${counted(by, { ...selection, suffix: '_count' })}`;
  }

  /** Joins one query per source; `query` gets the labels that its result must have. */
  function union(by: string, query: (source: Source, by: string) => string): string {
    const isByName = by.includes('name');
    const parts = sources.map((source) => {
      const own = isByName ? [source.name, ...(source.kind === 'tool' ? ['toolkit'] : [])] : [];
      const labels = ['job', ...(source.kind === undefined ? ['kind'] : []), ...own];
      const part = withKind(source, query(source, labels.join(', ')));
      return isByName ? `label_replace(${part}, "name", "$1", "${source.name}", "(.*)")` : part;
    });
    return `${sumBy(by)} (\n  ${parts.join('\n  or ')}\n)`;
  }

  return {
    select,
    rate,
    increase,
    gained,
    quantile,
    mean,
    executions: (by, outcome) => union(by, (source, own) => counted(own, counterOf(source, outcome))),
    totals: (outcome) =>
      sources
        .map((source) => {
          const selection = counterOf(source, outcome);
          const own = catalogue[selection.key].labels.filter((label) => label !== 'kind');
          return withKind(source, `sum without (${[...own, 'org_id', 'user_id'].join(', ')}) (${select(selection)})`);
        })
        .join('\nor '),
    // Each set of labels has a single series, so the sum does not change its value.
    durations: (by, statistic) =>
      union(by, ({ duration: key, unitsPerSecond }, own) => {
        const query = statistic === 'mean' ? mean(own, { key }) : quantile(statistic, own, { key });
        return unitsPerSecond === 1 ? query : `(${query}) / ${unitsPerSecond}`;
      }),
  };
}

function withKind({ kind }: Source, query: string): string {
  return kind === undefined ? query : `label_replace(${query}, "kind", "${kind}", "", "")`;
}

function counterOf({ executions, failures }: Source, outcome: Outcome = 'any'): Selection {
  return outcome === 'failure' ? failures : executions;
}

function sumBy(by: string): string {
  return by === '' ? 'sum' : `sum by (${by})`;
}
