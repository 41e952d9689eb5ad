import type { ExecutionEvent, HealthEvent, RatingEvent } from '@toolweaver/analytics-core';
import type { Surroundings } from '../surroundings.ts';
import { addTo, createTable } from '../table.ts';
import type { Catalogued } from './catalogued.ts';
import { type Costs, costsOfRows } from './spending.ts';

export function skills({ numbers, histograms, rows }: Catalogued, allCosts: Costs) {
  const table = createTable();
  const [executions, successes, failures] = [table.columns(1), table.columns(1), table.columns(1)];
  const counts = [
    [numbers('skillExecutions', table), executions],
    [numbers('skillSuccesses', table), successes],
    [numbers('skillFailures', table), failures],
  ] as const;
  const costs = costsOfRows(table, allCosts);
  const latency = histograms('skillLatency', table);
  const latencies = table.columns(latency.width);
  const found = rows('skillExecutions', table, {
    show(labelSet, row) {
      for (const [shown, column] of counts) {
        shown.show(labelSet, row + column);
      }
      latency.show(labelSet, row + latencies);
    },
  });
  return (event: ExecutionEvent, around: Surroundings): void => {
    const { name, success, latencyMs, cost, weight = 1 } = event;
    const row = found.at(around, name);
    addTo(table, row + executions, weight);
    addTo(table, row + (success ? successes : failures), weight);
    if (latencyMs !== undefined) {
      latency.observe(row + latencies, latencyMs, weight);
    }
    if (cost !== undefined) {
      costs.add(row, event, cost.nanoUsd * weight, around, found.isOverflow(row));
    }
  };
}

export function ratings({ histograms, rows }: Catalogued) {
  const table = createTable();
  const stars = histograms('skillRating', table);
  const place = table.columns(stars.width);
  const found = rows('skillRating', table, { show: (labelSet, row) => stars.show(labelSet, row + place) });
  return ({ skillId, rating }: RatingEvent, around: Surroundings): void =>
    stars.observe(found.at(around, skillId) + place, rating, 1);
}

export function healthScores({ numbers, rows }: Catalogued) {
  const table = createTable();
  const scores = numbers('skillHealthScore', table);
  const [score, latest] = [table.columns(1), table.columns(1)];
  const found = rows('skillHealthScore', table, { show: (labelSet, row) => void scores.show(labelSet, row + score) });
  return (event: HealthEvent, around: Surroundings): void => {
    // The overflow series mixes skills, so its score is not the latest of any one; still, it never goes back to an older score.
    const row = found.at(around, event.skillId);
    const { values } = table;
    if (event.at >= (values[row + latest] as number)) {
      values[row + latest] = event.at;
      values[row + score] = event.score;
    }
  };
}
