import type { Usage } from '@toolweaver/analytics-core';
import { type OwnPrice, toRate } from './model-price.ts';

// To ask the price package takes about 50 µs a call. What it says of most models can be put into rates once, with which a call is priced
// in about 2 µs, and exactly.

type Price =
  | number
  | { readonly base: number; readonly tiers: readonly { readonly start: number; readonly price: number }[] };
/** As the table has it, in US dollars for a million tokens. */
export type TablePrice = Readonly<Record<string, Price | undefined>>;

/** Rates from so many tokens of input on, all of them counted. */
interface Level {
  readonly above: number;
  readonly rates: OwnPrice['rates'];
}
export type Levels = readonly Level[];

/** What else calls that we know of are priced by. */
const other = ['requests_kcount'];

/** Undefined where rates for tokens do not say all. */
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

/** Of all tokens of a call whose input is just above a start. */
function usdAt(price: Price, above: number): number {
  return typeof price === 'number'
    ? price
    : price.tiers.reduce((usd, tier) => (tier.start <= above ? tier.price : usd), price.base);
}

export function ratesFor(levels: Levels, { inputTokens, cacheReadTokens, cacheWriteTokens }: Usage): OwnPrice['rates'] {
  const input = inputTokens + cacheReadTokens + cacheWriteTokens;
  return (levels.findLast(({ above }) => input > above) as Level).rates;
}
