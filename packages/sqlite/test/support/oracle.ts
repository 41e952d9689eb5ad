import type {
  AnalyticsEvent,
  ExecutionCounts,
  ExecutionEvent,
  ExecutionFilter,
  LatencyStats,
} from '@toolweaver/analytics-core';

// The reader's answers, counted by hand from the events: slow, and plain enough to be seen right.

export const executionsOf = (events: readonly AnalyticsEvent[]): ExecutionEvent[] =>
  events.filter((event) => event.type === 'execution');
export const weightOf = ({ weight = 1 }: AnalyticsEvent): number => weight;
export const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
export const weigh = (events: readonly AnalyticsEvent[]): number => add(events.map(weightOf));

/** By code points, as SQLite compares texts; JavaScript compares UTF-16 units. */
export function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

export type Order<T> = (one: T, other: T) => number;

/** The first order that tells two apart decides. */
export function inOrder<T>(...orders: readonly Order<NoInfer<T>>[]): Order<T> {
  return (one, other) => orders.map((order) => order(one, other)).find((result) => result !== 0) ?? 0;
}

export function groups<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  return [...Map.groupBy(items, (item) => JSON.stringify(keyOf(item))).values()];
}

export function counts(executions: readonly ExecutionEvent[]): ExecutionCounts {
  const successes = weigh(executions.filter(({ success }) => success));
  const all = weigh(executions);
  return { executions: all, successes, failures: all - successes, successRate: all === 0 ? null : successes / all };
}

export function latency(executions: readonly ExecutionEvent[]): LatencyStats {
  const known = latenciesOf(executions);
  return {
    average:
      known.length === 0
        ? null
        : add(known.map(({ ms, weight }) => ms * weight)) / add(known.map(({ weight }) => weight)),
    min: known[0]?.ms ?? null,
    max: known.at(-1)?.ms ?? null,
    p50: percentile(executions, 50),
    p95: percentile(executions, 95),
    p99: percentile(executions, 99),
  };
}

function latenciesOf(executions: readonly ExecutionEvent[]): { readonly ms: number; readonly weight: number }[] {
  return executions
    .flatMap((event) => (event.latencyMs === undefined ? [] : [{ ms: event.latencyMs, weight: weightOf(event) }]))
    .sort((one, other) => one.ms - other.ms);
}

/** Nearest rank. */
export function percentile(executions: readonly ExecutionEvent[], percent: number): number | null {
  const known = latenciesOf(executions);
  const all = add(known.map(({ weight }) => weight));
  const reaches = (rank: number): boolean =>
    add(known.slice(0, rank + 1).map(({ weight }) => weight)) * 100 >= all * percent;
  return known.find((_, rank) => reaches(rank))?.ms ?? null;
}

const newestFirst: Order<ExecutionEvent> = inOrder(
  (one, other) => other.at - one.at,
  (one, other) => compareTexts(other.id, one.id),
);

export function listExecutions(events: readonly AnalyticsEvent[], filter: ExecutionFilter = {}): ExecutionEvent[] {
  const { from = -Infinity, to = Infinity, errorType, minLatencyMs, orderBy = 'at', ...equal } = filter;
  const found = executionsOf(events)
    .filter(({ at }) => from <= at && at < to)
    .filter((event) => errorType === undefined || event.error?.type === errorType)
    .filter(({ latencyMs = -1 }) => minLatencyMs === undefined || latencyMs >= minLatencyMs)
    .filter((event) =>
      (['kind', 'name', 'success', 'orgId', 'userId', 'runId', 'model', 'toolkit', 'version'] as const).every(
        (field) => equal[field] === undefined || event[field] === equal[field],
      ),
    );
  if (orderBy === 'at') {
    return found.sort(newestFirst);
  }
  const numberOf = ({ latencyMs, cost }: ExecutionEvent): number =>
    (orderBy === 'latencyMs' ? latencyMs : cost?.nanoUsd) ?? -1;
  return found
    .filter((event) => numberOf(event) >= 0)
    .sort(inOrder((one, other) => numberOf(other) - numberOf(one), newestFirst));
}
