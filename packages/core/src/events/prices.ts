import type { Cost, Usage } from './event.ts';

/** A call that says no cost: what a price is asked for. */
export interface PriceQuestion {
  readonly model: string;
  readonly provider?: string | undefined;
  readonly usage: Usage;
  /** Unix time in ms of the call: prices change. */
  readonly at: number;
}

/** Whole nano-dollars, and whether a price list (`computed`) or the user (`override`) says so. */
export interface Price extends Cost {
  readonly source: 'override' | 'computed';
}

/** Knows what calls cost; `@toolweaver/analytics-prices` makes one. */
export interface PriceProvider {
  /**
   * Answers at once, from what it has in memory; undefined where no price is known. It is asked for each execution that names
   * a model and its usage but no cost. What it throws is reported, and that execution has no cost.
   */
  price(question: PriceQuestion): Price | undefined;
}
