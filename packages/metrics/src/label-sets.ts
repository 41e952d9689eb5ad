import type { Path, Paths } from './paths.ts';
import type { LabelSet } from './series.ts';
import type { Surroundings, SurroundingsOf } from './surroundings.ts';
import type { Table } from './table.ts';

/** A row of a table for each set of label values that came before a limit was reached; those that come later share one. */
export interface LabelSets {
  /** Where the row begins of these values of the metric's own labels, in these surroundings. */
  at(surroundings: Surroundings, ...path: Path): number;
  /** Whether it is the row that all share which came after the limit. */
  isOverflow(row: number): boolean;
}

export interface LabelSetsOptions {
  readonly table: Table;
  readonly paths: Paths;
  readonly surroundings: SurroundingsOf;
  /** At most so many series of a metric, for good, beside those of the row that the rest share. */
  readonly limit: number;
  /** How many series of the metric a label set makes. Default: 1. */
  readonly seriesEach?: number | undefined;
  /** Shows what is in a new row; in the one that all further sets share it gets empty values. */
  show(labelSet: LabelSet, row: number): void;
  /** Is called each time the shared row is asked for. */
  onOverflow(): void;
}

export function createLabelSets(options: LabelSetsOptions): LabelSets {
  const { table, paths, surroundings: all, limit, seriesEach = 1, show, onOverflow } = options;
  const maxRows = Math.max(1, Math.floor(limit / seriesEach));
  let size = 0;
  let overflow: number | undefined;

  function add(path: readonly string[], surroundings: Surroundings): number {
    if (size < maxRows) {
      size += 1;
      const row = table.add(all.keep(surroundings), paths.add(path));
      show({ labels: [...path, ...surroundings.values], isOverflow: false }, row);
      return row;
    }
    onOverflow();
    if (overflow === undefined) {
      overflow = table.addUnkeyed();
      show({ labels: [...path, ...surroundings.values].map(() => ''), isOverflow: true }, overflow);
    }
    return overflow;
  }

  return {
    at(surroundings, first, second, third) {
      const path = paths.find(first, second, third);
      const found = path === -1 || surroundings.number === -1 ? -1 : table.find(surroundings.number, path);
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
