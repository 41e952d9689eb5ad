import type { Cost, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import type { LabelSets } from '../label-sets.ts';
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

/**
 * Where the row of a skill or tool remembers in which place of another table its executions without a model add up their costs,
 * counted from 1: to find it anew takes as long as to find the row.
 */
export interface CostPlace {
  readonly table: Table;
  readonly column: number;
  readonly isOverflow: LabelSets['isOverflow'];
}

/** Counts executions in rows that remember it. */
export interface PricedRows {
  readonly costPlace: CostPlace;
  /** Returns the row of the execution. */
  count(event: ExecutionEvent, around: Surroundings): number;
}

/** What executions of any kind cost. */
export function costs({ numbers, rows }: Catalogued) {
  const table = createTable();
  const sums = numbers('cost', table, nanosPerUsd);
  const sum = table.columns(1);
  const found = rows('cost', table, { order: [0, 2, 1], show: (labelSet, row) => sums.show(labelSet, row + sum) });
  return (event: ExecutionEvent, cost: Cost, around: Surroundings, row: number, known?: CostPlace): void => {
    const { kind, name, model = '', weight = 1 } = event;
    const amount = cost.nanoUsd * weight;
    if (known === undefined || model !== '' || known.isOverflow(row)) {
      addTo(table, found.at(around, kind, model, name) + sum, amount);
      return;
    }
    const { values } = known.table;
    const next = values[row + known.column] as number;
    if (next > 0) {
      addTo(table, next - 1, amount);
      return;
    }
    const place = found.at(around, kind, model, name) + sum;
    addTo(table, place, amount);
    if (!found.isOverflow(place - sum)) {
      values[row + known.column] = place + 1;
    }
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
