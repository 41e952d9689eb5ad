import type { ExecutionKind, RunDetails } from '@toolweaver/analytics-core';
import { checkOptions, executionKinds } from '@toolweaver/analytics-core/backend';

/** What counts as a task of a run. */
export interface RunMetricsOptions {
  /** Executions of which kinds are tasks. Default: all. */
  readonly taskKinds?: readonly ExecutionKind[] | undefined;
}

/**
 * The figures of a run, under the names that experiment tools use: `total_tasks`, `completed_tasks`, `failed_tasks`,
 * `total_cost` (US dollars), `total_tokens`, `execution_duration` (seconds), `max_depth_reached`; and for each module (what was
 * executed, by its name) `{module}_calls`, `{module}_tokens`, `{module}_cost` and `{module}_avg_latency` (ms). A name that
 * several kinds share has its kind before it: `llm.plan_calls`. Unknown figures are left out. The run's `logMetrics` can keep
 * them, at most 1000.
 * @throws AnalyticsError `INVALID_CONFIG` if there is no run, as for an unknown id, or with every problem of the options.
 */
export function runMetrics(run: RunDetails, options: RunMetricsOptions = {}): Record<string, number> {
  const { taskKinds } = checkOptions(options, { taskKinds: true }, (check, given) => {
    if (!Array.isArray(Object(run).operations)) {
      check.problem('run', 'must be what `reader.getRun` returned; for an unknown id that is undefined');
    }
    const { taskKinds } = given;
    const areKinds = Array.isArray(taskKinds) && taskKinds.every((kind) => executionKinds.includes(kind));
    const kinds = `a list of kinds; there are ${executionKinds.join(', ')}`;
    return { taskKinds: check.expect('taskKinds', taskKinds, taskKinds === undefined || areKinds, kinds) };
  });
  const { operations, durationMs } = run;
  const tasks =
    taskKinds === undefined ? run : tasksOf(operations.filter(({ kind }) => taskKinds.some((one) => one === kind)));
  const kindsOf = Map.groupBy(operations, ({ name }) => name);
  const metrics = new Map<string, number | null>();
  for (const { kind, name, executions, totalTokens, totalCostUsd, averageLatencyMs } of operations) {
    const module = (kindsOf.get(name)?.length ?? 0) > 1 ? `${kind}.${name}` : name;
    metrics.set(`${module}_calls`, executions);
    metrics.set(`${module}_tokens`, totalTokens);
    metrics.set(`${module}_cost`, totalCostUsd);
    metrics.set(`${module}_avg_latency`, averageLatencyMs);
  }
  // Last, as a module may be called `total`.
  metrics.set('total_tasks', tasks.executions);
  metrics.set('completed_tasks', tasks.executions - tasks.failures);
  metrics.set('failed_tasks', tasks.failures);
  metrics.set('total_cost', run.totalCostUsd);
  metrics.set('total_tokens', run.totalTokens);
  metrics.set('execution_duration', durationMs === null ? null : durationMs / 1000);
  metrics.set('max_depth_reached', run.maxDepth);
  return Object.fromEntries([...metrics].filter((entry): entry is [string, number] => entry[1] !== null));
}

function tasksOf(operations: RunDetails['operations']): Pick<RunDetails, 'executions' | 'failures'> {
  const sum = (field: 'executions' | 'failures'): number => operations.reduce((total, one) => total + one[field], 0);
  return { executions: sum('executions'), failures: sum('failures') };
}
