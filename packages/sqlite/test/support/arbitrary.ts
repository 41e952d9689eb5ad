import type { AnalyticsEvent, ExecutionEvent, RatingEvent } from '@toolweaver/analytics-core';
import fc from 'fast-check';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A fixed now, so that every run meets the same boundaries. */
export const now: number = Date.UTC(2026, 1, 28, 23, 59, 59, 999);

/** Few values of each kind, so that ties, repetitions and exact boundaries of windows, hours and days are common. */
export const at: fc.Arbitrary<number> = fc
  .tuple(fc.constantFrom(0, 1, 1, 2, 7, 30, 45), fc.constantFrom(0, 0, 0, 1, 5, 23.5), fc.integer({ min: -1, max: 2 }))
  .map(([days, hours, ms]) => now - days * dayMs - hours * hourMs + ms);
// Among them pairs that UTF-16 units and code points order differently, and that careless code takes for the same.
export const name: fc.Arbitrary<string> = fc.constantFrom(
  'parse',
  'Parse',
  'summarise',
  'é',
  'e\u0301',
  '\uffee',
  '🧶',
  "it's; --",
  '__proto__',
);
/** Binary fractions, whose sums are exact in any order. */
const weight = fc.constantFrom(undefined, undefined, 1, 1.5, 2.25, 4, 16);
const latencyMs = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(undefined, 0, 0.5, 10, 10, 1000, 1e9) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4000 }).map((quarters) => quarters / 4) },
);
/** Biased ones would repeat. */
const id = fc.noBias(fc.uuid());
/** Replaced by names that are no other test's. */
const orgId = fc.constantFrom('own', 'own', 'other');
/** Of executions that nobody recorded. */
const parents = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
const whole = fc.constantFrom(0, 1, 7, 1200, 2 ** 40);

export const executions: fc.Arbitrary<ExecutionEvent> = fc
  .record({
    id,
    at,
    weight,
    name,
    latencyMs,
    kind: fc.constantFrom('skill', 'skill', 'tool', 'llm', 'agent', 'search', 'operation'),
    success: fc.boolean(),
    orgId,
    userId: fc.constantFrom(undefined, 'u1', 'u2', 'U1'),
    runId: fc.constantFrom(undefined, 'r1', 'r2'),
    error: fc.constantFrom(undefined, { type: 'TimeoutError', message: 'late' }, { type: 'unknown' }, { type: 'E' }),
    cacheHit: fc.constantFrom(undefined, true, false),
    model: fc.constantFrom(undefined, undefined, 'large-2', 'Large-2', 'TimeoutError'),
    version: fc.constantFrom(undefined, '1', '2'),
    attempt: fc.constantFrom(undefined, undefined, 1, 2, 3),
    parentId: fc.constantFrom(undefined, ...parents),
    toolkit: fc.constantFrom(undefined, 'web', 'parse'),
    usage: fc.option(
      fc.record({
        inputTokens: whole,
        cacheReadTokens: whole,
        cacheWriteTokens: whole,
        outputTokens: whole,
        reasoningTokens: whole,
      }),
      { nil: undefined },
    ),
    cost: fc.option(fc.record({ nanoUsd: whole, source: fc.constantFrom('provider', 'override', 'computed') }), {
      nil: undefined,
    }),
  })
  .map((fields) => known<ExecutionEvent>({ type: 'execution', ...fields }));

export const ratings: fc.Arbitrary<RatingEvent> = fc
  .record({
    id,
    at,
    weight,
    skillId: name,
    rating: fc.integer({ min: 1, max: 5 }),
    orgId,
  })
  .map((fields) => known<RatingEvent>({ type: 'rating', ...fields }));

/** Without the fields that are undefined. */
function known<E extends AnalyticsEvent>(fields: object): E {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as unknown as E;
}
