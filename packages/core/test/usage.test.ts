import { allInputTokens, totalTokens } from '@toolweaver/analytics-core/backend';
import { expect, test } from 'vitest';

test('tokens are summed over their classes', () => {
  const usage = {
    inputTokens: 1,
    cacheReadTokens: 20,
    cacheWriteTokens: 300,
    outputTokens: 4000,
    reasoningTokens: 50_000,
  };
  expect([allInputTokens(usage), totalTokens(usage)]).toEqual([321, 54_321]);
});
