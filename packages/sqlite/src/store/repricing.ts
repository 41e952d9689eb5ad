import { AnalyticsError, type CostSource, type Price, type PriceProvider } from '@toolweaver/analytics-core';
import { tell } from '@toolweaver/analytics-core/backend';
import { refusePromise } from '../not-async.ts';
import type { Maintenance } from '../protocol.ts';
import type { PriceableStep } from './reprice.ts';

// The host's side of `reprice`: here its prices are asked.

/** Which executions get new costs, and by which prices. */
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

/** How far a `reprice()` has come. */
export interface RepriceProgress {
  /** Prices asked for up to now. */
  readonly executions: number;
}

/** What `reprice()` has changed; in a dry run, what it would change. */
export interface RepriceReport {
  readonly dryRun: boolean;
  /** Executions whose price was asked for: with a model and usage, and a cost unknown, computed or, with `overrides`, an override. */
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
    const changes: Change[] = [];
    for (let at = 0; at < step.seqs.length; at += 1) {
      const price = priceOf(prices, step, at);
      report.unknown += price === undefined ? 1 : 0;
      if (price !== undefined && price.nanoUsd !== step.nanoUsd[at]) {
        changes.push({ at, price });
      }
    }
    report.executions += step.seqs.length;
    const made = dryRun || changes.length === 0 ? undefined : await setCosts(ask, step, changes);
    for (const [place, { at, price }] of changes.entries()) {
      if (made === undefined || made[place] === 1) {
        const was = step.nanoUsd[at] as number;
        report.changed += 1;
        report.priced += Number.isNaN(was) ? 1 : 0;
        difference += (step.weight[at] as number) * (price.nanoUsd - (was || 0));
      }
    }
    tell(onProgress, { executions: report.executions });
  }
  return { ...report, differenceUsd: difference / 1e9 };
}

interface Change {
  /** Which row of the step. */
  readonly at: number;
  readonly price: Price;
}

async function setCosts(
  ask: (request: Maintenance) => Promise<unknown>,
  { seqs, nanoUsd }: PriceableStep,
  changes: readonly Change[],
): Promise<Uint8Array> {
  const costs = {
    seqs: BigInt64Array.from(changes, ({ at }) => seqs[at] as bigint),
    was: Float64Array.from(changes, ({ at }) => nanoUsd[at] as number),
    nanoUsd: Float64Array.from(changes, ({ price }) => price.nanoUsd),
    sources: changes.map(({ price }) => price.source),
  };
  return (await ask({ op: 'setCosts', costs })) as Uint8Array;
}

function priceOf(prices: PriceProvider, step: PriceableStep, row: number): Price | undefined {
  const { model, provider } = step.models[step.model[row] as number] as PriceableStep['models'][number];
  const [inputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0, outputTokens = 0, reasoningTokens = 0] =
    step.tokens.subarray(row * 5);
  const usage = { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens };
  let cause: unknown;
  try {
    const price = prices.price({ model, provider, usage, at: step.at[row] as number });
    refusePromise(price, 'it must not be async');
    if (price === undefined || (Number.isSafeInteger(price.nanoUsd) && price.nanoUsd >= 0)) {
      return price;
    }
  } catch (thrown) {
    cause = thrown;
  }
  const what = cause instanceof Error ? cause.message : 'it gave no whole number of nano-dollars';
  const message = `prices.price() failed for ${model}: ${what}; what was changed up to then stays`;
  throw new AnalyticsError('INTERNAL', message, { cause });
}
