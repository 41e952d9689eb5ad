import type { CostGroup } from '@toolweaver/analytics-core';
import { type RawBuilder, sql } from 'kysely';
import { dayMs } from '../cell.ts';
import { latestMs, tailBits } from '../sequence.ts';
import { all, executionsFor, type Filter, firstSeq, matches, tokensOfExecution } from './filter.ts';

// Costs by caller. A parent usually ends, and so is recorded, no earlier than what it called, and began before that. So parents
// are searched from the start of the window until its end plus the longest latency of any execution, whatever else the filter
// says. Searching further back would read all rows for each window in which some parent was never recorded.

const callerKinds = ['skill', 'tool', 'agent'] as const;
export type CallerKind = (typeof callerKinds)[number];

export function isCaller(by: CostGroup): by is CallerKind {
  return callerKinds.some((kind) => kind === by);
}

/** Calls may form a cycle. */
const maxDepth = 100;

/** Sums by `key`: the subject of the nearest execution of a kind around each execution (or itself), or null if there is none. */
export function callerCosts(filter: Filter, kind: CallerKind): RawBuilder<unknown> {
  const mayCall = all([
    filter.from === undefined ? undefined : sql`e.seq >= ${firstSeq(filter.from)}`,
    filter.to === undefined ? undefined : endsBefore(filter.to),
  ]);
  const caller = sql`CASE WHEN s.kind = ${kind} THEN e.subject END`;
  return sql`
    WITH RECURSIVE
    callers AS MATERIALIZED (
      SELECT e.id, e.parent_id, ${caller} AS key, max(e.seq)
      FROM execution_events e NOT INDEXED JOIN subjects s ON s.id = e.subject
      WHERE ${mayCall} AND e.id IN (
        SELECT e.parent_id FROM execution_events e NOT INDEXED WHERE ${mayCall} AND e.parent_id IS NOT NULL
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
        ${tokensOfExecution} AS tokens
      FROM ${executionsFor(filter)} JOIN subjects s ON s.id = e.subject WHERE ${matches(filter)}
    )
    SELECT coalesce(o.own, f.key) AS key, total(o.weight) AS executions,
      total(o.weight * o.cost_nano_usd) AS cost_nano_usd,
      total(CASE WHEN o.cost_nano_usd IS NOT NULL THEN o.weight END) AS cost_weight, total(o.weight * o.tokens) AS tokens,
      sum(CASE WHEN o.own IS NOT NULL THEN o.weight END) AS calls
    FROM own o LEFT JOIN found f ON f.start = o.parent_id GROUP BY 1`;
}

/** A clock may be adjusted between the end of a call and that of its caller. */
const toleranceMs = 60_000;

/** Whether an execution may have begun before a time: judged by the longest known latency, or true if its own is unknown. */
function endsBefore(time: number): RawBuilder<unknown> {
  const longest = sql`(SELECT max(latency_max) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0)`;
  const end = sql`CAST(min(${time + toleranceMs} + coalesce(${longest}, 0), ${sql.lit(latestMs)}) AS INTEGER)`;
  return sql`(e.seq < (${end} << ${sql.lit(tailBits)}) OR e.latency_ms IS NULL)`;
}
