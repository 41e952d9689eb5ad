import { ownCopy } from './own-copy.ts';
import type { Path, Paths } from './paths.ts';
import type { LabelSet } from './series.ts';
import type { Surroundings, SurroundingsOf } from './surroundings.ts';
import type { Table } from './table.ts';

/** Gives each set of label values a row of a table, up to a limit; later sets share one row, the overflow. */
export interface LabelSets {
  /** Returns where the row of these values of the metric's own labels begins, in these surroundings. */
  at(surroundings: Surroundings, ...path: Path): number;
  /** Whether the row is the one that sets after the limit share. */
  isOverflow(row: number): boolean;
}

export interface LabelSetsOptions {
  readonly table: Table;
  readonly paths: Paths;
  readonly surroundings: SurroundingsOf;
  /** The most series of a metric, beside those of the overflow. Series are never removed. */
  readonly limit: number;
  /** How many series of the metric a label set makes. Default: 1. */
  readonly seriesEach?: number | undefined;
  /** Shows a new row. For the overflow, the values of the label set are empty. */
  show(labelSet: LabelSet, row: number): void;
  /** Called each time the overflow row is asked for. */
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
      const kept = all.keep(surroundings);
      const own = path.map(ownCopy);
      const row = table.add(kept.number, paths.add(own));
      show({ labels: [...own, ...kept.values], isOverflow: false }, row);
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
