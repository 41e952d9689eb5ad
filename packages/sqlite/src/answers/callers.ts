import type { CostGroup } from '@toolweaver/analytics-core';
import { type RawBuilder, sql } from 'kysely';
import { executionsFor, type Filter, firstSeq, matches } from './filter.ts';

// Costs by who caused them. A parent ends, and so is recorded, no earlier than what it called: it is sought from the start of the
// window on, whatever else the filter says of the executions that it called.

const callerKinds = ['skill', 'tool', 'agent'] as const;
export type CallerKind = (typeof callerKinds)[number];

export function isCaller(by: CostGroup): by is CallerKind {
  return callerKinds.some((kind) => kind === by);
}

/** Who calls whom may be a circle. */
const maxDepth = 100;

/** Sums by `key`: the subject of the nearest execution of a kind around each, or null outside of any. */
export function callerCosts(filter: Filter, kind: CallerKind): RawBuilder<unknown> {
  const since = filter.from === undefined ? sql`TRUE` : sql`e.seq >= ${firstSeq(filter.from)}`;
  const caller = sql`CASE WHEN s.kind = ${kind} THEN e.subject END`;
  return sql`
    WITH RECURSIVE
    callers AS MATERIALIZED (
      SELECT e.id, e.parent_id, ${caller} AS key, max(e.seq)
      FROM execution_events e NOT INDEXED JOIN subjects s ON s.id = e.subject
      WHERE ${since} AND e.id IN (
        SELECT e.parent_id FROM execution_events e NOT INDEXED WHERE ${since} AND e.parent_id IS NOT NULL
      )
      GROUP BY e.id
    ),
    ways (start, next, key, depth) AS (
      SELECT id, parent_id, key, 1 FROM callers
      UNION ALL
      SELECT w.start, c.parent_id, c.key, w.depth + 1
      FROM ways w JOIN callers c ON c.id = w.next WHERE w.key IS NULL AND w.depth < ${sql.lit(maxDepth)}
    ),
    found AS MATERIALIZED (SELECT start, key FROM ways WHERE key IS NOT NULL),
    own AS (
      SELECT ${caller} AS own, e.parent_id, coalesce(e.weight, 1) AS weight, e.cost_nano_usd,
        coalesce(e.input_tokens + e.cache_read_tokens + e.cache_write_tokens + e.output_tokens
          + e.reasoning_tokens, 0) AS tokens
      FROM ${executionsFor(filter)} JOIN subjects s ON s.id = e.subject WHERE ${matches(filter)}
    )
    SELECT coalesce(o.own, f.key) AS key, total(o.weight) AS executions,
      total(o.weight * o.cost_nano_usd) AS cost_nano_usd,
      total(CASE WHEN o.cost_nano_usd IS NOT NULL THEN o.weight END) AS cost_weight, total(o.weight * o.tokens) AS tokens
    FROM own o LEFT JOIN found f ON f.start = o.parent_id GROUP BY 1`;
}
