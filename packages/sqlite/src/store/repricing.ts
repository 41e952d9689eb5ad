import { AnalyticsError, type CostSource, type Price, type PriceProvider } from '@toolweaver/analytics-core';
import type { Maintenance } from '../protocol.ts';
import type { CostChange, PriceableRow, PriceableStep } from './reprice.ts';

// The host's side of `reprice`: here its prices are asked.

export interface RepriceOptions {
  /** What is asked for each price. */
  readonly prices: PriceProvider;
  /** Unix time in ms of executions: `from` is inside, `to` is not. Default: all time. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Also those whose cost is an override, by a price of the user's or said with the call. Default: false. */
  readonly overrides?: boolean | undefined;
  /** Says what would change, and changes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
  /** Told after every few thousand executions. What it throws is ignored. */
  readonly onProgress?: ((progress: RepriceProgress) => void) | undefined;
}

export interface RepriceProgress {
  /** Prices asked for up to now. */
  readonly executions: number;
}

export interface RepriceReport {
  readonly dryRun: boolean;
  /** Executions whose price was asked for: those with a model and usage whose cost was computed, or unknown. */
  readonly executions: number;
  /** Those whose cost has changed, the next ones included. */
  readonly changed: number;
  /** Those whose cost was unknown, and is known now. */
  readonly priced: number;
  /** Those for which no price is known; they stay as they were. */
  readonly unknown: number;
  /** By which the sum of costs has changed, sampled executions by their weight. */
  readonly differenceUsd: number;
}

export interface Repricing extends Pick<RepriceOptions, 'prices' | 'onProgress'> {
  readonly from: bigint;
  readonly to: bigint;
  readonly sources: readonly CostSource[];
  readonly dryRun: boolean;
}

export async function reprice(
  ask: (request: Maintenance) => Promise<unknown>,
  { prices, from, to, sources, dryRun, onProgress }: Repricing,
): Promise<RepriceReport> {
  const report = { dryRun, executions: 0, changed: 0, priced: 0, unknown: 0 };
  let difference = 0;
  for (let next: bigint | undefined = from; next !== undefined; ) {
    const step = (await ask({ op: 'priceable', from: next, to, sources })) as PriceableStep;
    next = step.next;
    const changes = new Map<bigint, CostChange & PriceableRow>();
    for (const row of step.rows) {
      const price = priceOf(prices, row);
      report.executions += 1;
      report.unknown += price === undefined ? 1 : 0;
      if (price !== undefined && price.nanoUsd !== row.nanoUsd) {
        changes.set(row.seq, { ...row, was: row.nanoUsd, nanoUsd: price.nanoUsd, source: price.source });
      }
    }
    const costs = Array.from(changes.values(), ({ seq, was, nanoUsd, source }) => ({ seq, was, nanoUsd, source }));
    const changed = dryRun
      ? changes.keys()
      : costs.length === 0
        ? []
        : ((await ask({ op: 'setCosts', costs })) as readonly bigint[]);
    for (const seq of changed) {
      const { was, nanoUsd, weight } = changes.get(seq) as CostChange & PriceableRow & { nanoUsd: number };
      report.changed += 1;
      report.priced += was === null ? 1 : 0;
      difference += weight * (nanoUsd - (was ?? 0));
    }
    tell(onProgress, report.executions);
  }
  return { ...report, differenceUsd: difference / 1e9 };
}

function priceOf(prices: PriceProvider, { model, provider, usage, at }: PriceableRow): Price | undefined {
  let price: Price | undefined;
  let cause: unknown;
  try {
    price = prices.price({ model, provider, usage, at });
    if (price === undefined || (Number.isSafeInteger(price.nanoUsd) && price.nanoUsd >= 0)) {
      return price;
    }
  } catch (thrown) {
    cause = thrown;
  }
  const what = cause instanceof Error ? cause.message : `it gave no whole number of nano-dollars`;
  const message = `prices.price() failed for ${model}: ${what}; earlier executions have been repriced`;
  throw new AnalyticsError('INTERNAL', message, { cause });
}

function tell(onProgress: RepriceOptions['onProgress'], executions: number): void {
  try {
    onProgress?.({ executions });
  } catch {
    // The host's own affair.
  }
}
