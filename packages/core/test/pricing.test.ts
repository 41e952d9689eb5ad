import { describe, expect, test } from 'vitest';
import {
  type Analytics,
  type AnalyticsError,
  createAnalytics,
  type MemoryBackend,
  memory,
  type PriceProvider,
  type PriceQuestion,
} from '../src/index.ts';

interface Priced {
  readonly analytics: Analytics;
  readonly store: MemoryBackend;
  readonly errors: readonly AnalyticsError[];
  readonly questions: readonly PriceQuestion[];
  /** The costs that arrived, in order. */
  costs(): Promise<unknown[]>;
}

function priced(answer: (question: PriceQuestion) => unknown): Priced {
  const store = memory();
  const errors: AnalyticsError[] = [];
  const questions: PriceQuestion[] = [];
  const prices: PriceProvider = {
    price(question) {
      questions.push(question);
      return answer(question) as ReturnType<PriceProvider['price']>;
    },
  };
  const analytics = createAnalytics({ backends: [store], prices, onError: (error) => void errors.push(error) });
  return {
    analytics,
    store,
    errors,
    questions,
    async costs() {
      await analytics.close();
      return store.events.map((event) => (event.type === 'execution' ? event.cost : 'none'));
    },
  };
}

const usage = { inputTokens: 10, outputTokens: 5 };
const complete = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 };

describe('a price provider', () => {
  test('is asked for what names a model and its usage, but no cost', async () => {
    const { analytics, questions, costs } = priced(() => ({ nanoUsd: 42, source: 'computed' }));
    analytics.recordLlmCall({ model: 'm', provider: 'p', success: true, usage, at: 1000 });
    analytics.recordLlmCall({ model: 'm', success: false, usage, cost: { usd: 1 } });
    analytics.recordLlmCall({ model: 'm', success: true });
    analytics.recordToolInvocation({ toolName: 't', success: true, usage });
    analytics.recordToolInvocation({ toolName: 't', success: true });
    analytics.recordSkillRating({ skillId: 's', rating: 5 });
    await analytics.trackOperation({ kind: 'skill', name: 's' }, (operation) => operation.set({ model: 'n', usage }));
    expect(questions).toMatchObject([
      { model: 'm', provider: 'p', usage: complete, at: 1000 },
      { model: 'n', usage: complete },
    ]);
    expect(await costs()).toEqual([
      { nanoUsd: 42, source: 'computed' },
      { nanoUsd: 1_000_000_000, source: 'provider' },
      undefined,
      undefined,
      undefined,
      'none',
      { nanoUsd: 42, source: 'computed' },
    ]);
  });

  test('that knows no price leaves the cost unknown', async () => {
    const { analytics, errors, costs } = priced(() => undefined);
    analytics.recordLlmCall({ model: 'm', success: true, usage });
    expect([await costs(), errors]).toEqual([[undefined], []]);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new RangeError('no table');
      },
    ],
    ['gives a promise', async () => ({ nanoUsd: 1, source: 'computed' })],
    ['gives a promise that rejects', () => Promise.reject(new Error('no table'))],
    ['gives a fraction', () => ({ nanoUsd: 0.5, source: 'computed' })],
    ['gives less than nothing', () => ({ nanoUsd: -1, source: 'computed' })],
    ['gives no number', () => ({ nanoUsd: Number.NaN, source: 'computed' })],
    ['speaks for the provider', () => ({ nanoUsd: 1, source: 'provider' })],
    ['gives a bare number', () => 0],
  ])('that %s costs the price and not the event', async (_what, answer) => {
    const { analytics, errors, costs } = priced(answer);
    analytics.recordLlmCall({ model: 'm', success: true, usage });
    expect(await costs()).toEqual([undefined]);
    expect(errors).toMatchObject([
      { code: 'INTERNAL', message: expect.stringContaining('prices.price() for m threw ') },
    ]);
  });

  test('is not asked by a client without backends', async () => {
    let asked = 0;
    const prices: PriceProvider = {
      price() {
        asked += 1;
        return undefined;
      },
    };
    const analytics = createAnalytics({ backends: [], prices });
    analytics.recordLlmCall({ model: 'm', success: true, usage });
    await analytics.close();
    expect(asked).toBe(0);
  });
});

test('a cost in another currency is refused, and the reason told', async () => {
  const { analytics, errors, costs } = priced(() => undefined);
  analytics.recordLlmCall({ model: 'm', success: true, cost: { usd: 1, currency: 'USD' } });
  analytics.recordLlmCall({ model: 'm', success: true, cost: { usd: 1, currency: 'EUR' as 'USD' } });
  expect(await costs()).toEqual([{ nanoUsd: 1_000_000_000, source: 'provider' }]);
  expect(errors).toMatchObject([{ code: 'INVALID_EVENT', problems: [{ field: 'cost.currency' }] }]);
});
