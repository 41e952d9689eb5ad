import type { ExecutionEvent } from '@toolweaver/analytics-core';
import type { LabelSet } from '../series.ts';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable } from '../table.ts';
import { type Catalogued, msPerSecond, nanosPerUsd } from './catalogued.ts';
import { errors } from './errors.ts';
import { type Costs, costsOfRows } from './spending.ts';

export function tools(catalogued: Catalogued, allCosts: Costs) {
  const { numbers, histograms, rows, withLast } = catalogued;
  const table = createTable();
  const counts = numbers('toolExecutions', table);
  const durations = histograms('toolDuration', table);
  const sums = numbers('toolCost', table, nanosPerUsd);
  const [success, failure] = [table.columns(1), table.columns(1)];
  const costs = costsOfRows(table, allCosts);
  const duration = table.columns(durations.width);
  /** Tools without a known cost so far: it is unknown, not 0, so there is no series of it. */
  const unpriced = new Map<number, LabelSet>();
  const found = rows('toolExecutions', table, {
    seriesEach: 2,
    show(labelSet, row) {
      counts.show(withLast(labelSet, 'success'), row + success);
      counts.show(withLast(labelSet, 'failure'), row + failure);
      durations.show(labelSet, row + duration);
      unpriced.set(row, labelSet);
    },
  });
  const countError = errors(catalogued, 'toolErrors');

  function showCosts(row: number): void {
    const labelSet = unpriced.get(row);
    if (labelSet !== undefined) {
      unpriced.delete(row);
      const [first, second] = costs.columns;
      sums.showMore(sums.show(labelSet, row + first), table, row + second);
    }
  }

  return (event: ExecutionEvent, around: Surroundings): void => {
    const { name, toolkit = '', success: isGood, latencyMs, cost, weight = 1 } = event;
    const row = found.at(around, name, toolkit);
    addTo(table, row + (isGood ? success : failure), weight);
    if (latencyMs !== undefined) {
      durations.observe(row + duration, latencyMs / msPerSecond, weight);
    }
    if (!isGood) {
      countError(around, event, name, toolkit);
    }
    if (cost !== undefined && !costs.add(row, event, cost.nanoUsd * weight, around, found.isOverflow(row))) {
      showCosts(row);
    }
  };
}
