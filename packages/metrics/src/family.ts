import type { Metric } from './catalogue.ts';
import { type ExponentialSeries, newExponential, observeExponential } from './exponential.ts';
import type { ExponentialValue, LabelSet } from './series.ts';
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
  /** As it is now, in the unit of the metric. Sampled events count by their weight, which may make it fractional. */
  value(at: number): number;
}

/** A histogram whose buckets have the bounds of its metric. */
export interface HistogramFamily extends Series {
  readonly kind: 'explicit';
  /**
   * Writes the counts of the buckets as they are now to `counts`, from `from` (default: 0) on, and returns the sum of what was
   * observed. Not cumulative: observations at most each bound and above the one before; the last are beyond all. Those of sampled
   * events count by their weight, which may make them fractional.
   */
  read(at: number, counts: Float64Array, from?: number): number;
}

/** A histogram whose buckets adapt to what is observed. */
export interface ExponentialFamily extends Series {
  readonly kind: 'exponential';
  /** As it is now; it goes on changing. */
  value(at: number): ExponentialValue;
}

/** A metric with its series, told apart by `kind`. */
export type Family = NumberFamily | HistogramFamily | ExponentialFamily;

/** Numbers of a table, shown as series. */
export interface Numbers {
  readonly family: NumberFamily;
  /** `place`: where in the table's values. Returns which series it is, from 0. */
  show(labelSet: LabelSet, place: number): number;
  /** Makes the series show the sum of what it showed and of what is there in some table. */
  showMore(series: number, table: Table, place: number): void;
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
  /** `series`: as `add` has numbered it. `value`: in the unit of the metric. `weight`: how many of them there were, or parts of one. */
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
      read(at, counts, from = 0) {
        const { values } = table;
        const place = places[at] as number;
        // A view to copy from would cost several times as much.
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
