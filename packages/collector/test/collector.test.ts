import {
  type CollectorOptions,
  collectorOf,
  createCollector,
  type StoreCollector,
  type Views,
} from '@toolweaver/analytics-collector';
import { type Analytics, createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';

/** The pipeline of the guide: three receipts, of which one cannot be parsed; and an operation whose cost nobody knows. */
function recordReceipts(analytics: Analytics): void {
  for (let receipt = 1; receipt <= 3; receipt += 1) {
    const usage = { inputTokens: 100, cacheReadTokens: 20, outputTokens: 5 };
    analytics.recordToolInvocation({ toolName: 'ocr', success: true, latencyMs: 100, cost: { usd: 0.1 }, usage });
    const error = receipt === 2 ? { type: 'ParseError', message: `receipt ${receipt}` } : undefined;
    analytics.recordToolInvocation({
      toolName: 'parse',
      success: error === undefined,
      latencyMs: 40,
      cost: { usd: 0.02 },
      ...(error && { error }),
    });
  }
  analytics.recordSkillExecution({ skillId: 'parse', success: true, cost: { usd: 0.3 } });
  analytics.recordSkillExecution({ skillId: 'free', success: true });
  analytics.logMetrics({ loss: 1 });
}

const report = `=== Cost Report ===
Total cost: $0.6600
Calls of unknown cost: 1
skill parse:
  Total: $0.3000
  Calls: 1
  Avg: $0.300000
tool ocr:
  Total: $0.3000
  Calls: 3
  Avg: $0.100000
tool parse:
  Total: $0.0600
  Calls: 3
  Avg: $0.020000

=== Error Report ===
tool parse:
  Total calls: 3
  Errors: 1
  Error rate: 33.3%
skill free:
  Total calls: 1
  Errors: 0
  Error rate: 0.0%
skill parse:
  Total calls: 1
  Errors: 0
  Error rate: 0.0%
tool ocr:
  Total calls: 3
  Errors: 0
  Error rate: 0.0%`;

async function expectReceipts(views: Views | StoreCollector): Promise<void> {
  const { averageDurationMs, ...summary } = await views.summary();
  expect(summary).toEqual({
    totalOperations: 8,
    successes: 7,
    failures: 1,
    successRate: 0.875,
    totalCostUsd: 0.66,
    totalTokens: 375,
  });
  expect(averageDurationMs).toBeCloseTo(70, 6);
  expect(await views.costByOperation()).toEqual([
    { name: 'parse', totalCostUsd: 0.36 },
    { name: 'ocr', totalCostUsd: 0.3 },
  ]);
  expect(await views.mostExpensive(1)).toMatchObject([{ totalCostUsd: 0.3 }]);
  expect(await views.mostExpensive()).toHaveLength(3);
  expect((await views.mostExpensive()).at(-1)).toEqual({
    kind: 'tool',
    name: 'parse',
    calls: 3,
    totalCostUsd: 0.06,
    averageCostUsd: 0.02,
  });
  expect(await views.mostExpensive(0)).toEqual([]);
  expect(await views.errorRate('parse')).toBe(0.25);
  expect(await views.errorRate('ocr')).toBe(0);
  expect(await views.errorRate('constructor')).toBeNull();
  expect(await views.report()).toBe(report);
}

const nothing = {
  totalOperations: 0,
  successes: 0,
  failures: 0,
  successRate: null,
  totalCostUsd: null,
  averageDurationMs: null,
  totalTokens: 0,
};

test('a store and a collector in memory give the same views of the same events', async () => {
  const collector = createCollector();
  const analytics = createAnalytics({ backends: [await sqlite({ path: ':memory:' }), collector.backend] });
  const store = collectorOf(analytics.reader);
  expect(collector.summary()).toEqual(nothing);
  expect(await store.summary()).toEqual(nothing);
  expect(collector.report()).toBe(
    '=== Cost Report ===\nTotal cost: unknown\nCalls of unknown cost: 0\n\n=== Error Report ===',
  );
  recordReceipts(analytics);
  await expectReceipts(collector);
  await expectReceipts(store);
  expect(await collectorOf(analytics.reader, { userId: 'nobody' }).summary()).toMatchObject({ totalOperations: 0 });
  await analytics.close();
});

test('without a store, the views of one reject as its reader does', async () => {
  const analytics = createAnalytics({ backends: [createCollector().backend] });
  await expect(collectorOf(analytics.reader).report()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await analytics.close();
});

describe('a collector in memory', () => {
  test('keeps the latest failures, newest first, and forgets what it is told to', async () => {
    const collector = createCollector({ maxErrors: 3 });
    const fail = (name: string, at: number): void =>
      void collector.backend.write([
        execution({ kind: 'tool', name, at, success: false, error: { type: 'E', message: name } }),
      ]);
    for (let at = 1; at <= 10; at += 1) {
      fail(`f${at}`, at);
      const last = Array.from({ length: Math.min(at, 3) }, (_, back) => `f${at - back}`);
      expect(collector.recentErrors().map(({ name }) => name)).toEqual(last);
    }
    expect(collector.recentErrors()[0]).toEqual({ at: 10, kind: 'tool', name: 'f10', type: 'E', message: 'f10' });
    collector.backend.write([execution({ success: false })]);
    expect(collector.recentErrors()[0]).toMatchObject({ type: 'unknown', message: undefined });
    collector.clear();
    expect([collector.recentErrors(), collector.summary().totalOperations]).toEqual([[], 0]);
  });

  test('counts operations beyond its bound together', () => {
    const collector = createCollector({ maxOperations: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'a', 'd']) {
      collector.backend.write([execution({ name, success: name !== 'd', cost: { nanoUsd: 1e9, source: 'provider' } })]);
    }
    expect(collector.summary()).toMatchObject({ totalOperations: 6, failures: 2, totalCostUsd: 6 });
    expect(collector.costByOperation()).toEqual([
      { name: '(other operations)', totalCostUsd: 3 },
      { name: 'a', totalCostUsd: 2 },
      { name: 'b', totalCostUsd: 1 },
    ]);
    expect(collector.errorRate('(other operations)')).toBeCloseTo(2 / 3, 12);
    expect(collector.mostExpensive(1)).toMatchObject([{ kind: null, name: '(other operations)' }]);
    expect(collector.report()).toContain('\n(other operations):\n');
  });

  test('gives costs by operation most first, also where kinds of one name come to more together', () => {
    const collector = createCollector();
    const costs = [
      ['tool', 'read', 3],
      ['tool', 'plan', 2.5],
      ['llm', 'plan', 2],
      // Keys of an object that look like whole numbers would come first.
      ['tool', '404', 1],
    ] as const;
    for (const [kind, name, usd] of costs) {
      collector.backend.write([execution({ kind, name, cost: { nanoUsd: usd * 1e9, source: 'provider' } })]);
    }
    expect(collector.costByOperation()).toEqual([
      { name: 'plan', totalCostUsd: 4.5 },
      { name: 'read', totalCostUsd: 3 },
      { name: '404', totalCostUsd: 1 },
    ]);
  });

  test('takes no more memory for a million events of different names', () => {
    const collector = createCollector({ maxOperations: 10, maxErrors: 10 });
    const event = execution({ success: false });
    for (let at = 0; at < 1_000_000; at += 1) {
      collector.backend.write([{ ...event, name: `n${at}` }]);
    }
    expect(
      collector
        .report()
        .split('\n')
        .filter((line) => !line.startsWith(' ')),
    ).toHaveLength(16);
    expect(collector.recentErrors()).toHaveLength(10);
    expect(collector.summary().totalOperations).toBe(1_000_000);
  });

  test('counts sampled executions by their weight, and money exactly', () => {
    const collector = createCollector();
    for (let call = 0; call < 10; call += 1) {
      const cost = { nanoUsd: 100_000_000, source: 'provider' } as const;
      collector.backend.write([execution({ name: 'a', weight: 4, cost, latencyMs: 5 })]);
      collector.backend.write([execution({ name: 'b', cost, latencyMs: 10 })]);
    }
    expect(collector.summary()).toMatchObject({ totalOperations: 50, totalCostUsd: 5, averageDurationMs: 6 });
    expect(collector.costByOperation()).toEqual([
      { name: 'a', totalCostUsd: 4 },
      { name: 'b', totalCostUsd: 1 },
    ]);
  });

  test('of sampled executions, failures, tokens and calls of known cost are weighted, too, and told as whole calls', () => {
    const collector = createCollector();
    const usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
    const cost = { nanoUsd: 1_000_000_000, source: 'provider' } as const;
    collector.backend.write([
      execution({ kind: 'llm', name: 'plan', weight: 2.5, usage, cost }),
      execution({ kind: 'llm', name: 'plan', weight: 1.5, success: false }),
      execution({ kind: 'tool', name: 'fetch', success: false }),
      execution({ kind: 'tool', name: 'fetch', success: false }),
      execution({ kind: 'tool', name: 'grep', success: false }),
    ]);
    expect(collector.summary()).toMatchObject({ totalOperations: 7, failures: 4.5, totalTokens: 25 });
    expect(collector.errorRate('plan')).toBe(0.375);
    // Over the calls whose cost is known.
    expect(collector.mostExpensive()).toEqual([
      { kind: 'llm', name: 'plan', calls: 4, totalCostUsd: 2.5, averageCostUsd: 1 },
    ]);
    expect(collector.mostExpensive(-1)).toEqual([]);
    const [costs, errors] = collector.report().split('\n\n');
    // 4.5 calls without a cost.
    expect(costs).toContain('Calls of unknown cost: 5\n');
    // Of the same rate, the one that fails more often first.
    expect(errors?.match(/^\w+ \w+(?=:)/gm)).toEqual(['tool fetch', 'tool grep', 'llm plan']);
  });

  test('adds costs of one name up to the nano-dollar', () => {
    const collector = createCollector();
    for (const kind of ['tool', 'llm', 'skill'] as const) {
      collector.backend.write([execution({ kind, name: 'plan', cost: { nanoUsd: 100_000_000, source: 'provider' } })]);
    }
    expect(collector.costByOperation()).toEqual([{ name: 'plan', totalCostUsd: 0.3 }]);
  });

  test.each([
    [{ maxOperations: 0 }, 'maxOperations: must be a whole number >= 1, got 0'],
    [{ maxErrors: 1.5 }, 'maxErrors: must be a whole number >= 1, got 1.5'],
    [{ maxErrors: Object.create(null) }, 'maxErrors: must be a whole number >= 1, got an object'],
    [{ name: ' ' }, 'name: must be a non-blank string'],
    [{ maxOps: 5 }, 'maxOps: is not an option; the options are maxOperations, maxErrors, name'],
    [{ maxOps: 5, maxErrors: 0 }, '2 problems'],
    [null, 'options: must be an object, got null'],
  ])('refuses %j', (options, message) => {
    expect(() => createCollector(options as CollectorOptions)).toThrow(message);
  });
});

test('of a store with many operations all have costs', async () => {
  const store = await sqlite({ path: ':memory:' });
  const analytics = createAnalytics({ backends: [store] });
  for (let at = 1; at <= 1001; at += 1) {
    analytics.recordToolInvocation({ toolName: `t${at}`, success: true, cost: { usd: at } });
  }
  const views = collectorOf(analytics.reader);
  expect(await views.costByOperation()).toHaveLength(1001);
  expect(await views.mostExpensive(1)).toMatchObject([{ name: 't1001' }]);
  expect(await views.summary()).toMatchObject({ totalOperations: 1001, totalCostUsd: (1001 * 1002) / 2 });
  await analytics.close();
});

test('a store is asked by its reader, and by nothing else', () => {
  const analytics = createAnalytics({ backends: [] });
  for (const reader of [undefined, analytics]) {
    expect(() => collectorOf(reader as never)).toThrow('reader: must be the `reader` of a client or of a store');
  }
});
