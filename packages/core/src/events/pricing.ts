import { choice, requiredNumber, requiredObject } from '../values/check.ts';
import type { Cost } from './event.ts';
import type { PriceProvider, PriceQuestion } from './prices.ts';

export type Pricing = (question: PriceQuestion) => Cost | undefined;

/** Guards the user's price provider: if it fails, the event only lacks its cost. Undefined without a provider. */
export function createPricing(
  prices: PriceProvider | undefined,
  failed: (question: PriceQuestion, thrown: unknown) => void,
): Pricing | undefined {
  return (
    prices &&
    ((question) => {
      try {
        const price = prices.price(question) ?? undefined;
        return price === undefined ? price : toCost(price);
      } catch (thrown) {
        failed(question, thrown);
        return undefined;
      }
    })
  );
}

function toCost(price: unknown): Cost {
  const { nanoUsd, source } = requiredObject(price, 'price');
  return {
    nanoUsd: requiredNumber(nanoUsd, 'nanoUsd', 0, Number.MAX_SAFE_INTEGER, true),
    source: choice(source, 'source', ['override', 'computed']),
  };
}
