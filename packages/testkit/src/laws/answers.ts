import assert from 'node:assert/strict';
import type {
  AnalyticsEvent,
  AnalyticsReader,
  Estimate,
  ExecutionCounts,
  ExecutionEvent,
  LatencyStats,
  Usage,
} from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import { NotApplicable } from '../law.ts';
import { isClose } from '../tally.ts';
import type { Trial } from '../trial.ts';

/** The relative error allowed in percentiles, because a store may keep the distribution of latencies instead of each one. */
const percentileTolerance = 0.01;
/** A larger number is a Unix time, which has to be exact. */
const largestFigure = 1e9;
export const minuteMs = 60_000;
export const hourMs: number = 60 * minuteMs;
export const dayMs: number = 24 * hourMs;

/** 20 tokens in all. */
export const usage: Usage = {
  inputTokens: 10,
  cacheReadTokens: 1,
  cacheWriteTokens: 2,
  outputTokens: 3,
  reasoningTokens: 4,
};

export function cents(count: number): NonNullable<ExecutionEvent['cost']> {
  return { nanoUsd: count * 10_000_000, source: 'provider' };
}

function readerOf({ backend }: Trial): Partial<AnalyticsReader> {
  assert.ok(backend.reader, 'the backend has a reader');
  return backend.reader;
}

type Part<T> = T extends object
  ? string extends keyof T
    ? { readonly [key: string]: unknown }
    : { readonly [K in keyof T]?: Part<T[K]> | undefined }
  : T;

/** A question, its arguments, and the least that the answer has to contain. Lists must have exactly the given length. */
export type Expected = {
  [Q in keyof AnalyticsReader]: readonly [
    question: Q,
    asked: Parameters<AnalyticsReader[Q]>,
    answer: Part<Awaited<ReturnType<AnalyticsReader[Q]>>>,
    tolerance?: number | undefined,
  ];
}[keyof AnalyticsReader];

/** A reader under development, or one of a store that has no such facts, lacks some of the methods of the type. */
export function canAsk(trial: Trial, question: keyof AnalyticsReader): boolean {
  return typeof readerOf(trial)[question] === 'function';
}

/** @throws NotApplicable if the reader lacks one of the questions. */
export function needQuestions(trial: Trial, questions: readonly (keyof AnalyticsReader)[]): void {
  const lacking = questions.find((question) => !canAsk(trial, question));
  if (lacking !== undefined) {
    throw new NotApplicable(`the reader has no ${lacking}()`);
  }
}

/**
 * Asks the reader a question, within the timeout of the suite.
 * @throws NotApplicable if the reader lacks it.
 */
export function ask<Q extends keyof AnalyticsReader>(
  trial: Trial,
  question: Q,
  ...asked: Parameters<AnalyticsReader[Q]>
): ReturnType<AnalyticsReader[Q]> {
  needQuestions(trial, [question]);
  const reader = readerOf(trial) as Record<Q, (...asked: never) => Promise<unknown>>;
  return trial.within(`${question}()`, reader[question](...(asked as never))) as ReturnType<AnalyticsReader[Q]>;
}

/**
 * Asserts that the reader gives these answers once the events are delivered.
 * @throws NotApplicable if the reader lacks one of the questions, and those that it has are answered rightly.
 */
export async function answers(
  trial: Trial,
  events: readonly AnalyticsEvent[],
  expected: readonly Expected[],
): Promise<void> {
  await trial.deliver(events);
  for (const [question, asked, answer, tolerance] of expected.filter(([question]) => canAsk(trial, question))) {
    const what = `${question}(${asked.map((one) => JSON.stringify(one))})`;
    says(await ask(trial, question, ...(asked as never)), answer, what, tolerance);
  }
  needQuestions(
    trial,
    expected.map(([question]) => question),
  );
}

/** Returns the items of all pages of a list. */
export async function allPages<P extends { readonly nextCursor?: string | undefined }, T>(
  read: (cursor: string | undefined) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
  limit: number,
): Promise<T[]> {
  const listed: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 50; pages += 1) {
    const page = await read(cursor);
    const items = itemsOf(page);
    assert.ok(items.length <= limit, 'a page is no longer than its limit');
    listed.push(...items);
    cursor = page.nextCursor;
    if (cursor === undefined) {
      return listed;
    }
  }
  return assert.fail('the pages of a list never end');
}

/** Asserts that an answer, or a part of one, contains at least `expected`. */
export function says(actual: unknown, expected: unknown, what: string, tolerance?: number): void {
  if (typeof expected === 'number') {
    const about = expected > largestFigure ? 0 : tolerance;
    assert.ok(
      typeof actual === 'number' && isClose(actual, expected, about),
      `${what} is ${actual}, should be ${expected}`,
    );
  } else if (Object(expected) !== expected) {
    assert.equal(actual, expected, what);
  } else {
    if (Array.isArray(expected)) {
      assert.equal((actual as unknown[] | undefined)?.length, expected.length, `length of ${what}`);
    }
    for (const [key, value] of Object.entries(expected as object)) {
      const about = /^p\d|^ms$/.test(key) ? percentileTolerance : tolerance;
      says(Object(actual)[key], value, `${what}.${key}`, about);
    }
  }
}

/** Executions of the last hour, each at a time and with a latency of its own. */
export function history(): ExecutionEvent[] {
  const now = Date.now();
  const cost = cents(0.125);
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
  return rows.map((row, at) => execution({ ...row, at: now - (1 + ((at * 5) % rows.length)) * minuteMs }));
}

export function newestFirst(events: readonly ExecutionEvent[]): ExecutionEvent[] {
  return events.toSorted((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
}

export function idsOf(events: readonly ExecutionEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** The latencies of all of `history()`. */
export const latencies: LatencyStats = {
  average: 47_581 / 24.5,
  min: 0,
  max: 7300,
  p50: 640,
  p95: 5000,
  p99: 7300,
};

/** The counts of the skill `summarise` in `history()`. */
export const usageOfSummarise: ExecutionCounts = {
  executions: 9.5,
  successes: 6.5,
  failures: 3,
  successRate: 6.5 / 9.5,
};

export const noUsage: ExecutionCounts & { readonly latencyMs: LatencyStats } = {
  executions: 0,
  successes: 0,
  failures: 0,
  successRate: null,
  latencyMs: { average: null, min: null, max: null, p50: null, p95: null, p99: null },
};

/** A value with its confidence interval. */
export function estimate(value: number | null, low: number | null = null, high: number | null = null): Estimate {
  return { value, low, high };
}
