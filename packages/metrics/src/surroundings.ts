import type { EventFields } from '@toolweaver/analytics-core';
import type { OptionalLabel } from './catalogue.ts';
import { createPaths, type Texts } from './paths.ts';

/** The values of the optional labels of an event. */
export interface Surroundings {
  readonly values: readonly string[];
  /** Tells them from others; -1 while nothing was counted under them. */
  readonly number: number;
}

/** Where there are no optional labels. */
export const noSurroundings: Surroundings = { values: [], number: 0 };

export interface SurroundingsOf {
  at(event: EventFields): Surroundings;
  /** Gives them a number. */
  keep(surroundings: Surroundings): number;
}

export function createSurroundings(labels: readonly OptionalLabel[], texts: Texts): SurroundingsOf {
  const known: Surroundings[] = [];
  if (labels.length === 0) {
    return { at: () => noSurroundings, keep: ({ number }) => number };
  }
  const paths = createPaths(texts);
  return {
    at(event) {
      const values = labels.map((label) => (label === 'org_id' ? event.orgId : event.userId) ?? '');
      return known[paths.find(0, values)] ?? { values, number: -1 };
    },
    keep({ values }) {
      // Another metric may have kept those of this very event.
      const found = paths.find(0, values);
      if (found !== -1) {
        return found;
      }
      const number = known.push({ values, number: known.length }) - 1;
      paths.add(0, values, number);
      return number;
    },
  };
}
