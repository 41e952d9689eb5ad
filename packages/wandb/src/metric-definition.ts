import { type Known, requireForm } from './check.ts';

/** What the summary keeps of a metric's numbers. `none`, also beside others: nothing. */
export type SummaryKind = 'min' | 'max' | 'mean' | 'last' | 'first' | 'none';

/** Field numbers of what the summary keeps, in the service's records and in its configuration of a run. */
export const summaryFields: Readonly<Record<SummaryKind, number>> = {
  min: 1,
  max: 2,
  mean: 3,
  last: 5,
  none: 6,
  first: 8,
};

/** How a metric is shown. */
export interface MetricDefinition {
  readonly name: string;
  /** The metric that is its x axis. */
  readonly stepMetric: string | undefined;
  readonly hidden: boolean;
  /** What the summary keeps of it; empty: the last value. */
  readonly summary: readonly SummaryKind[];
}

/** How a metric is shown, and what the summary keeps of it. */
export interface MetricOptions {
  /** The metric that is its x axis. Default: the run's step. */
  readonly stepMetric?: string | undefined;
  /** No chart is made for it. Default: false. */
  readonly hidden?: boolean | undefined;
  /** Default: the last value. */
  readonly summary?: readonly SummaryKind[] | undefined;
}

export const knownInMetric: Known<MetricOptions> = { stepMetric: true, hidden: true, summary: true };

/**
 * The definition as its caller gives it.
 * @throws TypeError for what a record of it cannot hold, which would make the whole log unreadable.
 */
export function definitionOf(name: string, options: MetricOptions | undefined): MetricDefinition {
  const { stepMetric, hidden = false, summary = [] } = options ?? {};
  const isNamed = typeof name === 'string' && (stepMetric === undefined || typeof stepMetric === 'string');
  requireForm(isNamed, 'its name and its step metric must be strings');
  const isOfKinds = Array.isArray(summary) && summary.every((kind) => Object.hasOwn(summaryFields, kind));
  requireForm(isOfKinds, `its summary must be a list of ${Object.keys(summaryFields).join(', ')}`);
  return { name, stepMetric, hidden, summary: [...summary] };
}

/** The definitions with this one, in place of an earlier one of its name; its axis is among them. */
export function withDefinition(metrics: readonly MetricDefinition[], added: MetricDefinition): MetricDefinition[] {
  const others = metrics.filter(({ name }) => name !== added.name);
  const { stepMetric } = added;
  if (stepMetric !== undefined && !others.some(({ name }) => name === stepMetric)) {
    others.push({ name: stepMetric, stepMetric: undefined, hidden: false, summary: [] });
  }
  return [...others, added];
}

/** Running figures of one metric. */
export interface Figures {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

export function addFigure(before: Figures | undefined, value: number): Figures {
  const { min = value, max = value, sum = 0, count = 0, first = value } = before ?? {};
  return {
    min: Math.min(min, value),
    max: Math.max(max, value),
    sum: sum + value,
    count: count + 1,
    first,
    last: value,
  };
}

/** What the summary shows of a metric that was defined so. */
export function summaryOf(kinds: readonly SummaryKind[], { min, max, sum, count, first, last }: Figures): unknown {
  const values = { min, max, mean: sum / count, first, last, none: undefined };
  return Object.fromEntries(kinds.filter((kind) => kind !== 'none').map((kind) => [kind, values[kind]]));
}
