import type { TrendPoint } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { dayMs, type Extreme, summedFigures } from '../cell.ts';
import type { Distribution } from './distribution.ts';
import type { Db, Filter } from './filter.ts';
import {
  averageLatency,
  percentiles,
  ratio,
  type Totals,
  toCounts,
  totalCost,
  totalsOf,
  totalTokens,
} from './numbers.ts';
import { select } from './selection.ts';

export interface TrendQuestion {
  /** Starts and ends at bounds of buckets. */
  readonly filter: Filter & { readonly from: number; readonly to: number };
  /** The width of a bucket: an hour or a day, in ms. */
  readonly width: number;
  readonly distributions: boolean;
}

const columns = totalsOf(...summedFigures);

/** Only needed for distributions: without them, a series of all skills takes a tenth less time. */
const extremes = totalsOf('latency_min', 'latency_max');

type Found = Omit<Totals, Extreme> & Partial<Pick<Totals, 'latency_min' | 'latency_max'>>;

export async function trend(db: Db, { filter, width, distributions }: TrendQuestion): Promise<TrendPoint[]> {
  const { from, to } = filter;
  const selection = await select(db, filter, { widest: width === dayMs ? 'days' : 'hours' });
  // Starts of cells are in order already, and need not be sorted.
  const start = selection.inRows
    ? sql<number>`${from} + CAST((c.start - ${from}) / ${sql.lit(width)} AS INTEGER) * ${sql.lit(width)}`
    : sql<number>`c.start`;
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .groupBy(start)
    .select(start.as('start'))
    .select(columns)
    .$if(distributions, (query) => query.select(extremes))
    .execute();
  const found = new Map(rows.map((row) => [row.start, row]));
  const distributed = distributions
    ? await selection.distributions({ by: start, latency: true, users: true })
    : undefined;
  return Array.from({ length: (to - from) / width }, (_, at) => from + at * width)
    .filter((begin) => begin >= selection.completeFrom)
    .map((begin) => ({
      from: begin,
      to: begin + width,
      ...toPoint(found.get(begin), distributions, distributed?.get(begin)),
    }));
}

function toPoint(
  found: Found | undefined,
  distributed: boolean,
  distribution: Distribution | undefined,
): Omit<TrendPoint, 'from' | 'to'> {
  const { latency_min = null, latency_max = null, latency_weight = 0 } = found ?? {};
  const latencies = { latency_min, latency_max, latency_weight };
  const [p50, p95, p99] = percentiles(latencies, distribution?.latency, [50, 95, 99]);
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
