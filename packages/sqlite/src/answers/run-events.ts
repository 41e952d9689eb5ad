import { type RawBuilder, sql } from 'kysely';

// Combines the events of a run, in whatever order they arrived: the same as the view `runs`.

/** The value of the latest event that has one; within one ms, an end is later than a start. `run` is an id of the dictionary. */
export function latest<T = string | null>(
  column: 'state' | 'name' | 'project' | 'config' | 'tags' | 'summary',
  run: RawBuilder<unknown>,
): RawBuilder<T> {
  const value = sql.ref(`l.${column}`);
  return sql`(
    SELECT ${value} FROM run_events l WHERE l.run = ${run} AND ${value} IS NOT NULL
    ORDER BY l.at DESC, l.state <> 'started' DESC, l.seq DESC LIMIT 1
  )`;
}

/**
 * Rows of `run`, `started_at`, `finished_at` and the totals of executions (NULL if there are none), of every run with an event of
 * its own or with executions; or only of the given runs.
 */
export function allRuns(only: RawBuilder<unknown> = sql`TRUE`): RawBuilder<RunRow> {
  return sql`(
    SELECT k.run, coalesce(k.started, t.first_at, k.first) AS started_at,
      CASE WHEN k.ended = k.last THEN k.ended END AS finished_at,
      t.executions, t.successes, t.tokens, t.cost_nano_usd, t.cost_weight
    FROM (
      SELECT run, min(at) AS first, max(at) AS last, min(at) FILTER (WHERE state = 'started') AS started,
        max(at) FILTER (WHERE state <> 'started') AS ended
      FROM run_events WHERE ${only} GROUP BY run
    ) k LEFT JOIN run_rollups t ON t.run = k.run
    UNION ALL
    SELECT run, first_at, NULL, executions, successes, tokens, cost_nano_usd, cost_weight
    FROM run_rollups WHERE ${only} AND run NOT IN (SELECT run FROM run_events WHERE ${only})
  )`;
}

export interface RunRow {
  readonly run: number;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly executions: number | null;
  readonly successes: number | null;
  readonly tokens: number | null;
  readonly cost_nano_usd: number | null;
  readonly cost_weight: number | null;
}
