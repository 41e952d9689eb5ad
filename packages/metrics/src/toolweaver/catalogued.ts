import { catalogue, type MetricKey } from '../catalogue.ts';
import { createNumbers, type Family, type Histograms, type NewHistograms, type Numbers } from '../family.ts';
import { createLabelSets, type LabelSets } from '../label-sets.ts';
import { type ResolvedMetricsOptions, toMetric } from '../options.ts';
import { createPaths } from '../paths.ts';
import type { LabelSet } from '../series.ts';
import { createSurroundings, type SurroundingsOf } from '../surroundings.ts';
import type { Table } from '../table.ts';

export const msPerSecond = 1000;
/** Costs are added up in whole nano-dollars. */
export const nanosPerUsd = 1e9;

interface RowsOptions {
  /** How many series one label set makes of the metric whose limit applies. Default: 1. */
  readonly seriesEach?: number;
  /** Shows a new row. */
  show(labelSet: LabelSet, row: number): void;
}

/** Creates the parts of the metrics of our own catalogue. */
export interface Catalogued {
  readonly surroundings: SurroundingsOf;
  /** Returns the metrics created so far, in the order of the catalogue. */
  families(): readonly Family[];
  /** `unit`: see `createNumbers`. */
  numbers(key: MetricKey, table: Table, unit?: number): Numbers;
  histograms(key: MetricKey, table: Table): Histograms;
  rows(key: MetricKey, table: Table, options: RowsOptions): LabelSets;
  /** Adds the value of the metric's last own label; it goes before the optional labels. */
  withLast(labelSet: LabelSet, last: string): LabelSet;
}

/** `overflowOf` returns a function to call for each event whose label set came after the limit of the named metric. */
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
      // Ratings always have one bucket for each number of stars.
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
