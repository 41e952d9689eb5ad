import type { OptionNames } from '@toolweaver/analytics-core/backend';
import { isObject } from './json-text.ts';
import { requireForm } from './require-form.ts';

/** What the summary keeps of a metric's numbers. `none` keeps nothing, even together with others. */
export type SummaryKind = 'min' | 'max' | 'mean' | 'last' | 'first' | 'none';

/** Field numbers of the summary kinds, in the service's records and in its configuration of a run. */
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
  /** What the summary keeps; if empty, the last value. */
  readonly summary: readonly SummaryKind[];
}

/** How a metric is shown, and what the summary keeps of it. */
export interface MetricOptions {
  /** The metric on the x axis. Default: the run's step. */
  readonly stepMetric?: string | undefined;
  /** Whether to make no chart for it. Default: false. */
  readonly hidden?: boolean | undefined;
  /** What the summary keeps. Default: the last value. */
  readonly summary?: readonly SummaryKind[] | undefined;
}

export const knownInMetric: OptionNames<MetricOptions> = { stepMetric: true, hidden: true, summary: true };

/**
 * Checks a definition and fills in the defaults.
 * @throws TypeError for what a record of it cannot hold, which would make the whole log unreadable; for empty names and globs.
 */
export function definitionOf(name: string, options: MetricOptions | undefined): MetricDefinition {
  const { stepMetric, hidden = false, summary = [] } = options ?? {};
  const isNamed = typeof name === 'string' && (stepMetric === undefined || typeof stepMetric === 'string');
  requireForm(isNamed, 'its name and its step metric must be strings');
  const isWhole = [name, stepMetric].every((given) => given !== '' && !given?.includes('*'));
  requireForm(isWhole, 'its name and its step metric must not be empty, nor have a *: globs are not supported');
  const isOfKinds = Array.isArray(summary) && summary.every((kind) => Object.hasOwn(summaryFields, kind));
  requireForm(isOfKinds, `its summary must be a list of ${Object.keys(summaryFields).join(', ')}`);
  return { name, stepMetric, hidden, summary: [...summary] };
}

/** The definitions with `added`, which replaces one of the same name. Its step metric is defined, too, if it is not yet. */
export function withDefinition(metrics: readonly MetricDefinition[], added: MetricDefinition): MetricDefinition[] {
  const others = metrics.filter(({ name }) => name !== added.name);
  const { stepMetric } = added;
  if (stepMetric !== undefined && stepMetric !== added.name && !others.some(({ name }) => name === stepMetric)) {
    others.push({ name: stepMetric, stepMetric: undefined, hidden: false, summary: [] });
  }
  return [...others, added];
}

/** Both lists, with the definitions of `added` in place of those of the same name. */
export function withDefinitions(
  metrics: readonly MetricDefinition[],
  added: readonly MetricDefinition[],
): MetricDefinition[] {
  const names = new Set(added.map(({ name }) => name));
  return [...metrics.filter(({ name }) => !names.has(name)), ...added];
}

/** The definitions by the field numbers of their records, as the configuration of a run has them. */
export function definitionFields(metrics: readonly MetricDefinition[]): object[] {
  return metrics.map(({ name, stepMetric, hidden, summary }) => {
    const stepIndex = stepMetric === undefined ? -1 : metrics.findIndex((other) => other.name === stepMetric);
    const options = [...(stepMetric === undefined ? [] : [1]), ...(hidden ? [2] : []), 3];
    return {
      1: name,
      ...(stepIndex >= 0 && { 5: stepIndex + 1 }),
      6: options,
      7: summary.map((kind) => summaryFields[kind]),
    };
  });
}

/** Reads what `definitionFields` writes, also that of another client. What has no name, such as a glob, is left out. */
export function definitionsIn(fields: unknown): MetricDefinition[] {
  const entries = Array.isArray(fields) ? fields.map((entry) => (isObject(entry) ? entry : {})) : [];
  const nameOf = (entry: (typeof entries)[number] | undefined): string | undefined => {
    const name = entry?.['1'];
    return typeof name === 'string' && name !== '' ? name : undefined;
  };
  const has = (list: unknown, number: number): boolean => Array.isArray(list) && list.includes(number);
  return entries.flatMap((entry) => {
    const { 5: stepIndex, 6: options, 7: kinds } = entry;
    const name = nameOf(entry);
    const summary = (Object.keys(summaryFields) as SummaryKind[]).filter((kind) => has(kinds, summaryFields[kind]));
    const stepMetric = nameOf(entries[Number(stepIndex) - 1]);
    return name === undefined ? [] : [{ name, stepMetric, hidden: has(options, 2), summary }];
  });
}

/** Running statistics of one metric. */
export interface Figures {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
  readonly first: number | boolean;
  readonly last: number | boolean;
}

/** Figures of which some may be unknown. */
type KnownFigures = { readonly [F in keyof Figures]?: Figures[F] | undefined };

/** The figures that a summary holds. A mean cannot be continued, because the summary lacks its count. */
export function figuresIn(summary: unknown): KnownFigures {
  const { min, max, first } = isObject(summary) ? summary : {};
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  return { min: number(min), max: number(max), first: typeof first === 'boolean' ? first : number(first) };
}

/** A boolean counts as 0 or 1. */
export function addFigure(before: KnownFigures, given: number | bigint | boolean): Figures {
  const value = Number(given);
  const last = typeof given === 'boolean' ? given : value;
  const { min = value, max = value, sum = 0, count = 0, first = last } = before;
  return {
    min: Math.min(min, value),
    max: Math.max(max, value),
    sum: sum + value,
    count: count + 1,
    first,
    last,
  };
}

/** The summary of a metric with these kinds. */
export function summaryOf(kinds: readonly SummaryKind[], { min, max, sum, count, first, last }: Figures): unknown {
  const values = { min, max, mean: sum / count, first, last, none: undefined };
  return Object.fromEntries(kinds.filter((kind) => kind !== 'none').map((kind) => [kind, values[kind]]));
}
