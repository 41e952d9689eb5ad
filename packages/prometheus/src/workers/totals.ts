import { closedLabels, type LabelSet, type Metric } from '@toolweaver/analytics-metrics';
import { aggregatorOf } from '../registry.ts';
import { type FamilySnapshot, widthOf } from '../snapshot.ts';

/** Adds up what several processes and threads have counted. */
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

/** Says which label sets have a series of their own, for good: if one lost it, its counter would fall. */
export type Admission = (metric: string, key: string) => boolean;

/** Admits the first `maxLabelSets` of each metric. */
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
        const mayOverflow = !labelSet.isOverflow && metric.isUnlimited !== true;
        if (index === undefined && mayOverflow && !isAdmitted(metric.name, key)) {
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

/**
 * Raises what is shown to what was shown before of the same series, gauges excepted. The sum of the same numbers depends on their
 * order in the last digit, and the order changes as members end; Prometheus takes a counter that falls, however little, for one
 * that has started anew, and counts all of it again.
 */
export function createFloor(): (family: FamilySnapshot) => void {
  const shown = new Map<string, Map<string, Float64Array>>();
  return ({ metric, labelSets, values }) => {
    if (metric.type === 'gauge') {
      return;
    }
    const floors = shown.get(metric.name) ?? new Map<string, Float64Array>();
    shown.set(metric.name, floors);
    const width = widthOf(metric);
    for (let at = 0; at * width < values.length; at += 1) {
      const key = keyOf(labelSets[at] as LabelSet);
      const own = values.subarray(at * width, (at + 1) * width);
      const floor = floors.get(key) ?? own;
      for (let part = 0; part < width; part += 1) {
        own[part] = Math.max(own[part] as number, floor[part] as number);
      }
      floors.set(key, own);
    }
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
