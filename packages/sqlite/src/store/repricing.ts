import { AnalyticsError, type CostSource, type Price, type PriceProvider } from '@toolweaver/analytics-core';
import { tell, toPrice } from '@toolweaver/analytics-core/backend';
import { messageOf } from '../failure.ts';
import type { Maintenance } from '../protocol.ts';
import type { PriceableStep } from './reprice.ts';

// The host's side of `reprice`: calls the price provider.

/** Which executions are repriced, and with which prices. */
export interface RepriceOptions {
  /** Asked for the price of each execution. */
  readonly prices: PriceProvider;
  /** Unix time in ms: `from` is inclusive, `to` is exclusive. Default: all time. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Also reprices costs that are overrides: from a price of the user's, or given with the call. Default: false. */
  readonly overrides?: boolean | undefined;
  /** Reports what would change, and changes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
  /** Called after every 1000 executions examined, and at the end. Whatever it throws or rejects with is ignored. */
  readonly onProgress?: ((progress: RepriceProgress) => void) | undefined;
}

/** The progress of a `reprice()`. */
export interface RepriceProgress {
  /** Executions whose price was asked for so far. */
  readonly executions: number;
}

/** What `reprice()` changed; in a dry run, what it would change. */
export interface RepriceReport {
  readonly dryRun: boolean;
  /** Executions whose price was asked for: with model, usage, and a cost unknown, computed or, with `overrides`, an override. */
  readonly executions: number;
  /** Executions whose cost changed, including `priced`. */
  readonly changed: number;
  /** Executions whose cost was unknown and is known now. */
  readonly priced: number;
  /** Executions without a known price; they stay unchanged. */
  readonly unknown: number;
  /** The change of the total cost; sampled executions count by their weight. */
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
  /** Index of the row in the step. */
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
  try {
    return toPrice(prices.price({ model, provider, usage, at: step.at[row] as number }));
  } catch (cause) {
    const message = `prices.price() failed for ${model}: ${messageOf(cause)}; what was changed up to then stays`;
    throw new AnalyticsError('INTERNAL', message, { cause });
  }
}
