import type { ExecutionCounts, ExecutionEvent, LatencyStats, Problem } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';

// What the control reader counts by, and how it refuses.

export function refuse(checks: readonly (readonly [field: string, right: boolean])[]): void {
  const problems = checks.flatMap(([field, right]): Problem[] =>
    right ? [] : [{ field, message: 'is out of range' }],
  );
  if (problems.length > 0) {
    throw configError(problems);
  }
}

export function isLimit(limit: number): boolean {
  return Number.isInteger(limit) && limit >= 1 && limit <= 1000;
}

export function groupsOf<S extends object>(
  events: readonly ExecutionEvent[],
  subjectOf: (event: ExecutionEvent) => S,
): [S, ExecutionEvent[]][] {
  const groups = Map.groupBy(events, (event) => JSON.stringify(subjectOf(event)));
  return [...groups].map(([key, group]) => [JSON.parse(key) as S, group]);
}

export function distinct(values: readonly (string | undefined)[]): number {
  return new Set(values.filter((value) => value !== undefined)).size;
}

export function weightOf(events: readonly ExecutionEvent[]): number {
  return events.reduce((sum, { weight = 1 }) => sum + weight, 0);
}

export function countsOf(events: readonly ExecutionEvent[]): ExecutionCounts {
  const executions = weightOf(events);
  const successes = weightOf(events.filter(({ success }) => success));
  return {
    executions,
    successes,
    failures: executions - successes,
    successRate: executions === 0 ? null : successes / executions,
  };
}

export function latencyOf(events: readonly ExecutionEvent[]): LatencyStats {
  const known = events.filter(
    (event): event is ExecutionEvent & { latencyMs: number } => event.latencyMs !== undefined,
  );
  if (known.length === 0) {
    return { average: null, min: null, max: null, p50: null, p95: null, p99: null };
  }
  // One entry for each execution that a sampled one stands for, in halves, which is as fine as the laws weigh.
  const latencies = known
    .flatMap(({ latencyMs, weight = 1 }) => Array.from({ length: weight * 2 }, () => latencyMs))
    .sort((one, other) => one - other);
  const rank = (share: number): number => latencies[Math.ceil(share * latencies.length) - 1] as number;
  return {
    average: latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length,
    min: rank(0.0001),
    max: rank(1),
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
  };
}
