import { execution } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { now } from './support/arbitrary.ts';
import { forAnyHistory, reports, stopClock, storeWith, wrongFields } from './support/operations.ts';
import { models } from './support/oracle-operations.ts';
import { expectSame } from './support/same.ts';

stopClock();

test('agrees with a count by hand', async () => {
  await forAnyHistory(reports, async ({ reader }, history, options) => {
    expectSame(await reader.compareModels(options), models(history, options));
  });
});

test('says what a success costs with each model', async () => {
  const usage = { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: 5 };
  const call = (model: string, success: boolean, latencyMs: number, usd?: number) =>
    execution({
      at: now,
      kind: 'llm',
      name: 'answer',
      model,
      success,
      latencyMs,
      usage,
      ...(usd !== undefined && { cost: { nanoUsd: usd * 1e9, source: 'provider' } as const }),
    });
  const { reader } = await storeWith([
    call('large', true, 100, 3),
    call('large', false, 200, 1),
    call('large', true, 300),
    call('small', false, 10, 1),
    execution({ at: now, name: 'no model' }),
  ]);
  const [large, small, ...others] = await reader.compareModels();
  expectSame(large, {
    model: 'large',
    executions: 3,
    successes: 2,
    failures: 1,
    successRate: 2 / 3,
    inputTokens: 3,
    cacheReadTokens: 6,
    cacheWriteTokens: 9,
    outputTokens: 12,
    reasoningTokens: 15,
    totalTokens: 45,
    pricedExecutions: 2,
    totalCostUsd: 4,
    averageCostUsd: 2,
    costPerSuccessUsd: 2,
    latencyMs: { average: 200, min: 100, max: 300, p50: 200, p95: 300, p99: 300 },
  });
  expect(small).toMatchObject({ model: 'small', totalCostUsd: 1, costPerSuccessUsd: null });
  expect(others).toEqual([]);
  expect(await reader.compareModels({ model: 'none' })).toEqual([]);
});

test('wrong options are named, all of them', async () => {
  const { reader } = await storeWith();
  expect(await wrongFields(reader.compareModels({ model: '', days: '7' as never }))).toEqual(['days', 'model']);
});
