import type { Metric } from './catalogue.ts';
import { newExponential, observeExponential } from './exponential.ts';
import type { ExponentialValue, HistogramValue, LabelSet } from './series.ts';
import type { Table } from './table.ts';

/** A metric with all of its series, in the order in which they came to be. */
interface Series {
  readonly metric: Metric;
  /** One for each series. */
  readonly labelSets: readonly LabelSet[];
}

/** A counter or gauge. `at`: which series, from 0; so below. */
export interface NumberFamily extends Series {
  readonly kind: 'number';
  value(at: number): number;
}

export interface HistogramFamily extends Series {
  readonly kind: 'explicit';
  /** As it is now; `counts` go on changing. */
  value(at: number): HistogramValue;
}

export interface ExponentialFamily extends Series {
  readonly kind: 'exponential';
  /** As it is now; it goes on changing. */
  value(at: number): ExponentialValue;
}

export type Family = NumberFamily | HistogramFamily | ExponentialFamily;

/** Numbers of a table, shown as series. */
export interface Numbers {
  readonly family: NumberFamily;
  /** `place`: where in the table's values. */
  show(labelSet: LabelSet, place: number): void;
}

/** Observations, kept in a table's rows or by way of them. */
export interface Histograms {
  /** Undefined where somebody else shows them. */
  readonly family: Family | undefined;
  /** How many numbers of a row a series takes. */
  readonly width: number;
  /** `place`: where in the table's values the numbers of the series begin. */
  show(labelSet: LabelSet, place: number): void;
  observe(place: number, value: number, weight: number): void;
}

/** Who keeps observations elsewhere. */
export interface Observer {
  /** Begins a series; returns its number, from 0. */
  add(labelSet: LabelSet): number;
  observe(series: number, value: number, weight: number): void;
}

/** How the observations of histograms are kept. */
export type Buckets = 'explicit' | 'exponential';

/** `kept` overrules how the metric's observations would be kept. */
export type NewHistograms = (metric: Metric, table: Table, kept?: Buckets) => Histograms;

/** `unit`: what stands for 1 in the table, where whole numbers are added up. */
export function createNumbers(metric: Metric, table: Table, unit = 1): Numbers {
  const labelSets: LabelSet[] = [];
  const places: number[] = [];
  return {
    family: {
      kind: 'number',
      metric,
      labelSets,
      value: (at) => (table.values[places[at] as number] as number) / unit,
    },
    show(labelSet, place) {
      labelSets.push(labelSet);
      places.push(place);
    },
  };
}

/** In the row: the sum, then the counts. */
export function createHistograms(metric: Metric, table: Table): Histograms {
  const { bounds = [] } = metric;
  const labelSets: LabelSet[] = [];
  const places: number[] = [];
  const width = bounds.length + 2;
  return {
    family: {
      kind: 'explicit',
      metric,
      labelSets,
      value(at) {
        const { values } = table;
        const place = places[at] as number;
        return { counts: values.subarray(place + 1, place + width), sum: values[place] as number };
      },
    },
    width,
    show(labelSet, place) {
      labelSets.push(labelSet);
      places.push(place);
    },
    observe(place, value, weight) {
      const { values } = table;
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] as number)) {
        bucket += 1;
      }
      const counted = place + 1 + bucket;
      values[counted] = (values[counted] as number) + weight;
      values[place] = (values[place] as number) + value * weight;
    },
  };
}

export function createExponentials(metric: Metric, table: Table): Histograms {
  const labelSets: LabelSet[] = [];
  const series: ExponentialValue[] = [];
  const kept: Observer = {
    add(labelSet) {
      labelSets.push(labelSet);
      return series.push(newExponential()) - 1;
    },
    observe: (at, value, weight) => observeExponential(series[at] as ExponentialValue, value, weight),
  };
  const family: Family = { kind: 'exponential', metric, labelSets, value: (at) => series[at] as ExponentialValue };
  return { ...observedElsewhere(kept, table), family };
}

/** In the row: the number of the series. */
export function observedElsewhere({ add, observe }: Observer, table: Table): Histograms {
  return {
    family: undefined,
    width: 1,
    show(labelSet, place) {
      table.values[place] = add(labelSet);
    },
    observe: (place, value, weight) => observe(table.values[place] as number, value, weight),
  };
}
