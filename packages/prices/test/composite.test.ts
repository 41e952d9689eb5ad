import { type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { type Cells, createCells } from '@toolweaver/analytics-metrics';
import { createBudget, createPrices } from '@toolweaver/analytics-prices';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { expect, test } from 'vitest';

/** The sum of a counter by one of its labels. */
function sumsOf(cells: Cells, name: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  const family = cells.families().find(({ metric }) => metric.name === name);
  if (family?.kind === 'number') {
    const place = family.metric.labels.indexOf(label);
    for (const [at, { labels }] of family.labelSets.entries()) {
      const key = labels[place] ?? '';
      sums[key] = (sums[key] ?? 0) + family.value(at);
    }
  }
  return sums;
}

test('a store, metrics and a budget of one client say the same costs and tokens', async () => {
  const cells = createCells();
  const metrics: Backend = {
    name: 'cells',
    delivery: 'immediate',
    settings: {},
    write: (events) => events.forEach(cells.record),
    attach: cells.attach,
  };
  const store = await sqlite({ path: ':memory:' });
  const budget = createBudget({ limitUsd: 100, window: { ms: 1e12 } });
  const prices = await createPrices({ models: [{ model: 'our-own-7b', usdPer1K: { input: 0.0001, output: 0.0004 } }] });
  const analytics = createAnalytics({ backends: [store, metrics, budget.backend], prices });

  const models = ['gpt-4.1-mini', 'claude-sonnet-4-5', 'our-own-7b', 'unheard-of'];
  for (let call = 0; call < 400; call += 1) {
    analytics.recordLlmCall({
      model: models[call % 4] as string,
      success: call % 9 > 0,
      usage: {
        inputTokens: (call * 7919) % 2001,
        cacheReadTokens: call % 4 === 2 ? 0 : (call * 31) % 500,
        outputTokens: (call * 104_729) % 997,
        reasoningTokens: call % 13,
      },
    });
    analytics.recordToolInvocation({ toolName: 'ocr', success: true, cost: { usd: 0.000_001_5 } });
  }
  await analytics.flush();
  const { reader } = analytics;

  const costs = await reader.getCosts({ by: 'model' });
  expect(costs).toMatchObject({ executions: 800, pricedExecutions: 700 });
  const shown = sumsOf(cells, 'toolweaver_cost_dollars_total', 'model');
  for (const { name, totalCostUsd } of costs.entries) {
    if (name === 'unheard-of') {
      expect([totalCostUsd, shown[name] ?? 0]).toEqual([null, 0]);
    } else {
      expect(totalCostUsd).toBeGreaterThan(0);
      expect(shown[name ?? ''], String(name)).toBeCloseTo(totalCostUsd ?? Number.NaN, 9);
    }
  }
  expect(budget.check()).toMatchObject({ spentUsd: costs.totalCostUsd, unpricedCalls: 100 });
  expect(prices.unpricedModels()).toMatchObject([{ model: 'unheard-of', calls: 100 }]);

  const compared = await reader.compareModels();
  const sum = (count: (model: (typeof compared)[number]) => number): number =>
    compared.reduce((total, model) => total + count(model), 0);
  expect(sumsOf(cells, 'toolweaver_token_usage_total', 'type')).toEqual({
    input: sum(({ inputTokens }) => inputTokens),
    cache_read: sum(({ cacheReadTokens }) => cacheReadTokens),
    cache_write: 0,
    output: sum(({ outputTokens }) => outputTokens),
    reasoning: sum(({ reasoningTokens }) => reasoningTokens),
  });
  await analytics.close();
});
