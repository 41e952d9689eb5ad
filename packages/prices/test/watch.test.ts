import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { type Crossing, type Threshold, watch } from '@toolweaver/analytics-prices';
import { execution, health } from '@toolweaver/analytics-testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const start = Date.UTC(2026, 0, 5, 12);
const cents = (count: number) => ({ nanoUsd: count * 10_000_000, source: 'computed' }) as const;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }));
afterEach(() => void vi.useRealTimers());

/** Seconds are those after the start; what is recorded is of now, but for what comes late. */
function watching(...thresholds: Threshold[]) {
  const crossings: Crossing[] = [];
  const backend = watch({ thresholds, onThreshold: (crossing) => void crossings.push(crossing) });
  const late = (seconds: number, more: Parameters<typeof execution>[0] = {}) =>
    backend.write([execution({ at: start + seconds * 1000, ...more })]);
  return {
    crossings,
    late,
    record(seconds: number, more: Parameters<typeof execution>[0] = {}) {
      vi.setSystemTime(start + seconds * 1000);
      late(seconds, more);
    },
    score: (seconds: number, skillId: string, score: number) =>
      backend.write([health({ at: start + seconds * 1000, skillId, score })]),
  };
}

test('cost of a window: told when it is passed, and again after it was back', () => {
  const { record, crossings } = watching({ measure: 'cost', limit: 0.1, windowMs: 60_000 });
  record(0, { cost: cents(6) });
  record(10, { cost: cents(4) });
  expect(crossings).toEqual([]);
  record(20, { cost: cents(1) });
  record(21, { cost: cents(50) });
  expect(crossings).toMatchObject([{ value: 0.11, at: start + 20_000, threshold: { measure: 'cost' } }]);
  // A minute later all of it has left the window.
  record(90, { cost: cents(1) });
  record(91, { cost: cents(20) });
  expect(crossings.map(({ value }) => value)).toEqual([0.11, 0.21]);
});

test('cost of a window: told again where nothing at all came in between', () => {
  const { record, crossings } = watching({ measure: 'cost', limit: 0.1, windowMs: 60_000 });
  record(0, { cost: cents(20) });
  record(59, { cost: cents(20) });
  expect(crossings).toHaveLength(1);
  record(300, { cost: cents(30) });
  expect(crossings.map(({ value }) => value)).toEqual([0.2, 0.3]);
});

test('failure rate: told once while everything fails, though at times there are too few to say', () => {
  const { record, crossings } = watching({ measure: 'failureRate', limit: 0.2, windowMs: 60_000, minExecutions: 3 });
  for (const seconds of [0, 1, 2, 59, 61, 100, 110, 115, 120]) {
    record(seconds, { success: false });
  }
  expect(crossings).toHaveLength(1);
  for (const seconds of [300, 301, 302]) {
    record(seconds, { success: false });
  }
  expect(crossings).toHaveLength(2);
});

test('spend rate: the same for an hour', () => {
  const { record, crossings } = watching({ measure: 'spendRate', limit: 10, windowMs: 360_000 });
  record(0, { cost: cents(100) });
  expect(crossings).toEqual([]);
  record(1, { cost: cents(1) });
  expect(crossings).toMatchObject([{ value: 10.1 }]);
});

test('failure rate: of enough executions, by weight', () => {
  const { record, crossings } = watching({ measure: 'failureRate', limit: 0.2, minExecutions: 10 });
  for (let call = 0; call < 9; call += 1) {
    record(call, { success: call > 2 });
  }
  expect(crossings).toEqual([]);
  record(9, { weight: 4 });
  expect(crossings).toMatchObject([{ value: 3 / 13 }]);
  record(10, { weight: 2 });
  record(11, { success: false, weight: 5 });
  expect(crossings.map(({ value }) => value)).toEqual([3 / 13, 8 / 20]);
});

test('duration: each execution that takes longer', () => {
  const { record, crossings } = watching({ measure: 'duration', limit: 300_000, filter: { kind: 'agent' } });
  record(0, { kind: 'agent', name: 'clerk', latencyMs: 300_000 });
  record(1, { kind: 'agent', name: 'clerk', latencyMs: 300_001 });
  record(2, { kind: 'tool', name: 'crawl', latencyMs: 900_000 });
  record(3, { kind: 'agent', name: 'clerk', latencyMs: 400_000 });
  record(4, { kind: 'agent', latencyMs: undefined });
  expect(crossings.map(({ name, value }) => [name, value])).toEqual([
    ['clerk', 300_001],
    ['clerk', 400_000],
  ]);
});

test('health: a skill that falls below, once until it has recovered', () => {
  const { score, crossings } = watching({ measure: 'health', limit: 60 });
  score(0, 'parse', 60);
  score(1, 'parse', 59);
  score(2, 'parse', 40);
  score(3, 'summarise', 10);
  score(4, 'parse', 80);
  score(5, 'parse', 50);
  expect(crossings.map(({ name, value }) => [name, value])).toEqual([
    ['parse', 59],
    ['summarise', 10],
    ['parse', 50],
  ]);
});

test('a filter finds what core has recorded under another text', async () => {
  const name = 'crawl\tdeep';
  const thresholds: Threshold[] = [
    { measure: 'duration', limit: 1, filter: { name } },
    { measure: 'cost', limit: 1, filter: { name } },
    { measure: 'health', limit: 60, filter: { name } },
  ];
  const crossings: Crossing[] = [];
  const watcher = watch({ thresholds, onThreshold: (crossing) => void crossings.push(crossing) });
  const analytics = createAnalytics({ backends: [watcher] });
  analytics.recordSkillExecution({ skillId: name, success: true, latencyMs: 2, cost: { usd: 5 } });
  analytics.updateHealthScore({ skillId: name, score: 10 });
  await analytics.close();
  expect(crossings.map(({ threshold }) => threshold)).toEqual(thresholds);
});

test('late executions count while their window lasts, and those of the future count as of now', () => {
  const { record, late, crossings } = watching({ measure: 'cost', limit: 0.1, windowMs: 60_000 });
  record(100, { cost: cents(5) });
  late(30, { cost: cents(50) });
  expect(crossings).toEqual([]);
  late(60, { cost: cents(6) });
  expect(crossings).toMatchObject([{ value: 0.11 }]);
  const ahead = watching({ measure: 'cost', limit: 0.1, windowMs: 60_000 });
  ahead.record(0, { at: Date.now() + 1e9, cost: cents(6) });
  ahead.record(0, { at: Date.now(), cost: cents(6) });
  expect(ahead.crossings).toHaveLength(1);
});

test('what comes a day late raises no alarm, though nothing newer was seen', () => {
  const { record, late, crossings } = watching(
    { measure: 'cost', limit: 0.1 },
    { measure: 'spendRate', limit: 0.1 },
    { measure: 'failureRate', limit: 0.5, minExecutions: 20 },
  );
  for (let call = 0; call < 30; call += 1) {
    late(call - 86_400, { success: false, cost: cents(100) });
  }
  expect(crossings).toEqual([]);
  record(0, { cost: cents(11) });
  expect(crossings.map(({ threshold, value }) => [threshold.measure, value])).toEqual([
    ['cost', 0.11],
    ['spendRate', 1.32],
  ]);
});

test('a clock that was ahead for a while does not end the watch', () => {
  const { record, crossings } = watching({ measure: 'cost', limit: 0.1, windowMs: 60_000 });
  record(3_600, { cost: cents(6) });
  record(0, { cost: cents(6) });
  expect(crossings).toEqual([]);
  record(0, { cost: cents(5) });
  expect(crossings).toMatchObject([{ value: 0.11 }]);
});

test('a callback that throws or rejects hurts nobody', async () => {
  const errors: AnalyticsError[] = [];
  const calls: number[] = [];
  const watcher = watch({
    thresholds: [{ measure: 'duration', limit: 1 }],
    onThreshold({ value }) {
      calls.push(value);
      if (value === 2) {
        throw new Error('mine');
      }
      return Promise.reject(new Error('mine, too'));
    },
  });
  const analytics = createAnalytics({ backends: [watcher], onError: (error) => void errors.push(error) });
  analytics.recordSkillExecution({ skillId: 'a', success: true, latencyMs: 2 });
  analytics.recordSkillExecution({ skillId: 'a', success: true, latencyMs: 3 });
  expect(analytics.stats().backends['watch']).toMatchObject({ accepted: 2, delivered: 2 });
  await analytics.close();
  expect([calls, errors]).toEqual([[2, 3], []]);
});

test('wrong options are refused, all of them at once', () => {
  let error: unknown;
  try {
    watch({
      onThreshold: 'log' as never,
      name: ' ',
      onCrossing: 'log',
      thresholds: [
        { measure: 'speed' as never, limit: -1, windowMs: 5, minExecutions: 0, filter: { team: 'a' } as never },
        { measure: 'cost', limit: Number.NaN, window: 5 },
        'cost' as never,
        { measure: 'failureRate', limit: 20, filter: { kind: 'Tool' } },
      ],
    } as never);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'AnalyticsError', code: 'INVALID_CONFIG' });
  expect((error as AnalyticsError).problems.map(({ field }) => field)).toEqual([
    'onCrossing',
    'onThreshold',
    'thresholds[0].measure',
    'thresholds[0].limit',
    'thresholds[0].windowMs',
    'thresholds[0].minExecutions',
    'thresholds[0].filter.team',
    'thresholds[1].window',
    'thresholds[1].limit',
    'thresholds[2]',
    'thresholds[3].limit',
    'thresholds[3].filter.kind',
    'name',
  ]);
  expect((error as AnalyticsError).message).toContain(
    'thresholds[0].measure: must be one of cost, spendRate, failureRate, duration, health, got "speed"',
  );
  expect(() => watch(null as never)).toThrow('options: must be an object, got null');
  expect(() => watch({ thresholds: {} as never, onThreshold() {} })).toThrow('must be a list, got an object');
});
