import type { CostTotals, ExecutionCounts, LatencyStats, TokenTotals } from '@toolweaver/analytics-core';
import { type AliasedRawBuilder, sql } from 'kysely';
import { type Extreme, type Figures, figureNames, higher, lower } from '../cell.ts';
import { quantiles, type Sketch } from '../sketch.ts';

// Sums over counted executions `c`. `total()` sums in floating point: whole numbers are exact up to 2⁵³, and nothing can
// overflow.

/** Decimal places that `without` keeps. */
export const differenceDigits = 6;

type Sums = Omit<Figures, Extreme>;

/** The sums of a group; extremes are null if nothing is known. */
export type Totals = Sums & { readonly [E in Extreme]: number | null };

const extremes: Readonly<Record<Extreme, 'min' | 'max'>> = {
  latency_min: 'min',
  latency_max: 'max',
  first_at: 'min',
  last_at: 'max',
};

function isExtreme(name: keyof Totals): name is Extreme {
  return name in extremes;
}

type Column<N extends keyof Totals> = { [C in N]: AliasedRawBuilder<Totals[C], C> }[N];

/** Some columns of `Totals`, for a query of counted executions named `c`, grouped or not. */
export function totalsOf<N extends keyof Totals>(...names: readonly N[]): Column<N>[] {
  return names.map((name) => {
    const add = sql.raw(isExtreme(name) ? extremes[name] : 'total');
    return sql`${add}(${sql.ref(`c.${name}`)})`.as(name) as Column<N>;
  });
}

export const totals: readonly Column<keyof Totals>[] = totalsOf(...figureNames);

/** Adds up the named figures of groups. */
export function addUp<N extends keyof Totals>(
  groups: readonly Pick<Totals, N>[],
  names: readonly N[],
): Pick<Totals, N> {
  const together = names.map((name) => {
    const add = isExtreme(name) ? { min: lower, max: higher }[extremes[name]] : plus;
    return [name, groups.reduce<number | null>((found, group) => add(found, group[name]), add === plus ? 0 : null)];
  });
  return Object.fromEntries(together) as Pick<Totals, N>;
}

function plus(one: number | null, other: number | null): number {
  return (one as number) + (other as number);
}

export function toCounts({ executions, successes }: Pick<Sums, 'executions' | 'successes'>): ExecutionCounts {
  return {
    executions,
    successes,
    failures: without(executions, successes),
    successRate: ratio(successes, executions),
  };
}

/**
 * `sum - part`. Sums of fractions, by which sampled executions count, are off in their last digits, so differences are rounded.
 * Whole differences, and the sum itself if `part` is 0, are returned unchanged.
 */
export function without(sum: number, part: number, digits: number = differenceDigits): number {
  const difference = sum - part;
  return part === 0 || Number.isInteger(difference) ? difference : Number(difference.toFixed(digits));
}

export function averageLatency({
  latency_sum,
  latency_weight,
}: Pick<Sums, 'latency_sum' | 'latency_weight'>): number | null {
  return ratio(latency_sum, latency_weight);
}

export function toLatency(
  found: Pick<Totals, 'latency_sum' | 'latency_weight' | 'latency_min' | 'latency_max'>,
  sketch: Sketch | undefined,
): LatencyStats {
  const [p50, p95, p99] = percentiles(found, sketch, [50, 95, 99]) as [number | null, number | null, number | null];
  return { average: averageLatency(found), min: found.latency_min, max: found.latency_max, p50, p95, p99 };
}

/** Percentiles of latencies; `wanted` is ascending, above 0 up to 100. Exact at the lowest and highest latency. */
export function percentiles(
  { latency_weight, latency_min, latency_max }: Pick<Totals, 'latency_weight' | 'latency_min' | 'latency_max'>,
  sketch: Sketch | undefined,
  wanted: readonly number[],
): (number | null)[] {
  if (sketch === undefined || latency_min === null || latency_max === null) {
    return wanted.map(() => null);
  }
  const shares = wanted.map((percent) => percent / 100);
  return quantiles(sketch, shares).map((value, at) => {
    const rank = (shares[at] as number) * latency_weight * (1 - 1e-12);
    // The lowest and highest latency weigh at least 1 each.
    if (rank <= 1) {
      return latency_min;
    }
    return value === undefined || rank > latency_weight - 1
      ? latency_max
      : Math.min(Math.max(value, latency_min), latency_max);
  });
}

export function toTokens(found: Sums): TokenTotals {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = found;
  return {
    inputTokens: input_tokens,
    cacheReadTokens: cache_read_tokens,
    cacheWriteTokens: cache_write_tokens,
    outputTokens: output_tokens,
    reasoningTokens: reasoning_tokens,
    totalTokens: totalTokens(found),
  };
}

export function totalTokens(found: Sums): number {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = found;
  return input_tokens + cache_read_tokens + cache_write_tokens + output_tokens + reasoning_tokens;
}

/** The cost in USD; null if no cost is known. */
export function totalCost({ cost_nano_usd, cost_weight }: Pick<Sums, 'cost_nano_usd' | 'cost_weight'>): number | null {
  return cost_weight === 0 ? null : cost_nano_usd / 1e9;
}

/**
 * The cost in USD of each of `count`; null if no cost is known, or `count` is 0. Divides nano-dollars, which are whole: of dollars,
 * 168 calls of $0.0001 would cost 0.00009999999999999999 each.
 */
export function costPer(sums: Pick<Sums, 'cost_nano_usd' | 'cost_weight'>, count: number): number | null {
  return sums.cost_weight === 0 || count === 0 ? null : sums.cost_nano_usd / count / 1e9;
}

export function toCosts(
  sums: Pick<Totals, 'cost_nano_usd' | 'cost_weight'>,
): Pick<CostTotals, 'pricedExecutions' | 'totalCostUsd' | 'averageCostUsd'> {
  return {
    pricedExecutions: sums.cost_weight,
    totalCostUsd: totalCost(sums),
    averageCostUsd: costPer(sums, sums.cost_weight),
  };
}

/** `part / whole`; null if `whole` is 0. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
