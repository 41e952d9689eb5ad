import type { CostTotals, ExecutionEvent, WasteStats } from '@toolweaver/analytics-core';
import { weightOf } from './figures.ts';

/** Successes that were done again, one for each later try, failed tries first. */
function supersededOf(events: readonly ExecutionEvent[]): Set<ExecutionEvent> {
  const superseded = new Set<ExecutionEvent>();
  for (const later of events) {
    const { attempt = 1, kind, name, parentId, runId } = later;
    const isSibling = (event: ExecutionEvent): boolean =>
      event.kind === kind &&
      event.name === name &&
      (parentId === undefined
        ? event.parentId === undefined && event.runId === runId && runId !== undefined
        : event.parentId === parentId);
    const tries = events.filter((event) => isSibling(event) && (event.attempt ?? 1) === attempt - 1);
    const failed = tries.filter(({ success }) => !success).length;
    const again = events.filter((event) => isSibling(event) && (event.attempt ?? 1) === attempt).length;
    const successes = tries
      .filter(({ success }) => success)
      .sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
    for (const event of successes.slice(0, Math.max(0, again - failed))) {
      superseded.add(event);
    }
  }
  return superseded;
}

/** What came to nothing, counted by hand. */
export function wasteOf(
  events: readonly ExecutionEvent[],
  costsOf: (events: readonly ExecutionEvent[]) => CostTotals,
): WasteStats {
  const superseded = supersededOf(events);
  const isGood = (event: ExecutionEvent): boolean => event.success && !superseded.has(event);
  const firstTries = events.filter(({ attempt = 1 }) => attempt === 1);
  const total = costsOf(events);
  const wasted = costsOf(events.filter((event) => !isGood(event)));
  const good = weightOf(events.filter(isGood));
  return {
    total,
    failed: costsOf(events.filter(({ success }) => !success)),
    superseded: costsOf([...superseded]),
    wasted,
    retried: costsOf(events.filter(({ attempt = 1 }) => attempt > 1)),
    wastedShare: (total.totalCostUsd ?? 0) === 0 ? null : (wasted.totalCostUsd ?? 0) / (total.totalCostUsd ?? 0),
    firstTrySuccessRate: firstTries.length === 0 ? null : weightOf(firstTries.filter(isGood)) / weightOf(firstTries),
    costPerSuccessUsd: total.totalCostUsd === null || good === 0 ? null : total.totalCostUsd / good,
  };
}
