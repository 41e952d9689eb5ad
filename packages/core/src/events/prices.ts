import type { Cost, Usage } from './event.ts';

/** A call without a cost, for which a price is needed. */
export interface PriceQuestion {
  readonly model: string;
  readonly provider?: string | undefined;
  readonly usage: Usage;
  /** Unix time in ms of the call: prices change. */
  readonly at: number;
}

/** A cost in whole nano-dollars, from a price list (`computed`) or from the user (`override`). */
export interface Price extends Cost {
  readonly source: 'override' | 'computed';
}

/** Prices calls; `@toolweaver/analytics-prices` makes one. */
export interface PriceProvider {
  /**
   * Returns the price synchronously, from memory; undefined if it is unknown. Called for each execution that names a model
   * and usage but no cost. An error it throws is reported, and the execution has no cost.
   */
  price(question: PriceQuestion): Price | undefined;
}
