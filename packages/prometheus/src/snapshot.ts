import type { Cells, Family, LabelSet, Metric } from '@toolweaver/analytics-metrics';

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

export function snapshotOf(family: Family): FamilySnapshot {
  const { metric, labelSets } = family;
  const width = widthOf(metric);
  const values = new Float64Array(labelSets.length * width);
  for (let at = 0; at < labelSets.length; at += 1) {
    const place = at * width;
    switch (family.kind) {
      case 'number':
        values[place] = family.value(at);
        break;
      case 'explicit':
        values[place + width - 1] = family.read(at, values, place);
        break;
      case 'exponential':
        throw new TypeError(`${metric.name}: the text format has no exponential buckets`);
    }
  }
  return { metric, labelSets, values };
}
