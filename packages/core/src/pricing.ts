import { choice, requiredNumber, requiredObject } from './check.ts';
import { AnalyticsError } from './errors.ts';
import type { Cost } from './event.ts';
import type { PriceProvider, PriceQuestion } from './prices.ts';
import { describeThrown } from './thrown.ts';

export type Pricing = (question: PriceQuestion) => Cost | undefined;

/** Asks the user's price provider, whose failure costs the price and not the event. Undefined without one. */
export function createPricing(
  prices: PriceProvider | undefined,
  report: (error: AnalyticsError) => void,
): Pricing | undefined {
  return (
    prices &&
    ((question) => {
      try {
        const price: unknown = prices.price(question);
        return price === undefined || price === null ? undefined : toPrice(price);
      } catch (cause) {
        const { type, message } = describeThrown(cause);
        const text = `prices.price() failed for ${question.model}, whose cost stays unknown: ${type}: ${message ?? ''}`;
        report(new AnalyticsError('INTERNAL', text, { cause }));
        return undefined;
      }
    })
  );
}

function toPrice(price: unknown): Cost {
  const { nanoUsd, source } = requiredObject(price, 'price');
  return {
    nanoUsd: requiredNumber(nanoUsd, 'price.nanoUsd', 0, Number.MAX_SAFE_INTEGER, true),
    source: choice(source, 'price.source', ['override', 'computed']),
  };
}
