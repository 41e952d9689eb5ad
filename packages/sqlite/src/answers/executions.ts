import type { ExecutionEvent, ExecutionOrder } from '@toolweaver/analytics-core';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { tailBits } from '../sequence.ts';
import { parseUuid, type TextColumn, toExecution } from '../stored.ts';
import { type Db, type Filter, matches } from './filter.ts';

/** Where a page of executions ended. */
export interface Position {
  /** What the page is ordered by: a latency in ms or a cost in nano-dollars; 0 for time. */
  readonly value: number;
  readonly at: number;
  readonly id: string;
}

export interface ExecutionsQuestion {
  readonly filter: Filter;
  readonly orderBy: ExecutionOrder;
  readonly after: Position | undefined;
  readonly limit: number;
}

export async function executions(db: Db, question: ExecutionsQuestion): Promise<ExecutionEvent[]> {
  const { filter, orderBy, after, limit } = question;
  const found = orderBy === 'time' ? newest(filter, after, limit) : highest(filter, orderBy, after, limit);
  const { rows } = await found.execute(db);
  return load(
    db,
    rows.map(({ seq }) => seq),
  );
}

interface Found {
  /** As text: it is more than a number holds. */
  readonly seq: string;
}

const byTime = sql`e.seq >> ${sql.lit(tailBits)} DESC, e.id DESC`;

/** In the order of the key, up to the ms that the page ends in; only those are put in order. */
function newest(filter: Filter, after: Position | undefined, limit: number): RawBuilder<Found> {
  const where =
    after === undefined
      ? matches(filter)
      : sql<SqlBool>`${matches({ ...filter, to: Math.min(filter.to ?? Number.POSITIVE_INFINITY, after.at + 1) })}
          AND (e.seq >> ${sql.lit(tailBits)}, e.id) < (${after.at}, ${parseUuid(after.id)})`;
  return sql`
    SELECT CAST(e.seq AS TEXT) AS seq FROM execution_events e
    WHERE ${where} AND e.seq >= coalesce((
      SELECT seq >> ${sql.lit(tailBits)} << ${sql.lit(tailBits)} FROM (
        SELECT e.seq FROM execution_events e WHERE ${where} ORDER BY e.seq DESC LIMIT ${limit}
      ) ORDER BY seq LIMIT 1
    ), 0)
    ORDER BY ${byTime} LIMIT ${limit}`;
}

function highest(
  filter: Filter,
  orderBy: Exclude<ExecutionOrder, 'time'>,
  after: Position | undefined,
  limit: number,
): RawBuilder<Found> {
  const value = sql.ref(orderBy === 'latency' ? 'e.latency_ms' : 'e.cost_nano_usd');
  const before =
    after === undefined
      ? sql`TRUE`
      : sql`(${value}, e.seq >> ${sql.lit(tailBits)}, e.id) < (${after.value}, ${after.at}, ${parseUuid(after.id)})`;
  return sql`
    SELECT CAST(e.seq AS TEXT) AS seq FROM execution_events e
    WHERE ${matches(filter)} AND ${value} IS NOT NULL AND ${before}
    ORDER BY ${value} DESC, ${byTime} LIMIT ${limit}`;
}

function textOf(column: TextColumn): RawBuilder<string | null> {
  return sql`(SELECT text FROM dictionary WHERE id = ${sql.ref(`e.${column}`)})`;
}

/** Whole executions, in the order given. Apart from the search, so that texts are only looked up for what was found. */
export async function load(db: Db, wanted: readonly string[]): Promise<ExecutionEvent[]> {
  const rows = await db
    .selectFrom('execution_events as e')
    .innerJoin('subjects as s', 's.id', 'e.subject')
    .where('e.seq', 'in', sql<number>`(SELECT CAST(value AS INTEGER) FROM json_each(${JSON.stringify(wanted)}))`)
    .select(sql<string>`CAST(e.seq AS TEXT)`.as('seq'))
    .select(['s.kind', 's.name', 'e.id', 'e.at', 'e.weight', 'e.attributes', 'e.success', 'e.latency_ms'])
    .select(['e.parent_id', 'e.error_message', 'e.attempt', 'e.cache_hit', 'e.input_bytes', 'e.output_bytes'])
    .select(['e.input_tokens', 'e.cache_read_tokens', 'e.cache_write_tokens', 'e.output_tokens'])
    .select(['e.reasoning_tokens', 'e.cost_nano_usd'])
    .select([textOf('run').as('run'), textOf('user').as('user'), textOf('org').as('org')])
    .select([textOf('error_type').as('error_type'), textOf('version').as('version'), textOf('toolkit').as('toolkit')])
    .select([textOf('model').as('model'), textOf('provider').as('provider')])
    .select(textOf('cost_source').as('cost_source'))
    .execute();
  const bySeq = new Map(rows.map((row) => [row.seq, toExecution(row)]));
  return wanted.flatMap((seq) => bySeq.get(seq) ?? []);
}
