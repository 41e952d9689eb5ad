import type { ExecutionEvent } from '@toolweaver/analytics-core';
import type { LabelSet } from '../series.ts';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable } from '../table.ts';
import { type Catalogued, msPerSecond, nanosPerUsd } from './catalogued.ts';
import type { PricedRows } from './spending.ts';

export function tools({ numbers, histograms, rows, withLast }: Catalogued): PricedRows {
  const table = createTable();
  const counts = numbers('toolExecutions', table);
  const durations = histograms('toolDuration', table);
  const costs = numbers('toolCost', table, nanosPerUsd);
  const [success, failure, cost, place] = [table.columns(1), table.columns(1), table.columns(1), table.columns(1)];
  const duration = table.columns(durations.width);
  /** What a tool costs that never says so is unknown, and not 0. */
  const unpriced = new Map<number, LabelSet>();
  const found = rows('toolExecutions', table, {
    seriesEach: 2,
    order: [1, 0],
    show(labelSet, row) {
      counts.show(withLast(labelSet, 'success'), row + success);
      counts.show(withLast(labelSet, 'failure'), row + failure);
      durations.show(labelSet, row + duration);
      unpriced.set(row, labelSet);
    },
  });
  const errorTable = createTable();
  const errors = numbers('toolErrors', errorTable);
  const failures = errorTable.columns(1);
  const errorRows = rows('toolErrors', errorTable, { show: (labelSet, row) => errors.show(labelSet, row + failures) });
  const count = (event: ExecutionEvent, around: Surroundings): number => {
    const { name, toolkit = '', success: isGood, latencyMs, error, weight = 1 } = event;
    const row = found.at(around, toolkit, name);
    addTo(table, row + (isGood ? success : failure), weight);
    if (latencyMs !== undefined) {
      durations.observe(row + duration, latencyMs / msPerSecond, weight);
    }
    if (!isGood) {
      addTo(errorTable, errorRows.at(around, name, toolkit, error?.type ?? 'unknown') + failures, weight);
    }
    if (event.cost !== undefined) {
      const labelSet = unpriced.get(row);
      if (labelSet !== undefined) {
        unpriced.delete(row);
        costs.show(labelSet, row + cost);
      }
      addTo(table, row + cost, event.cost.nanoUsd * weight);
    }
    return row;
  };
  return { count, costPlace: { table, column: place, isOverflow: found.isOverflow } };
}
