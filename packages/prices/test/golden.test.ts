import { calcPrice, waitForUpdate } from '@pydantic/genai-prices';
import { createPrices } from '@toolweaver/analytics-prices';
import fc from 'fast-check';
import { expect, test } from 'vitest';

// Costs of real models, to the nano-dollar: those that the price package itself calculates for the same tokens.

const models: [model: string, provider?: string][] = [
  ['gpt-3.5-turbo'],
  ['gpt-4'],
  ['gpt-4-turbo'],
  ['gpt-4o'],
  ['gpt-4o-mini'],
  ['gpt-4o-2024-08-06', 'openai'],
  ['gpt-4.1'],
  ['gpt-4.1-mini'],
  ['gpt-4.1-nano'],
  ['gpt-5'],
  ['gpt-5-mini'],
  ['gpt-5-nano'],
  ['o1'],
  ['o3'],
  ['o3-mini'],
  ['o4-mini'],
  ['claude-3-haiku-20240307'],
  ['claude-3-5-haiku-latest'],
  ['claude-3-5-sonnet-20241022', 'anthropic'],
  ['claude-3-7-sonnet-latest'],
  ['claude-sonnet-4-20250514'],
  ['claude-sonnet-4-5'],
  ['claude-opus-4-1'],
  ['claude-haiku-4-5', 'anthropic'],
  ['gemini-1.5-flash', 'google'],
  ['gemini-2.0-flash', 'google'],
  ['gemini-2.5-flash'],
  ['gemini-2.5-pro'],
  ['deepseek-chat', 'deepseek'],
  ['mistral-large-latest', 'mistral'],
  ['grok-4', 'x-ai'],
  ['llama-3.3-70b-versatile', 'groq'],
  ['command-r-plus', 'cohere'],
];

const at = Date.UTC(2026, 5, 1, 12);
const usages = [
  { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 },
  { inputTokens: 812, cacheReadTokens: 4096, cacheWriteTokens: 0, outputTokens: 64, reasoningTokens: 512 },
  { inputTokens: 1237, cacheReadTokens: 901, cacheWriteTokens: 77, outputTokens: 333, reasoningTokens: 0 },
  // Some cost more beyond 200 000 tokens of input.
  { inputTokens: 250_001, cacheReadTokens: 3, cacheWriteTokens: 0, outputTokens: 7919, reasoningTokens: 1 },
];

test('there are thirty of them, and more', () => {
  expect(new Set(models.map(([model]) => model)).size).toBeGreaterThanOrEqual(30);
});

test.each(models)('%s', async (model, provider) => {
  const prices = await createPrices();
  for (const usage of usages) {
    const theirs = calcPrice(
      {
        input_tokens: usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
        cache_read_tokens: usage.cacheReadTokens,
        cache_write_tokens: usage.cacheWriteTokens,
        output_tokens: usage.outputTokens + usage.reasoningTokens,
      },
      model,
      { timestamp: new Date(at), ...(provider !== undefined && { providerId: provider }) },
    );
    const nanoUsd = Math.round((theirs?.total_price ?? Number.NaN) * 1e9);
    expect(nanoUsd).toBeGreaterThan(0);
    expect(prices.price({ model, provider, usage, at })).toEqual({ nanoUsd, source: 'computed' });
  }
  expect(prices.unpricedModels()).toEqual([]);
});

test('every model of the table costs what the price package calculates, at any time, to the nano-dollar', async () => {
  const prices = await createPrices();
  const names = ((await waitForUpdate()) ?? []).flatMap(({ id: provider, models: own }) =>
    own.map(({ id: model }) => ({ provider, model })),
  );
  const count = fc.oneof(
    fc.constant(0),
    fc.nat(100),
    fc.nat(400_000),
    fc.constantFrom(128_000, 200_000, 200_001, 272_000),
  );
  const tokens = fc.record({
    inputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    outputTokens: count,
    reasoningTokens: count,
  });
  const time = fc.oneof(
    fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2027, 0) }),
    fc.constant(Date.UTC(2025, 5, 10)),
  );
  let priced = 0;
  let unpriced = 0;
  fc.assert(
    fc.property(fc.constantFrom(...names), tokens, time, ({ provider, model }, usage, at) => {
      const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
      const theirs = calcPrice(
        {
          input_tokens: inputTokens + cacheReadTokens + cacheWriteTokens,
          cache_read_tokens: cacheReadTokens,
          cache_write_tokens: cacheWriteTokens,
          output_tokens: outputTokens + reasoningTokens,
          output_reasoning_tokens: reasoningTokens,
        },
        model,
        { providerId: provider, timestamp: new Date(at) },
      );
      const ours = prices.price({ model, provider, usage, at });
      if (ours === undefined) {
        unpriced += 1;
        const { model_price: price = {} } = theirs ?? {};
        const input = inputTokens + cacheReadTokens + cacheWriteTokens;
        const hasHole =
          (input > 0 && !price['input_mtok']) || (outputTokens + reasoningTokens > 0 && !price['output_mtok']);
        expect(theirs === null || hasHole).toBe(true);
      } else {
        priced += 1;
        // Theirs is a sum in floating point; ours is exact, and rounded once.
        const nanos = (theirs?.total_price ?? Number.NaN) * 1e9;
        expect(Math.abs(ours.nanoUsd - nanos)).toBeLessThanOrEqual(0.5 + nanos * 1e-12);
      }
    }),
    { numRuns: 4000 },
  );
  expect(priced).toBeGreaterThan(2500);
  expect(unpriced).toBeGreaterThan(50);
});

// By hand, from the published prices in US dollars for a million tokens.
const published: [model: string, input: number, cacheRead: number, output: number][] = [
  ['gpt-4o-mini', 150, 75, 600],
  ['gpt-4.1-mini', 400, 100, 1600],
  ['claude-sonnet-4-5', 3000, 300, 15_000],
  ['gemini-2.5-flash', 300, 30, 2500],
];
test.each(published)('%s, by hand: %i, %i and %i nano-dollars a token', async (model, input, cacheRead, output) => {
  const prices = await createPrices();
  const usage = { inputTokens: 1001, cacheReadTokens: 503, cacheWriteTokens: 0, outputTokens: 97, reasoningTokens: 11 };
  const nanoUsd = 1001 * input + 503 * cacheRead + (97 + 11) * output;
  expect(prices.price({ model, usage, at })).toEqual({ nanoUsd, source: 'computed' });
});
