export {
  type Budget,
  type BudgetAnswer,
  type BudgetOptions,
  type BudgetOwner,
  type BudgetPerOwner,
  type BudgetQuestion,
  createBudget,
} from './budget.ts';
export type { BudgetWindow } from './budget-window.ts';
export type { ModelPrice, Rates } from './model-price.ts';
export { createPrices, type Prices, type PricesOptions } from './prices.ts';
export type { SpendFilter } from './scope.ts';
export type { UnpricedModel } from './unpriced.ts';
export { type UsageReading, usageFrom } from './usage.ts';
export { type Crossing, type Measure, type Threshold, type WatchOptions, watch } from './watch.ts';
