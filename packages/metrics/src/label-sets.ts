import { createPaths, type Texts } from './paths.ts';
import type { LabelSet } from './series.ts';
import type { Surroundings, SurroundingsOf } from './surroundings.ts';

/** A row of a table for each set of label values that came before a limit was reached; those that come later share one. */
export interface LabelSets {
  /** Where the row begins of these label values, in these surroundings. */
  at(own: readonly string[], surroundings: Surroundings): number;
}

export interface LabelSetsOptions {
  readonly texts: Texts;
  readonly surroundings: SurroundingsOf;
  /** At most so many label sets, for good. */
  readonly limit: number;
  /** Begins a row; for the one that all further sets share it gets empty values. */
  make(labelSet: LabelSet): number;
  /** Is called each time the shared row is asked for. */
  onOverflow(): void;
}

export function createLabelSets({ texts, surroundings: all, limit, make, onOverflow }: LabelSetsOptions): LabelSets {
  const paths = createPaths(texts);
  let size = 0;
  let overflow: number | undefined;

  function add(own: readonly string[], surroundings: Surroundings): number {
    const labels = [...own, ...surroundings.values];
    if (size >= limit) {
      onOverflow();
      overflow ??= make({ labels: labels.map(() => ''), isOverflow: true });
      return overflow;
    }
    size += 1;
    const row = make({ labels, isOverflow: false });
    paths.add(all.keep(surroundings), own, row);
    return row;
  }

  return {
    at(own, surroundings) {
      const found = paths.find(surroundings.number, own);
      return found === -1 ? add(own, surroundings) : found;
    },
  };
}
