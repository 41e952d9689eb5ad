import { type AnalyticsError, createAnalytics, type RunState } from '@toolweaver/analytics-core';
import { type Crossing, type Threshold, watch } from '@toolweaver/analytics-prices';
import { execution, fakeClock, health, run } from '@toolweaver/analytics-testkit';
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
    run: (seconds: number, runId: string, state: RunState) =>
      backend.write([run({ at: start + seconds * 1000, runId, state })]),
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

test('cost, failures and duration of a run: told once for each, and measured from its start to its end', () => {
  const common = { per: 'run', filter: { kind: 'tool' } } as const;
  const { record, crossings, run } = watching(
    { ...common, measure: 'cost', limit: 0.05 },
    { ...common, measure: 'failureRate', limit: 0.2, minExecutions: 2 },
    { ...common, measure: 'duration', limit: 300_000 },
  );
  const tool = (seconds: number, runId: string | undefined, more: Parameters<typeof execution>[0] = {}) =>
    record(seconds, { kind: 'tool', cost: cents(2), runId, ...more });
  run(0, 'a', 'started');
  run(1, 'b', 'started');
  tool(2, undefined, { success: false });
  tool(3, 'a', { success: false });
  tool(4, 'b', { weight: 2 });
  record(5, { kind: 'skill', cost: cents(900), success: false, runId: 'b' });
  expect(crossings).toEqual([]);
  tool(6, 'a');
  tool(7, 'b');
  // Later than any window.
  run(299, 'a', 'started');
  tool(300, 'a');
  expect(
    crossings.map(({ threshold, value, at, runId }) => [threshold.measure, value, (at - start) / 1000, runId]),
  ).toEqual([
    ['failureRate', 0.5, 6, 'a'],
    ['cost', 0.06, 7, 'b'],
    ['cost', 0.06, 300, 'a'],
  ]);
  tool(301, 'a', { success: false });
  run(302, 'a', 'finished');
  run(303, 'b', 'failed');
  expect(crossings.slice(3).map(({ threshold, value, runId }) => [threshold.measure, value, runId])).toEqual([
    ['duration', 301_000, 'a'],
    ['duration', 302_000, 'b'],
  ]);
  // Of the same id, but another run.
  run(400, 'a', 'started');
  tool(401, 'a');
  tool(402, 'a', { success: false });
  expect(crossings.slice(5).map(({ threshold, value, runId }) => [threshold.measure, value, runId])).toEqual([
    ['failureRate', 0.5, 'a'],
  ]);
});

test('runs beyond ten thousand are forgotten, those begun first', () => {
  const { record, crossings } = watching({ measure: 'cost', limit: 0.03, per: 'run' });
  for (let number = 0; number <= 10_000; number += 1) {
    record(0, { runId: `run-${number}`, cost: cents(2) });
  }
  record(1, { runId: 'run-0', cost: cents(2) });
  record(1, { runId: 'run-10000', cost: cents(2) });
  expect(crossings.map(({ runId }) => runId)).toEqual(['run-10000']);
});

test('windows follow the given clock', async () => {
  const clock = fakeClock();
  const crossings: Crossing[] = [];
  const watcher = watch({
    thresholds: [{ measure: 'cost', limit: 1 }],
    onThreshold: (crossing) => void crossings.push(crossing),
    now: clock.now,
  });
  vi.setSystemTime(clock.now() + 86_400_000);
  const analytics = createAnalytics({ backends: [watcher], clock });
  analytics.recordLlmCall({ model: 'm', success: true, cost: { usd: 2 } });
  await analytics.close();
  expect(crossings).toMatchObject([{ value: 2, at: clock.now() }]);
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
        { measure: 'spendRate', limit: 1, per: 'run', windowMs: 5000 },
        { measure: 'cost', limit: 1, per: 'Run' },
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
    'thresholds[4].per',
    'thresholds[4].windowMs',
    'thresholds[5].per',
    'name',
  ]);
  expect((error as AnalyticsError).message).toContain(
    'thresholds[0].measure: must be one of cost, spendRate, failureRate, duration, health, got "speed"',
  );
  expect(() => watch(null as never)).toThrow('options: must be an object, got null');
  expect(() => watch({ thresholds: {} as never, onThreshold() {} })).toThrow('must be a list, got an object');
});
