import { type RawBuilder, sql } from 'kysely';
import type { Figures } from '../cell.ts';

// What is counted, as SQL columns: of cells `r`, and of rows `e` of executions.

/** The sums of a cell, or one execution with its weight. Ids are of the database; 0 is none. */
export interface Counted extends Figures {
  readonly org: number;
  readonly subject: number;
  readonly model: number;
  /** Unix time in ms of the start of the hour, day or month; for an execution, its time. */
  readonly start: number;
  /** Only for executions; null if there is none, and for cells. */
  readonly user: number | null;
  readonly run: number | null;
}

/** Failures with one error type: those of a cell, or one execution with its weight. */
export interface Failed extends Pick<Counted, 'org' | 'subject' | 'model' | 'start'> {
  /** 0 is no type and, in a cell of too many types, all those that came after the types that are kept. */
  readonly error: number;
  readonly failures: number;
}

const figureColumns = sql.raw(
  `executions, successes, latency_weight, latency_sum, latency_min, latency_max, first_at, last_at, input_tokens,
  cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano_usd, cost_weight, cache_hits, cache_misses`,
);
export const cellFigures: RawBuilder<Counted> = sql`r.org, r.subject, r.model, r.start, NULL AS user, NULL AS run, ${figureColumns}`;

const weighted = (value: string): string => `coalesce(e.weight, 1) * coalesce(${value}, 0)`;
const rowKey = 'coalesce(e.org, 0) AS org, e.subject, coalesce(e.model, 0) AS model, e.at AS start';
export const rowFailures: RawBuilder<Failed> = sql.raw(
  `${rowKey}, coalesce(e.error_type, 0) AS error, coalesce(e.weight, 1) AS failures`,
);
export const rowFigures: RawBuilder<Counted> = sql.raw(`
  ${rowKey}, e.user, e.run,
  ${weighted('1')} AS executions, ${weighted('e.success')} AS successes,
  ${weighted('e.latency_ms IS NOT NULL')} AS latency_weight, ${weighted('e.latency_ms')} AS latency_sum,
  e.latency_ms AS latency_min, e.latency_ms AS latency_max, e.at AS first_at, e.at AS last_at,
  ${weighted('e.input_tokens')} AS input_tokens, ${weighted('e.cache_read_tokens')} AS cache_read_tokens,
  ${weighted('e.cache_write_tokens')} AS cache_write_tokens, ${weighted('e.output_tokens')} AS output_tokens,
  ${weighted('e.reasoning_tokens')} AS reasoning_tokens, ${weighted('e.cost_nano_usd')} AS cost_nano_usd,
  ${weighted('e.cost_nano_usd IS NOT NULL')} AS cost_weight, ${weighted('e.cache_hit')} AS cache_hits,
  ${weighted('1 - e.cache_hit')} AS cache_misses`);
