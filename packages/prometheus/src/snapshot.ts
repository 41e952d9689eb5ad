import type { Cells, Family, Metric } from '@toolweaver/analytics-metrics';

export interface LabelSet {
  /** In the order of the metric's labels; '' where unknown. */
  readonly labels: readonly string[];
  /** Whether this is the series of all label sets that came after the limit. */
  readonly isOverflow: boolean;
}

/** A metric with all of its series at one moment. */
export interface FamilySnapshot {
  readonly metric: Metric;
  /** May have grown since: only the first ones have values. */
  readonly labelSets: readonly LabelSet[];
  /** `widthOf(metric)` numbers for each series: its value, or the counts of its buckets (not cumulative), then the sum. */
  readonly values: Float64Array;
}

export function widthOf({ type, bounds = [] }: Metric): number {
  return type === 'histogram' ? bounds.length + 2 : 1;
}

/** Copies the numbers, so that what is recorded while they are written out does not make one metric contradict another. */
export function takeSnapshot(cells: Cells): FamilySnapshot[] {
  return cells.families().map(snapshotOf);
}

export function snapshotOf({ metric, series }: Family): FamilySnapshot {
  const width = widthOf(metric);
  const values = new Float64Array(series.length * width);
  let at = 0;
  for (const one of series) {
    if ('value' in one) {
      values[at] = one.value;
    } else if ('scale' in one) {
      throw new TypeError(`${metric.name}: exponential buckets have no place in the text format`);
    } else {
      values.set(one.counts, at);
      values[at + width - 1] = one.sum;
    }
    at += width;
  }
  return { metric, labelSets: series, values };
}
