import { closedLabels, type LabelSet, type Metric } from '@toolweaver/analytics-metrics';
import { aggregatorOf } from '../registry.ts';
import { type FamilySnapshot, widthOf } from '../snapshot.ts';

/** What several processes and threads have counted, as one. */
export interface Totals {
  add(family: FamilySnapshot): void;
  families(): FamilySnapshot[];
}

interface Total {
  readonly metric: Metric;
  readonly indexOf: Map<string, number>;
  readonly labelSets: LabelSet[];
  readonly values: number[];
}

/** Says which label sets have a series of their own, for good: one that had it for a while would be a counter that falls. */
export type Admission = (metric: string, key: string) => boolean;

/** The first `maxLabelSets` of each metric have one. */
export function admitFirst(maxLabelSets: number): Admission {
  const admitted = new Map<string, Set<string>>();
  return (metric, key) => {
    const known = admitted.get(metric) ?? new Set<string>();
    admitted.set(metric, known);
    if (known.size < maxLabelSets) {
      known.add(key);
    }
    return known.has(key);
  };
}

export function createTotals(isAdmitted: Admission): Totals {
  const totals = new Map<string, Total>();

  function totalOf(metric: Metric): Total {
    let total = totals.get(metric.name);
    if (total === undefined) {
      total = { metric, indexOf: new Map(), labelSets: [], values: [] };
      totals.set(metric.name, total);
    }
    return total;
  }

  return {
    add({ metric, labelSets, values }) {
      const total = totalOf(metric);
      const width = widthOf(metric);
      const lowest = aggregatorOf(metric) === 'min';
      for (let at = 0; at * width < values.length; at += 1) {
        let labelSet = labelSets[at] as LabelSet;
        let key = keyOf(labelSet);
        let index = total.indexOf.get(key);
        if (index === undefined && !labelSet.isOverflow && !isAdmitted(metric.name, key)) {
          labelSet = overflowOf(metric, labelSet);
          key = keyOf(labelSet);
          index = total.indexOf.get(key);
        }
        const isNew = index === undefined;
        if (index === undefined) {
          index = total.labelSets.push(labelSet) - 1;
          total.indexOf.set(key, index);
        }
        for (let part = 0; part < width; part += 1) {
          const value = values[at * width + part] as number;
          const slot = index * width + part;
          const before = total.values[slot] as number;
          total.values[slot] = isNew ? value : lowest ? Math.min(before, value) : before + value;
        }
      }
    },
    families: () =>
      Array.from(totals.values(), ({ metric, labelSets, values }) => ({
        metric,
        labelSets,
        values: Float64Array.from(values),
      })),
  };
}

function keyOf({ labels, isOverflow }: LabelSet): string {
  return JSON.stringify([isOverflow, ...labels]);
}

function overflowOf({ labels: names }: Metric, { labels }: LabelSet): LabelSet {
  return {
    labels: labels.map((label, at) => (closedLabels.includes(names[at] as string) ? label : '')),
    isOverflow: true,
  };
}
