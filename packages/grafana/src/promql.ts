import { catalogue, type MetricKey } from '@toolweaver/analytics-metrics';

/** What the queries of one place (a dashboard, a rule) have in common. */
export interface Scope {
  readonly namespace: string;
  /** Matchers that every selector has, as in `job="a", instance="b"`; '' for none. */
  readonly matchers: string;
  /** That all is counted over, as in `5m`. */
  readonly range: string;
  /** What executions, means and percentiles are made of. Default: `rate`. */
  readonly count?: 'rate' | 'increase';
}

export interface Selection {
  readonly key: MetricKey;
  /** Further matchers. */
  readonly where?: string | undefined;
  readonly suffix?: '_bucket' | '_count' | '_sum' | undefined;
}

/** The labels that executions of every kind have in common: one of all jobs' for each kind, and what is executed. */
type Level = 'job, kind' | 'job, kind, name, toolkit';

type Outcome = 'any' | 'failure';

/** Events that were recorded and did not arrive: what sampling left out was not to. */
export const lostEvents: Selection = { key: 'analyticsEvents', where: 'outcome="dropped", reason!="sampled"' };

/** Builds queries of the catalogue's metrics. `by` is a list of labels with commas between; '' for one sum of all. */
export interface Promql {
  select(selection: Selection): string;
  rate(by: string, selection: Selection): string;
  increase(by: string, selection: Selection): string;
  /**
   * The same of counters that may begin with the event that makes them, which `increase` does not see: one that is younger than the
   * range has gained all that it says.
   */
  gained(by: string, selection: Selection): string;
  quantile(quantile: number, by: string, selection: Selection): string;
  /** Of a histogram: its sum over its count. */
  mean(by: string, selection: Selection): string;
  /**
   * Executions of all kinds (skill, tool, llm, agent, search, operation), a second or in the whole range. A kind that has never been executed is absent,
   * and hides no other.
   */
  executions(by: '' | 'kind' | Level, outcome?: Outcome): string;
  /**
   * What the counters of each instance say of each kind. They fall only when the instance begins anew, all at once, so that a rate of
   * them is right.
   */
  totals(outcome?: Outcome): string;
  /** Percentiles or the mean of how long executions of all kinds took, in seconds. */
  durations(by: Level, statistic: number | 'mean'): string;
}

interface Source {
  /** What `kind` says; undefined where the metric has that label itself. */
  readonly kind?: string;
  readonly name: string;
  readonly executions: Selection;
  readonly failures: Selection;
  readonly duration: MetricKey;
  readonly unitsPerSecond: number;
}

const failed = 'status="failure"';

/** The metrics that count executions, and the label of each that says of what. */
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

  /** One query of all sources; `query` gets the labels that its result has to have. */
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
    // There is one series for each set of labels, so their sum is what it was.
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
