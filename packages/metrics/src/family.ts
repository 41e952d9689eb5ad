import type { Metric } from './catalogue.ts';
import { type ExponentialSeries, newExponential, observeExponential } from './exponential.ts';
import type { ExponentialValue, LabelSet } from './series.ts';
import { addTo, type Table } from './table.ts';

/** A metric with all of its series, in the order of their creation. */
interface Series {
  readonly metric: Metric;
  /** One for each series. */
  readonly labelSets: readonly LabelSet[];
}

/** A counter or gauge. `at` is the number of a series, from 0, here and below. */
export interface NumberFamily extends Series {
  readonly kind: 'number';
  /** Returns the current value, in the unit of the metric. Sampled events count by their weight, so it may be fractional. */
  value(at: number): number;
}

/** A histogram whose buckets have the bounds of its metric. */
export interface HistogramFamily extends Series {
  readonly kind: 'explicit';
  /**
   * Writes the current counts of the buckets to `counts`, starting at `from` (default: 0), and returns the sum of the observed
   * values. Not cumulative: each bucket has the observations above the bound before and up to its own, and the last one those
   * above all bounds. Sampled events count by their weight, so counts may be fractional.
   */
  read(at: number, counts: Float64Array, from?: number): number;
}

/** A histogram whose buckets adapt to the observed values. */
export interface ExponentialFamily extends Series {
  readonly kind: 'exponential';
  /** Returns the current value, which goes on changing. */
  value(at: number): ExponentialValue;
}

/** A metric with its series, told apart by `kind`. */
export type Family = NumberFamily | HistogramFamily | ExponentialFamily;

/** Numbers of a table, shown as series. */
export interface Numbers {
  readonly family: NumberFamily;
  /** `place`: an index into the table's values. Returns the number of the series, from 0. */
  show(labelSet: LabelSet, place: number): number;
  /** From now on adds the number at `place` of `table` to what the series shows. */
  showMore(series: number, table: Table, place: number): void;
}

/** Observations, kept in the rows of a table or elsewhere with a reference in the row. */
export interface Histograms {
  /** Undefined where an observer shows them. */
  readonly family: Family | undefined;
  /** How many numbers a series takes in a row. */
  readonly width: number;
  /** `place`: the index in the table's values where the numbers of the series begin. */
  show(labelSet: LabelSet, place: number): void;
  observe(place: number, value: number, weight: number): void;
}

/** Keeps observations outside of the cells. */
export interface Observer {
  /** Starts a series; returns its number, from 0. */
  add(labelSet: LabelSet): number;
  /** `series`: as returned by `add`. `value`: in the unit of the metric. `weight`: number of observations, maybe fractional. */
  observe(series: number, value: number, weight: number): void;
}

/** The kind of buckets that histograms have. */
export type Buckets = 'explicit' | 'exponential';

/** `kept` overrides the configured kind of buckets. */
export type NewHistograms = (metric: Metric, table: Table, kept?: Buckets) => Histograms;

/** `unit`: the number in the table that stands for 1, where whole numbers are added up. */
export function createNumbers(metric: Metric, table: Table, unit = 1): Numbers {
  const labelSets: LabelSet[] = [];
  const places: number[] = [];
  const more = new Map<number, { readonly table: Table; readonly place: number }[]>();
  const numberAt = ({ values }: Table, place: number): number => values[place] as number;
  return {
    family: {
      kind: 'number',
      metric,
      labelSets,
      value(at) {
        let sum = numberAt(table, places[at] as number);
        for (const part of more.get(at) ?? []) {
          sum += numberAt(part.table, part.place);
        }
        return sum / unit;
      },
    },
    show(labelSet, place) {
      labelSets.push(labelSet);
      return places.push(place) - 1;
    },
    showMore(series, table, place) {
      const parts = more.get(series) ?? [];
      parts.push({ table, place });
      more.set(series, parts);
    },
  };
}

/** Keeps the sum in the row, followed by the counts. */
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
      read(at, counts, from = 0) {
        const { values } = table;
        const place = places[at] as number;
        // Copying from a view would cost several times as much.
        for (let bucket = 0; bucket < width - 1; bucket += 1) {
          counts[from + bucket] = values[place + 1 + bucket] as number;
        }
        return values[place] as number;
      },
    },
    width,
    show(labelSet, place) {
      labelSets.push(labelSet);
      places.push(place);
    },
    observe(place, value, weight) {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] as number)) {
        bucket += 1;
      }
      addTo(table, place + 1 + bucket, weight);
      addTo(table, place, value * weight);
    },
  };
}

export function createExponentials(metric: Metric, table: Table): Histograms {
  const labelSets: LabelSet[] = [];
  const series: ExponentialSeries[] = [];
  const kept: Observer = {
    add(labelSet) {
      labelSets.push(labelSet);
      return series.push(newExponential()) - 1;
    },
    observe: (at, value, weight) => observeExponential(series[at] as ExponentialSeries, value, weight),
  };
  const family: Family = { kind: 'exponential', metric, labelSets, value: (at) => series[at] as ExponentialValue };
  return { ...observedElsewhere(kept, table), family };
}

/** Keeps the number of the series in the row. */
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
