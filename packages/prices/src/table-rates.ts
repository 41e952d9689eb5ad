import type { Usage } from '@toolweaver/analytics-core';
import { allInputTokens } from '@toolweaver/analytics-core/backend';
import { type OwnPrice, toRate } from './model-price.ts';

// Asking the price package takes about 50 µs a call. For most models, its answer can be turned into rates once, which then price
// a call in about 2 µs, and exactly.

type Price =
  | number
  | { readonly base: number; readonly tiers: readonly { readonly start: number; readonly price: number }[] };
/** A price as the table has it, in US dollars per million tokens. */
export type TablePrice = Readonly<Record<string, Price | undefined>>;

/** The rates for all tokens of a call that has more than `above` tokens of input. */
interface Level {
  readonly above: number;
  readonly rates: OwnPrice['rates'];
}
export type Levels = readonly Level[];

/** Prices that apply to our calls and are not for tokens. */
const other = ['requests_kcount'];

/** Returns undefined where rates for tokens are not the whole price. */
export function toLevels(price: TablePrice): Levels | undefined {
  if (other.some((name) => price[name] !== undefined)) {
    return undefined;
  }
  const starts = Object.values(price).flatMap((one) =>
    typeof one === 'object' ? one.tiers.map(({ start }) => start) : [],
  );
  return [-1, ...new Set(starts.sort((one, another) => one - another))].map((above) => {
    const rate = (...names: readonly string[]): bigint | undefined => {
      const found = names.map((name) => price[name]).find((one) => one !== undefined);
      return found === undefined ? undefined : toRate(usdAt(found, above), 1n);
    };
    return {
      above,
      rates: {
        inputTokens: rate('input_mtok'),
        cacheReadTokens: rate('cache_read_mtok', 'input_mtok'),
        cacheWriteTokens: rate('cache_write_mtok', 'input_mtok'),
        outputTokens: rate('output_mtok'),
        reasoningTokens: rate('output_reasoning_mtok', 'output_mtok'),
      },
    };
  });
}

/** The price of each token of a call whose input is just above `above`. */
function usdAt(price: Price, above: number): number {
  return typeof price === 'number'
    ? price
    : price.tiers.reduce((usd, tier) => (tier.start <= above ? tier.price : usd), price.base);
}

export function ratesFor(levels: Levels, usage: Usage): OwnPrice['rates'] {
  const input = allInputTokens(usage);
  return (levels.findLast(({ above }) => input > above) as Level).rates;
}
