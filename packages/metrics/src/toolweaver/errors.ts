import type { ExecutionEvent } from '@toolweaver/analytics-core';
import type { MetricKey } from '../catalogue.ts';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable } from '../table.ts';
import type { Catalogued } from './catalogued.ts';

/** Counts failed executions by two label values and the type of their error. */
export function errors({ numbers, rows }: Catalogued, key: MetricKey) {
  const table = createTable();
  const counts = numbers(key, table);
  const failures = table.columns(1);
  const found = rows(key, table, { show: (labelSet, row) => void counts.show(labelSet, row + failures) });
  return (around: Surroundings, { error, weight = 1 }: ExecutionEvent, first: string, second: string): void =>
    addTo(table, found.at(around, first, second, error?.type ?? 'unknown') + failures, weight);
}
