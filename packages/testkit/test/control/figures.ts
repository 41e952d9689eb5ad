import type {
  AnalyticsEvent,
  CostTotals,
  ExecutionCounts,
  ExecutionEvent,
  LatencyStats,
  OperationSummary,
  Problem,
  Window,
  WindowOptions,
} from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';

// What the control reader counts by, and how it refuses.

export const day = 86_400_000;

/** A window, and fields that have to be equal where they are given. */
export type Options = WindowOptions & Partial<ExecutionEvent>;

export function executionsOf(
  rows: readonly AnalyticsEvent[],
  { days, from: start = 0, to = Number.POSITIVE_INFINITY, ...equal }: Options,
): ExecutionEvent[] {
  const from = days === undefined ? start : Date.now() + 1 - days * day;
  return rows
    .filter((row) => row.type === 'execution')
    .filter(({ at }) => at >= from && at < to)
    .filter((row) =>
      Object.entries(equal).every(([field, value]) => value === undefined || row[field as 'name'] === value),
    );
}

/** Both ends of a window; by default, of the last 30 days. */
export function frameOf({ days, from, to }: WindowOptions, usualDays = 30): Window {
  const isOpen = from === undefined && to === undefined;
  refuse([['days', days === undefined || (days > 0 && isOpen)]]);
  const end = to ?? Date.now() + 1;
  return { from: isOpen ? Math.max(0, end - (days ?? usualDays) * day) : (from ?? 0), to: end };
}

type Subject = Readonly<Record<'kind' | 'name', string | null>>;

export const byKindAndName = (one: Subject, other: Subject): number =>
  `${one.kind} ${one.name}` < `${other.kind} ${other.name}` ? -1 : 1;

export function refuse(checks: readonly (readonly [field: string, right: boolean])[]): void {
  const problems = checks.flatMap(([field, right]): Problem[] =>
    right ? [] : [{ field, message: 'is out of range' }],
  );
  if (problems.length > 0) {
    throw configError(problems);
  }
}

/** Not in seconds. */
export function isTime(time = 0): boolean {
  return time < 1e9 || time >= 1e10;
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
  const total = known.reduce((sum, { latencyMs, weight = 1 }) => sum + latencyMs * weight, 0);
  return {
    average: total / weightOf(known),
    min: quantileOf(known, 0),
    max: quantileOf(known, 1),
    p50: quantileOf(known, 0.5),
    p95: quantileOf(known, 0.95),
    p99: quantileOf(known, 0.99),
  };
}

export function quantileOf(events: readonly ExecutionEvent[], share: number): number | null {
  // One entry for each execution that a sampled one stands for, in halves, which is as fine as the laws weigh.
  const latencies = events
    .flatMap(({ latencyMs, weight = 1 }) =>
      latencyMs === undefined ? [] : new Array<number>(weight * 2).fill(latencyMs),
    )
    .sort((one, other) => one - other);
  return latencies[Math.max(1, Math.ceil(share * latencies.length)) - 1] ?? null;
}

export function tokensOf(events: readonly ExecutionEvent[]): number {
  return events.reduce(
    (sum, { usage, weight = 1 }) => sum + weight * Object.values(usage ?? {}).reduce((one, two) => one + two, 0),
    0,
  );
}

export function costsOf(events: readonly ExecutionEvent[]): CostTotals {
  const priced = events.filter(({ cost }) => cost !== undefined);
  const nanoUsd = priced.reduce((sum, { cost, weight = 1 }) => sum + weight * (cost?.nanoUsd ?? 0), 0);
  return {
    executions: weightOf(events),
    pricedExecutions: weightOf(priced),
    totalCostUsd: priced.length === 0 ? null : nanoUsd / 1e9,
    averageCostUsd: priced.length === 0 ? null : nanoUsd / 1e9 / weightOf(priced),
    totalTokens: tokensOf(events),
  };
}

/** Most used first, then by kind and name. */
export function operationsOf(events: readonly ExecutionEvent[]): OperationSummary[] {
  return groupsOf(events, ({ kind, name }) => ({ kind, name }))
    .map(([subject, own]) => ({
      ...subject,
      ...countsOf(own),
      averageLatencyMs: latencyOf(own).average,
      ...costsOf(own),
    }))
    .sort((one, other) => other.executions - one.executions || byKindAndName(one, other));
}

export function hitRateOf(events: readonly ExecutionEvent[]): number | null {
  const asked = events.filter(({ cacheHit }) => cacheHit !== undefined);
  return asked.length === 0 ? null : weightOf(asked.filter(({ cacheHit }) => cacheHit)) / weightOf(asked);
}
