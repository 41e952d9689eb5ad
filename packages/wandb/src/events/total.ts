import type { ErrorInfo, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import { totalTokens } from '@toolweaver/analytics-core/backend';
import { usageKeys } from './keys.ts';
import type { SummaryKeys } from './summary-keys.ts';

/** Totals of executions. Each counts as often as its weight. */
export interface Total {
  operations: number;
  failures: number;
  /** Null if no cost is known. */
  nanoUsd: number | null;
  /** Number of executions with a known latency; `latencyMs` is the sum. */
  timed: number;
  latencyMs: number;
  /** Null if no usage is known. */
  tokens: number | null;
}

export function newTotal(): Total {
  return { operations: 0, failures: 0, nanoUsd: null, timed: 0, latencyMs: 0, tokens: null };
}

export function addExecution(total: Total, { weight = 1, success, latencyMs, cost, usage }: ExecutionEvent): void {
  total.operations += weight;
  if (!success) {
    total.failures += weight;
  }
  if (latencyMs !== undefined) {
    total.timed += weight;
    total.latencyMs += latencyMs * weight;
  }
  if (cost !== undefined) {
    total.nanoUsd = (total.nanoUsd ?? 0) + cost.nanoUsd * weight;
  }
  if (usage !== undefined) {
    total.tokens = (total.tokens ?? 0) + totalTokens(usage) * weight;
  }
}

export function sumOf(one: Total | undefined, other: Total): Total {
  const { operations, failures, nanoUsd, timed, latencyMs, tokens } = one ?? newTotal();
  return {
    operations: operations + other.operations,
    failures: failures + other.failures,
    nanoUsd: known(nanoUsd, other.nanoUsd),
    timed: timed + other.timed,
    latencyMs: latencyMs + other.latencyMs,
    tokens: known(tokens, other.tokens),
  };
}

function known(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : one + other;
}

export function summarize(keys: SummaryKeys, total: Total, into: Map<string, unknown>): void {
  const { operations, failures, nanoUsd, timed, latencyMs, tokens } = total;
  into.set(keys.operations, operations);
  into.set(keys.failures, failures);
  into.set(keys.successRate, operations === 0 ? 0 : (operations - failures) / operations);
  if (nanoUsd !== null) {
    into.set(keys.cost, nanoUsd / 1e9);
  }
  if (tokens !== null) {
    into.set(keys.tokens, tokens);
  }
  if (timed > 0) {
    into.set(keys.duration, latencyMs / 1000);
    into.set(keys.averageDuration, latencyMs / 1000 / timed);
  }
}

/** Reads the total back from the summary of an earlier process; undefined if it has none under these keys. */
export function totalIn(summary: ReadonlyMap<string, unknown>, keys: SummaryKeys): Total | undefined {
  const number = (key: string): number | undefined => {
    const value = summary.get(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  };
  const operations = number(keys.operations);
  if (operations === undefined) {
    return undefined;
  }
  const cost = number(keys.cost);
  const duration = number(keys.duration) ?? 0;
  const average = number(keys.averageDuration);
  return {
    operations,
    failures: number(keys.failures) ?? 0,
    nanoUsd: cost === undefined ? null : Math.round(cost * 1e9),
    timed: average === undefined ? 0 : average > 0 ? duration / average : operations,
    latencyMs: duration * 1000,
    tokens: number(keys.tokens) ?? null,
  };
}

/** Keys and values of a usage, in the order of the keys. */
export function usageFields(usage: Usage): (readonly [string, number])[] {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const numbers = [inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens, totalTokens(usage)];
  return usageKeys.map((key, at) => [key, numbers[at] as number]);
}

/** The error as a string for a row. */
export function describeError({ type, message }: ErrorInfo): string {
  return message === undefined ? type : `${type}: ${message}`;
}
