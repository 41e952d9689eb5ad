import type { ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable, type Table } from '../table.ts';
import { type Catalogued, nanosPerUsd } from './catalogued.ts';

const tokenTypes: readonly (readonly [type: string, field: keyof Usage])[] = [
  ['input', 'inputTokens'],
  ['cache_read', 'cacheReadTokens'],
  ['cache_write', 'cacheWriteTokens'],
  ['output', 'outputTokens'],
  ['reasoning', 'reasoningTokens'],
];

/** The costs of executions of any kind, by kind, name and model. */
export interface Costs {
  /** `nanoUsd`: already multiplied by the weight of the execution. */
  add(event: ExecutionEvent, nanoUsd: number, around: Surroundings): void;
  /** Adds, and from now on includes the number at `place` of `table` in the series; returns false for the overflow series. */
  addAndShow(event: ExecutionEvent, nanoUsd: number, around: Surroundings, table: Table, place: number): boolean;
}

export function createCosts({ numbers, rows }: Catalogued): Costs {
  const table = createTable();
  const sums = numbers('cost', table, nanosPerUsd);
  const [sum, series] = [table.columns(1), table.columns(1)];
  const found = rows('cost', table, {
    show(labelSet, row) {
      table.values[row + series] = sums.show(labelSet, row + sum);
    },
  });
  function add({ kind, name, model = '' }: ExecutionEvent, nanoUsd: number, around: Surroundings): number {
    const row = found.at(around, kind, name, model);
    addTo(table, row + sum, nanoUsd);
    return row;
  }
  return {
    add,
    addAndShow(event, nanoUsd, around, other, place) {
      const row = add(event, nanoUsd, around);
      if (found.isOverflow(row)) {
        return false;
      }
      sums.showMore(table.values[row + series] as number, other, place);
      return true;
    },
  };
}

export interface CostsOfRows {
  /** The columns of the two parts of a row's sum. */
  readonly columns: readonly [number, number];
  /** Returns false where these may be the first costs of the row. */
  add(row: number, event: ExecutionEvent, nanoUsd: number, around: Surroundings, isOverflow: boolean): boolean;
}

/**
 * Adds up what the skill or tool of each row of a table costs. Executions without a model, except the first, add only to the row,
 * and the metric of all costs includes that number: finding the place there as well would take as long as finding the row.
 */
export function costsOfRows(table: Table, costs: Costs): CostsOfRows {
  // `shared`: what the metric of all costs includes from here. `own`: what it has added up itself.
  const [shared, own, isShared] = [table.columns(1), table.columns(1), table.columns(1)];
  return {
    columns: [shared, own],
    add(row, event, nanoUsd, around, isOverflow) {
      const { values } = table;
      const hasModel = (event.model ?? '') !== '';
      if (!hasModel && values[row + isShared] === 1) {
        addTo(table, row + shared, nanoUsd);
        return true;
      }
      addTo(table, row + own, nanoUsd);
      if (hasModel || isOverflow) {
        costs.add(event, nanoUsd, around);
      } else if (costs.addAndShow(event, nanoUsd, around, table, row + shared)) {
        values[row + isShared] = 1;
      }
      return false;
    },
  };
}

export function tokens({ numbers, rows, withLast }: Catalogued) {
  const table = createTable();
  const sums = numbers('tokenUsage', table);
  const columns = tokenTypes.map(([type, field]) => ({ type, field, column: table.columns(1) }));
  const found = rows('tokenUsage', table, {
    seriesEach: columns.length,
    show(labelSet, row) {
      for (const { type, column } of columns) {
        sums.show(withLast(labelSet, type), row + column);
      }
    },
  });
  return (model: string, usage: Usage, around: Surroundings, weight: number): void => {
    const row = found.at(around, model);
    for (const { field, column } of columns) {
      addTo(table, row + column, usage[field] * weight);
    }
  };
}
