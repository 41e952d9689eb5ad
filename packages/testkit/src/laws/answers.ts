import assert from 'node:assert/strict';
import type { AnalyticsReader, ExecutionCounts, ExecutionEvent, LatencyStats } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import { isClose } from '../tally.ts';
import type { Trial } from '../trial.ts';

/** A store may keep the distribution of latencies instead of each of them. */
const percentileTolerance = 0.01;
export const minute = 60_000;

export function readerOf({ backend }: Trial): AnalyticsReader {
  assert.ok(backend.reader, 'the backend has a reader');
  return backend.reader;
}

/** Executions of the last hour, each at a time and with a latency of its own. */
export function history(): ExecutionEvent[] {
  const now = Date.now();
  const cost = { nanoUsd: 1_250_000, source: 'provider' } as const;
  const usage = { inputTokens: 900, cacheReadTokens: 80, cacheWriteTokens: 7, outputTokens: 60, reasoningTokens: 5 };
  const rows: Partial<ExecutionEvent>[] = [
    { latencyMs: 120, userId: 'user-1', orgId: 'org-1', runId: 'run-1', cost },
    { latencyMs: 80, userId: 'user-2', orgId: 'org-1', runId: 'run-1' },
    { latencyMs: 0, userId: 'user-1' },
    { latencyMs: undefined, userId: 'user-3', orgId: 'org-2', attributes: { page: 3 } },
    { latencyMs: 950.5, success: false, error: { type: 'TypeError', message: 'no text' } },
    { latencyMs: 10, success: false, weight: 2 },
    { latencyMs: 33, weight: 2.5, userId: 'user-2', runId: 'run-2' },
    { kind: 'tool', name: 'search_web', latencyMs: 400, cacheHit: false, toolkit: 'web' },
    { kind: 'tool', name: 'search_web', latencyMs: 2, cacheHit: true, toolkit: 'web', cost },
    { kind: 'tool', name: 'search_web', latencyMs: 3, cacheHit: true, weight: 2 },
    { kind: 'tool', name: 'search_web', latencyMs: 5000, success: false, error: { type: 'TimeoutError' }, weight: 7 },
    {
      kind: 'llm',
      name: 'sonnet',
      model: 'sonnet',
      provider: 'anthropic',
      latencyMs: 1700,
      usage,
      cost,
      runId: 'run-1',
    },
    { kind: 'llm', name: 'sonnet', model: 'sonnet', provider: 'anthropic', latencyMs: 640, usage, weight: 3 },
    { kind: 'agent', name: 'clerk', latencyMs: 7300, userId: 'user-1', orgId: 'org-1', runId: 'run-3' },
  ];
  // Shuffled in time: the order of recording is not the order of `at`.
  return rows.map((row, at) => execution({ ...row, at: now - (1 + ((at * 5) % rows.length)) * minute }));
}

export function newestFirst(events: readonly ExecutionEvent[]): ExecutionEvent[] {
  return events.toSorted((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
}

export function idsOf(events: readonly ExecutionEvent[]): string[] {
  return events.map(({ id }) => id);
}

export function weigh(events: readonly ExecutionEvent[]): number {
  return sum(events.map(({ weight = 1 }) => weight));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

export function latencyOf(events: readonly ExecutionEvent[]): LatencyStats {
  const known = events
    .flatMap(({ latencyMs, weight = 1 }) => (latencyMs === undefined ? [] : [{ latencyMs, weight }]))
    .sort((one, other) => one.latencyMs - other.latencyMs);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) {
    return { average: null, min: null, max: null, p50: null, p95: null, p99: null };
  }
  const total = sum(known.map(({ weight }) => weight));
  const percentile = (share: number): number => {
    let covered = 0;
    const found = known.find(({ weight }) => {
      covered += weight;
      return covered >= share * total;
    });
    return (found ?? last).latencyMs;
  };
  return {
    average: sum(known.map(({ latencyMs, weight }) => latencyMs * weight)) / total,
    min: first.latencyMs,
    max: last.latencyMs,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
  };
}

export function sameCounts(actual: ExecutionCounts, events: readonly ExecutionEvent[]): void {
  const [executions, successes] = [weigh(events), weigh(events.filter(({ success }) => success))];
  sameNumber(actual.executions, executions, 'executions');
  sameNumber(actual.successes, successes, 'successes');
  sameNumber(actual.failures, executions - successes, 'failures');
  sameNumber(actual.successRate, successes / executions, 'successRate');
}

export function sameLatency(actual: LatencyStats, events: readonly ExecutionEvent[]): void {
  const expected = latencyOf(events);
  for (const figure of ['average', 'min', 'max', 'p50', 'p95', 'p99'] as const) {
    const tolerance = figure.startsWith('p') ? percentileTolerance : undefined;
    sameNumber(actual[figure], expected[figure], `latencyMs.${figure}`, tolerance);
  }
}

export function sameNumber(actual: number | null, expected: number | null, what: string, tolerance?: number): void {
  const close = actual !== null && expected !== null && isClose(actual, expected, tolerance);
  assert.ok(close || actual === expected, `${what} is ${actual}, should be ${expected}`);
}

export function sameBoard(
  actual: readonly [string, number][],
  expected: readonly [string, number][],
  tolerance?: number,
): void {
  assert.deepEqual(
    actual.map(([name]) => name),
    expected.map(([name]) => name),
    'the names in the order of their ranks',
  );
  for (const [at, [name, score]] of expected.entries()) {
    sameNumber(actual[at]?.[1] ?? null, score, `score of ${name}`, tolerance);
  }
}
