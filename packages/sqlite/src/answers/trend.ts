import type { TrendPoint } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { dayMs } from '../cell.ts';
import type { Db, Filter } from './filter.ts';
import {
  averageLatency,
  percentiles,
  ratio,
  type Totals,
  toCounts,
  totalCost,
  totals,
  totalTokens,
} from './numbers.ts';
import { type Distribution, select } from './selection.ts';

export interface TrendQuestion {
  /** From the start of a bucket to the end of one. */
  readonly filter: Filter & { readonly from: number; readonly to: number };
  /** Of a bucket: an hour or a day, in ms. */
  readonly width: number;
  readonly distributions: boolean;
}

export async function trend(db: Db, { filter, width, distributions }: TrendQuestion): Promise<TrendPoint[]> {
  const { from, to } = filter;
  const selection = await select(db, filter, { widest: width === dayMs ? 'days' : 'hours' });
  const bucket = sql<number>`CAST((c.start - ${from}) / ${sql.lit(width)} AS INTEGER)`;
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .groupBy(bucket)
    .select(bucket.as('bucket'))
    .select(totals)
    .execute();
  const found = new Map(rows.map((row) => [row.bucket, row]));
  const distributed = distributions
    ? await selection.distributions({ by: bucket, latency: true, users: true })
    : undefined;
  return Array.from({ length: (to - from) / width }, (_, at) => ({
    from: from + at * width,
    to: from + (at + 1) * width,
    ...toPoint(found.get(at), distributions, distributed?.get(at)),
  })).filter((point) => point.from >= selection.completeFrom);
}

function toPoint(
  found: Totals | undefined,
  distributed: boolean,
  distribution: Distribution | undefined,
): Omit<TrendPoint, 'from' | 'to'> {
  const [p50, p95, p99] = found === undefined ? [] : percentiles(found, distribution?.latency, [50, 95, 99]);
  return {
    ...toCounts(found ?? { executions: 0, successes: 0 }),
    uniqueUsers: distributed ? (distribution?.users ?? 0) : null,
    averageLatencyMs: found === undefined ? null : averageLatency(found),
    p50LatencyMs: p50 ?? null,
    p95LatencyMs: p95 ?? null,
    p99LatencyMs: p99 ?? null,
    totalTokens: found === undefined ? 0 : totalTokens(found),
    totalCostUsd: found === undefined ? null : totalCost(found),
    cacheHitRate: found === undefined ? null : ratio(found.cache_hits, found.cache_hits + found.cache_misses),
  };
}
