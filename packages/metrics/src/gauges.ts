import type { Metric } from './catalogue.ts';
import type { NumberFamily } from './family.ts';
import type { LabelSet } from './series.ts';

/** A few series whose values are set, not added to. */
export interface Gauges {
  readonly family: NumberFamily;
  set(labels: readonly string[], value: number): void;
  get(labels: readonly string[]): number;
}

export function createGauges(metric: Metric): Gauges {
  const labelSets: LabelSet[] = [];
  const values: number[] = [];
  const placeOf = new Map<string, number>();
  // Strings in events contain no NUL.
  const keyOf = (labels: readonly string[]): string => labels.join('\0');
  return {
    family: { kind: 'number', metric, labelSets, value: (at) => values[at] as number },
    set(labels, value) {
      const key = keyOf(labels);
      let place = placeOf.get(key);
      if (place === undefined) {
        place = labelSets.push({ labels, isOverflow: false }) - 1;
        placeOf.set(key, place);
      }
      values[place] = value;
    },
    get: (labels) => values[placeOf.get(keyOf(labels)) ?? -1] ?? 0,
  };
}
