import { catalogue, type MetricKey } from '../catalogue.ts';
import { createNumbers, type Family, type Histograms, type NewHistograms, type Numbers } from '../family.ts';
import { createLabelSets, type LabelSets } from '../label-sets.ts';
import { type ResolvedMetricsOptions, toMetric } from '../options.ts';
import { createPaths } from '../paths.ts';
import type { LabelSet } from '../series.ts';
import { createSurroundings, type SurroundingsOf } from '../surroundings.ts';
import type { Table } from '../table.ts';

export const msPerSecond = 1000;
/** Money is added up in whole nano-dollars. */
export const nanosPerUsd = 1e9;

interface RowsOptions {
  /** How many series of the metric, whose limit it is, one label set makes. Default: 1. */
  readonly seriesEach?: number;
  /** Shows what is in a new row. */
  show(labelSet: LabelSet, row: number): void;
}

/** What the metrics of our own catalogue are made with. */
export interface Catalogued {
  readonly surroundings: SurroundingsOf;
  /** Of the metrics made so far, in the order of the catalogue. */
  families(): readonly Family[];
  /** `unit`: see `createNumbers`. */
  numbers(key: MetricKey, table: Table, unit?: number): Numbers;
  histograms(key: MetricKey, table: Table): Histograms;
  rows(key: MetricKey, table: Table, options: RowsOptions): LabelSets;
  /** The optional labels come last, so the given one is put before them. */
  withLast(labelSet: LabelSet, last: string): LabelSet;
}

/** `overflowOf` gives what is to be called for each event whose label set came after the limit of a metric of that name. */
export function createCatalogued(
  options: ResolvedMetricsOptions,
  newHistograms: NewHistograms,
  overflowOf: (metric: string) => () => void,
): Catalogued {
  const { labels: optionalLabels, maxLabelSets } = options;
  const families = new Map<MetricKey, Family>();
  const paths = createPaths();
  const surroundings = createSurroundings(optionalLabels);
  return {
    surroundings,
    families: () => (Object.keys(catalogue) as MetricKey[]).flatMap((key) => families.get(key) ?? []),
    numbers(key, table, unit) {
      const made = createNumbers(toMetric(catalogue[key], options), table, unit);
      families.set(key, made.family);
      return made;
    },
    histograms(key, table) {
      const metric = toMetric(catalogue[key], options);
      // Stars are what their buckets say.
      const made = key === 'skillRating' ? newHistograms(metric, table, 'explicit') : newHistograms(metric, table);
      if (made.family !== undefined) {
        families.set(key, made.family);
      }
      return made;
    },
    rows(key, table, { seriesEach, show }) {
      const { name } = toMetric(catalogue[key], options);
      return createLabelSets({
        table,
        paths,
        surroundings,
        limit: maxLabelSets,
        seriesEach,
        show,
        onOverflow: overflowOf(name),
      });
    },
    withLast({ labels, isOverflow }, last) {
      const own = labels.length - optionalLabels.length;
      return { labels: [...labels.slice(0, own), last, ...labels.slice(own)], isOverflow };
    },
  };
}
