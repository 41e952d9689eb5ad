import type { ExecutionEvent } from '@toolweaver/analytics-core';
import type { MetricKey } from '../catalogue.ts';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable } from '../table.ts';
import { type Catalogued, msPerSecond } from './catalogued.ts';

/** Counts by label values and outcome. Series of both outcomes start together, so that `rate` sees the first failure. */
export function outcomes(
  { numbers, rows, withLast }: Catalogued,
  key: MetricKey,
  [good, bad]: readonly [string, string],
) {
  const table = createTable();
  const counts = numbers(key, table);
  const [success, failure] = [table.columns(1), table.columns(1)];
  const found = rows(key, table, {
    seriesEach: 2,
    show(labelSet, row) {
      counts.show(withLast(labelSet, good), row + success);
      counts.show(withLast(labelSet, bad), row + failure);
    },
  });
  return (around: Surroundings, isGood: boolean, weight: number, first: string, second: string): void =>
    addTo(table, found.at(around, first, second) + (isGood ? success : failure), weight);
}

/** Counts executions and observes their durations, both by outcome. */
export function timed(
  { numbers, histograms, rows, withLast }: Catalogued,
  countKey: MetricKey,
  durationKey: MetricKey,
) {
  const table = createTable();
  const counts = numbers(countKey, table);
  const durations = histograms(durationKey, table);
  const [success, failure] = [table.columns(1), table.columns(1)];
  const [successTime, failureTime] = [table.columns(durations.width), table.columns(durations.width)];
  const found = rows(countKey, table, {
    seriesEach: 2,
    show(labelSet, row) {
      const [good, bad] = [withLast(labelSet, 'success'), withLast(labelSet, 'failure')];
      counts.show(good, row + success);
      counts.show(bad, row + failure);
      durations.show(good, row + successTime);
      durations.show(bad, row + failureTime);
    },
  });
  return (around: Surroundings, event: ExecutionEvent, first: string, second: string): void => {
    const { success: isGood, latencyMs, weight = 1 } = event;
    const row = found.at(around, first, second);
    addTo(table, row + (isGood ? success : failure), weight);
    if (latencyMs !== undefined) {
      durations.observe(row + (isGood ? successTime : failureTime), latencyMs / msPerSecond, weight);
    }
  };
}
