import type { EventFields } from '@toolweaver/analytics-core';
import type { OptionalLabel } from './catalogue.ts';
import { ownCopy } from './own-copy.ts';

/** The values of an event's optional labels. */
export interface Surroundings {
  readonly values: readonly string[];
  /** Identifies the values, from 0; -1 while nothing was counted under them. */
  readonly number: number;
}

/** Used where there are no optional labels. */
export const noSurroundings: Surroundings = { values: [], number: 0 };

export interface SurroundingsOf {
  at(event: EventFields): Surroundings;
  /** Returns the values to keep, with a number. */
  keep(surroundings: Surroundings): Surroundings;
}

export function createSurroundings(labels: readonly OptionalLabel[]): SurroundingsOf {
  const [first, second] = labels;
  if (first === undefined) {
    return { at: () => noSurroundings, keep: (none) => none };
  }
  return second === undefined ? ofOne(first) : ofTwo(first, second);
}

function ofOne(label: OptionalLabel): SurroundingsOf {
  const known = new Map<string, Surroundings>();
  return {
    at(event) {
      const value = labelValue(event, label);
      return known.get(value) ?? { values: [value], number: -1 };
    },
    keep({ values }) {
      const [value = ''] = values;
      // Another metric may have given the values of the same event a number already.
      const kept = known.get(value) ?? { values: values.map(ownCopy), number: known.size };
      known.set(kept.values[0] ?? '', kept);
      return kept;
    },
  };
}

function ofTwo(first: OptionalLabel, second: OptionalLabel): SurroundingsOf {
  const known = new Map<string, Map<string, Surroundings>>();
  let count = 0;
  return {
    at(event) {
      const values = [labelValue(event, first), labelValue(event, second)] as const;
      return known.get(values[0])?.get(values[1]) ?? { values, number: -1 };
    },
    keep({ values }) {
      const [firstValue = '', secondValue = ''] = values;
      const ofFirst = known.get(firstValue) ?? new Map<string, Surroundings>();
      const kept = ofFirst.get(secondValue) ?? { values: values.map(ownCopy), number: count };
      if (kept.number === count) {
        known.set(kept.values[0] ?? '', ofFirst);
        ofFirst.set(kept.values[1] ?? '', kept);
        count += 1;
      }
      return kept;
    },
  };
}

function labelValue({ orgId, userId }: EventFields, label: OptionalLabel): string {
  return (label === 'org_id' ? orgId : userId) ?? '';
}
