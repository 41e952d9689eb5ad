import { createPaths, type Path, type Texts } from './paths.ts';
import type { LabelSet } from './series.ts';
import type { Surroundings, SurroundingsOf } from './surroundings.ts';

/** A row of a table for each set of label values that came before a limit was reached; those that come later share one. */
export interface LabelSets {
  /** Where the row begins of these label values, in the order of the path, in these surroundings. */
  at(surroundings: Surroundings, ...path: Path): number;
  /** Whether it is the row that all share which came after the limit. */
  isOverflow(row: number): boolean;
}

export interface LabelSetsOptions {
  readonly texts: Texts;
  readonly surroundings: SurroundingsOf;
  /**
   * Where in the path the value of each label is: where labels of few values come first, there are fewest steps. Default: in order.
   */
  readonly order?: readonly number[] | undefined;
  /** At most so many label sets, for good. */
  readonly limit: number;
  /** Begins a row; for the one that all further sets share it gets empty values. */
  make(labelSet: LabelSet): number;
  /** Is called each time the shared row is asked for. */
  onOverflow(): void;
}

export function createLabelSets(options: LabelSetsOptions): LabelSets {
  const { texts, surroundings: all, order, limit, make, onOverflow } = options;
  const paths = createPaths(texts);
  let size = 0;
  let overflow: number | undefined;

  function add(path: readonly string[], surroundings: Surroundings): number {
    const own = order === undefined ? path : order.map((place) => path[place] as string);
    const labels = [...own, ...surroundings.values];
    if (size >= limit) {
      onOverflow();
      overflow ??= make({ labels: labels.map(() => ''), isOverflow: true });
      return overflow;
    }
    size += 1;
    const row = make({ labels, isOverflow: false });
    paths.add(all.keep(surroundings), path, row);
    return row;
  }

  return {
    at(surroundings, first, second, third) {
      const found = paths.find(surroundings.number, first, second, third);
      return found === -1
        ? add(
            [first, second, third].filter((text) => text !== undefined),
            surroundings,
          )
        : found;
    },
    isOverflow: (row) => row === overflow,
  };
}
