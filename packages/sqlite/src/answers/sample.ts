import type { Difference, Estimate } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { type Db, type Filter, matches } from './filter.ts';
import { newcombe, type Sample, weightedShare, welch } from './statistics.ts';

/** The values of some executions that estimates are made from. */
export interface Samples {
  /** 1 for a success, 0 for a failure. */
  readonly success: Sample;
  readonly latencyMs: Sample;
  /** Whole numbers, so that equal costs have exactly their mean. */
  readonly costNanoUsd: Sample;
}

type Row = Readonly<Record<`${'success' | 'latency' | 'cost'}_${keyof Sample}`, number | null>>;

/** Reads single executions, as only these show the spread of values. */
export async function readSamples(db: Db, filter: Filter): Promise<Samples> {
  // In two passes: with sums of squares, a small spread of large values would be lost to rounding.
  const { rows } = await sql<Row>`
    WITH v AS MATERIALIZED (
      SELECT coalesce(e.weight, 1) AS weight, e.success, e.latency_ms AS latency, e.cost_nano_usd AS cost
      FROM execution_events e WHERE ${matches(filter)}
    ), m AS MATERIALIZED (SELECT ${means('success')}, ${means('latency')}, ${means('cost')} FROM v)
    SELECT m.*, ${spread('success')}, ${spread('latency')}, ${spread('cost')} FROM m`.execute(db);
  const found = rows[0];
  const sample = (name: 'success' | 'latency' | 'cost'): Sample => ({
    size: found?.[`${name}_size`] ?? 0,
    mean: found?.[`${name}_mean`] ?? 0,
    spread: found?.[`${name}_spread`] ?? Number.NaN,
  });
  return { success: sample('success'), latencyMs: sample('latency'), costNanoUsd: sample('cost') };
}

/** The second minus the first. */
export function differenceOf(one: Samples, other: Samples): Difference {
  return {
    successRate: newcombe(weightedShare(one.success), weightedShare(other.success)),
    averageLatencyMs: welch(one.latencyMs, other.latencyMs),
    averageCostUsd: toUsd(welch(one.costNanoUsd, other.costNanoUsd)),
  };
}

/** An estimate in USD of one in nano-dollars. */
export function toUsd({ value, low, high }: Estimate): Estimate {
  const usd = (nanoUsd: number | null): number | null => (nanoUsd === null ? null : nanoUsd / 1e9);
  return { value: usd(value), low: usd(low), high: usd(high) };
}

function means(name: string): ReturnType<typeof sql.raw> {
  const known = `FILTER (WHERE ${name} IS NOT NULL)`;
  const weight = `total(weight) ${known}`;
  return sql.raw(`
    ${weight} * ${weight} / total(weight * weight) ${known} AS ${name}_size,
    total(weight * ${name}) / ${weight} AS ${name}_mean`);
}

function spread(name: string): ReturnType<typeof sql.raw> {
  const deviation = `(v.${name} - m.${name}_mean)`;
  return sql.raw(`
    (SELECT total(v.weight * ${deviation} * ${deviation}) / total(v.weight) FROM v WHERE v.${name} IS NOT NULL)
      AS ${name}_spread`);
}
