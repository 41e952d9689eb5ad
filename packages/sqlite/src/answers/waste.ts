import type { WasteReport, WasteStats } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { type Sums, toTotals } from './costs.ts';
import { type Db, executionsFor, type Filter, matches, tokensOfExecution } from './filter.ts';
import { namesOf } from './names.ts';
import { costPer, ratio } from './numbers.ts';
import { byKindAndName, descending, inOrder } from './order.ts';

export interface WasteQuestion {
  readonly filter: Filter;
  readonly limit: number;
}

/** The executions that are summed: all, and parts of them. */
const parts = {
  all: sql`TRUE`,
  failed: sql`t.success = 0`,
  superseded: sql`r.seq IS NOT NULL`,
  retried: sql`t.attempt > 1`,
};
type Part = keyof typeof parts;

type Row = { readonly [N in `${Part}_${keyof Sums}`]: number } & {
  readonly subject: number;
  readonly first_tries: number;
  readonly first_successes: number;
  readonly successes: number;
};

export async function waste(db: Db, { filter, limit }: WasteQuestion): Promise<WasteReport> {
  const rows = await findRows(db, filter);
  const names = await namesOf(
    db,
    rows.map(({ subject }) => subject),
  );
  const operations = rows
    .flatMap((row) => {
      const name = names.get(row.subject);
      return name === undefined ? [] : [{ ...name, ...toStats(row) }];
    })
    .sort(
      inOrder(
        descending(({ wasted }) => wasted.totalCostUsd),
        descending(({ wasted }) => wasted.executions),
        byKindAndName,
      ),
    );
  return { ...toStats(addRows(rows)), operations: operations.slice(0, limit) };
}

/** The sums of each subject. */
async function findRows(db: Db, filter: Filter): Promise<readonly Row[]> {
  const sums = Object.entries(parts).map(
    ([part, condition]) => sql`
      total(t.weight) FILTER (WHERE ${condition}) AS ${sql.ref(`${part}_executions`)},
      total(t.weight * t.cost) FILTER (WHERE ${condition}) AS ${sql.ref(`${part}_cost_nano_usd`)},
      total(t.weight) FILTER (WHERE ${condition} AND t.cost IS NOT NULL) AS ${sql.ref(`${part}_cost_weight`)},
      total(t.weight * t.tokens) FILTER (WHERE ${condition}) AS ${sql.ref(`${part}_tokens`)}`,
  );
  const { rows } = await sql<Row>`
    WITH tries AS (
      SELECT e.seq, e.id, e.at, e.subject, coalesce(e.parent_id, e.run) AS origin, coalesce(e.attempt, 1) AS attempt, e.success,
        coalesce(e.weight, 1) AS weight, e.cost_nano_usd AS cost,
        ${tokensOfExecution} AS tokens
      FROM ${executionsFor(filter)} WHERE ${matches(filter)}
    ),
    repeats AS MATERIALIZED (
      SELECT origin, subject, attempt - 1 AS attempt, count(*) AS count
      FROM tries WHERE attempt > 1 GROUP BY 1, 2, 3
    ),
    repeated AS MATERIALIZED (
      SELECT seq FROM (
        SELECT t.seq, t.success, p.count, row_number() OVER (
          PARTITION BY t.origin, t.subject, t.attempt ORDER BY t.success, t.at DESC, t.id DESC
        ) AS place
        FROM tries t JOIN repeats p ON p.origin = t.origin AND p.subject = t.subject AND p.attempt = t.attempt
      ) WHERE success = 1 AND place <= count
    )
    SELECT t.subject, ${sql.join(sums)},
      total(t.weight) FILTER (WHERE t.success = 1 AND r.seq IS NULL) AS successes,
      total(t.weight) FILTER (WHERE t.attempt = 1) AS first_tries,
      total(t.weight) FILTER (WHERE t.attempt = 1 AND t.success = 1 AND r.seq IS NULL) AS first_successes
    FROM tries t LEFT JOIN repeated r ON r.seq = t.seq GROUP BY t.subject`.execute(db);
  return rows;
}

const none: Row = {
  subject: 0,
  first_tries: 0,
  first_successes: 0,
  successes: 0,
  ...(Object.fromEntries(
    Object.keys(parts).flatMap((part) =>
      ['executions', 'cost_nano_usd', 'cost_weight', 'tokens'].map((name) => [`${part}_${name}`, 0]),
    ),
  ) as Omit<Row, 'subject' | 'first_tries' | 'first_successes' | 'successes'>),
};

function addRows(rows: readonly Row[]): Row {
  const names = Object.keys(none) as (keyof Row)[];
  return Object.fromEntries(names.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)])) as Row;
}

function toStats(row: Row): WasteStats {
  const sumsOf = (part: Part): Sums => ({
    executions: row[`${part}_executions`],
    cost_nano_usd: row[`${part}_cost_nano_usd`],
    cost_weight: row[`${part}_cost_weight`],
    tokens: row[`${part}_tokens`],
  });
  const [all, failed, superseded] = [sumsOf('all'), sumsOf('failed'), sumsOf('superseded')];
  // Failed executions are never superseded, so the two do not overlap.
  const wasted = {
    executions: failed.executions + superseded.executions,
    cost_nano_usd: failed.cost_nano_usd + superseded.cost_nano_usd,
    cost_weight: failed.cost_weight + superseded.cost_weight,
    tokens: failed.tokens + superseded.tokens,
  };
  return {
    total: toTotals(all),
    failed: toTotals(failed),
    superseded: toTotals(superseded),
    wasted: toTotals(wasted),
    retried: toTotals(sumsOf('retried')),
    wastedShare: ratio(wasted.cost_nano_usd, all.cost_nano_usd),
    firstTrySuccessRate: ratio(row.first_successes, row.first_tries),
    costPerSuccessUsd: costPer(all, row.successes),
  };
}
