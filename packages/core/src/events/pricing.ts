import { choice, requiredNumber, requiredObject } from '../values/check.ts';
import type { Price, PriceProvider, PriceQuestion } from './prices.ts';

export type Pricing = (question: PriceQuestion) => Price | undefined;

/** Guards the user's price provider: if it fails, the event only lacks its cost. Undefined without a provider. */
export function createPricing(
  prices: PriceProvider | undefined,
  failed: (question: PriceQuestion, thrown: unknown) => void,
): Pricing | undefined {
  return (
    prices &&
    ((question) => {
      try {
        return toPrice(prices.price(question));
      } catch (thrown) {
        failed(question, thrown);
        return undefined;
      }
    })
  );
}

/** Checks what a price provider returned: nothing means that the price is unknown. */
export function toPrice(returned: unknown): Price | undefined {
  if (returned === undefined || returned === null) {
    return undefined;
  }
  const { nanoUsd, source } = requiredObject(returned, 'price');
  return {
    nanoUsd: requiredNumber(nanoUsd, 'nanoUsd', 0, Number.MAX_SAFE_INTEGER, true),
    source: choice(source, 'source', ['override', 'computed']),
  };
}
