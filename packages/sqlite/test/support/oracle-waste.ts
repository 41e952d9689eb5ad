import type { ExecutionEvent, WasteOptions, WasteReport, WasteStats } from '@toolweaver/analytics-core';
import { groups, inOrder, listExecutions, weigh } from './oracle.ts';
import { byName, costTotals, frameOf, type History, most, operations, pick, rows } from './oracle-operations.ts';

const tryOf = ({ attempt = 1 }: ExecutionEvent): number => attempt;

/** Goes through the tries of each operation and origin, and crosses out what each later one repeats. */
function supersededOf(executions: readonly ExecutionEvent[]): Set<ExecutionEvent> {
  const superseded = new Set<ExecutionEvent>();
  const related = executions.filter(({ parentId, runId }) => parentId !== undefined || runId !== undefined);
  for (const own of groups(related, ({ kind, name, parentId, runId }) => [kind, name, parentId ?? { runId }])) {
    // Newest first already.
    for (const attempt of new Set(own.map(tryOf))) {
      const tries = own.filter((event) => tryOf(event) === attempt);
      const repeated = [...tries.filter(({ success }) => !success), ...tries.filter(({ success }) => success)];
      const again = own.filter((event) => tryOf(event) === attempt + 1).length;
      for (const event of repeated.slice(0, again)) {
        if (event.success) {
          superseded.add(event);
        }
      }
    }
  }
  return superseded;
}

function stats(executions: readonly ExecutionEvent[]): WasteStats {
  const superseded = supersededOf(executions);
  const isGood = (event: ExecutionEvent): boolean => event.success && !superseded.has(event);
  const first = executions.filter((event) => tryOf(event) === 1);
  const total = costTotals(executions);
  const wasted = costTotals(executions.filter((event) => !isGood(event)));
  const good = weigh(executions.filter(isGood));
  return {
    total,
    failed: costTotals(executions.filter(({ success }) => !success)),
    superseded: costTotals([...superseded]),
    wasted,
    retried: costTotals(executions.filter((event) => tryOf(event) > 1)),
    wastedShare: total.totalCostUsd ? (wasted.totalCostUsd ?? 0) / total.totalCostUsd : null,
    firstTrySuccessRate: first.length === 0 ? null : weigh(first.filter(isGood)) / weigh(first),
    costPerSuccessUsd: total.totalCostUsd === null || good === 0 ? null : total.totalCostUsd / good,
  };
}

export function waste(history: History, options: WasteOptions = {}): WasteReport {
  const { limit = 100, ...report } = options;
  const found = listExecutions(rows(history), { ...pick(report), ...frameOf(history, report) });
  return {
    ...stats(found),
    operations: operations(found)
      .map(({ kind, name, own }) => ({ kind, name, ...stats(own) }))
      .sort(
        inOrder(
          most(({ wasted }) => wasted.totalCostUsd ?? -1),
          most(({ wasted }) => wasted.executions),
          byName,
        ),
      )
      .slice(0, limit),
  };
}
