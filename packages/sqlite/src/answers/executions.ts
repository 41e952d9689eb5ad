import type { ExecutionEvent, ExecutionOrder } from '@toolweaver/analytics-core';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { tailBits } from '../sequence.ts';
import { type StoredExecution, type TextColumn, textColumns, toExecution, uuidBytes } from '../stored.ts';
import { atMost, byRun, bySubject, byTime, type Db, type Filter, firstSeq, matches } from './filter.ts';
import { textsOf } from './names.ts';
import { slowest } from './slowest.ts';

/** Where a page of executions ended. */
export interface Position {
  /** The value that the page is ordered by: a latency in ms or a cost in nano-dollars; 0 for `at`. */
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
  switch (orderBy) {
    case 'at':
      return withTexts(db, await newest(db, filter, after, limit));
    case 'latencyMs':
      return withTexts(
        db,
        await load(db, await (isOfMany(filter) ? slowest(db, filter, after, limit) : highest(db, question))),
      );
    case 'costUsd':
      return withTexts(db, await load(db, await highest(db, question)));
  }
}

/** Whether the filter is likely to match many of the executions in a cell, so that cells help to find them. */
function isOfMany({ userId, runId, errorType, toolkit, version }: Filter): boolean {
  return [userId, runId, errorType, toolkit, version].every((value) => value === undefined);
}

const newestFirst = sql`e.seq >> ${sql.lit(tailBits)} DESC, e.id DESC`;

async function newest(db: Db, filter: Filter, after: Position | undefined, limit: number): Promise<readonly Row[]> {
  const { runId, kind, name, from = 0, to: end = Number.MAX_SAFE_INTEGER, ...others } = filter;
  if (runId !== undefined) {
    return newestOf(db, byRun, filter, after, limit);
  }
  // If few executions match, the stretches below would go through all of them in small steps: in one go, that takes far less.
  const isNarrow = Object.values(others).some((value) => value !== undefined);
  if (name === undefined && (kind === undefined || isNarrow)) {
    return newestOf(db, byTime, filter, after, limit);
  }
  if (kind !== undefined && name !== undefined) {
    return newestOf(db, bySubject, filter, after, limit);
  }
  // Each of several subjects is in order of time, but together they must be sorted: a short time range first, then longer ones.
  const found: Row[] = [];
  let to = Math.min(end, after === undefined ? Number.MAX_SAFE_INTEGER : after.at + 1);
  for (let width = minuteMs; found.length < limit; width *= 4) {
    const last = await lastBefore(db, filter, to);
    if (last === null || last < from) {
      break;
    }
    const stretch = { from: Math.max(from, last - width), to: Math.min(last + 1, to) };
    found.push(...(await newestOf(db, bySubject, { ...filter, ...stretch }, after, limit - found.length)));
    to = stretch.from;
  }
  return found;
}

const minuteMs = 60_000;

/** The time of the last execution of any of the subjects. */
async function lastBefore(db: Db, { kind, name }: Filter, to: number): Promise<number | null> {
  const { rows } = await sql<{ at: number | null }>`
    SELECT max((SELECT max(e.seq) FROM ${bySubject} WHERE e.subject = s.id AND e.seq < ${firstSeq(to)}))
      >> ${sql.lit(tailBits)} AS at
    FROM subjects s WHERE ${kind === undefined ? sql`s.name = ${name}` : sql`s.kind = ${kind}`}`.execute(db);
  return rows[0]?.at ?? null;
}

/** Reads in key order, up to the ms in which the page ends; only these rows are sorted. */
async function newestOf(
  db: Db,
  source: RawBuilder<unknown>,
  filter: Filter,
  after: Position | undefined,
  limit: number,
): Promise<readonly Row[]> {
  const where =
    after === undefined
      ? matches(filter)
      : sql<SqlBool>`${matches({ ...filter, to: Math.min(filter.to ?? Number.POSITIVE_INFINITY, after.at + 1) })}
          AND (e.seq >> ${sql.lit(tailBits)}, e.id) < (${after.at}, ${uuidBytes(after.id)})`;
  // A cross join fixes the order: rows are found first.
  const { rows } = await sql<Row>`
    SELECT ${columns} FROM ${source} CROSS JOIN subjects s ON s.id = e.subject
    WHERE ${where} AND e.seq >= coalesce((
      SELECT seq >> ${sql.lit(tailBits)} << ${sql.lit(tailBits)} FROM (
        SELECT e.seq FROM ${source} WHERE ${where} ORDER BY e.seq DESC LIMIT ${atMost(limit)}
      ) ORDER BY seq LIMIT 1
    ), 0)
    ORDER BY ${newestFirst} LIMIT ${atMost(limit)}`.execute(db);
  return rows;
}

async function highest(db: Db, { filter, orderBy, after, limit }: ExecutionsQuestion): Promise<readonly string[]> {
  const value = sql.ref(orderBy === 'latencyMs' ? 'e.latency_ms' : 'e.cost_nano_usd');
  const before =
    after === undefined
      ? sql`TRUE`
      : sql`(${value}, e.seq >> ${sql.lit(tailBits)}, e.id) < (${after.value}, ${after.at}, ${uuidBytes(after.id)})`;
  const rarest = filter.runId !== undefined ? byRun : filter.name !== undefined ? bySubject : byTime;
  const { rows } = await sql<Found>`
    SELECT CAST(e.seq AS TEXT) AS seq FROM ${rarest}
    WHERE ${matches(filter)} AND ${value} IS NOT NULL AND ${before}
    ORDER BY ${value} DESC, ${newestFirst} LIMIT ${atMost(limit)}`.execute(db);
  return rows.map(({ seq }) => seq);
}

interface Found {
  /** As text, as it does not fit into a number. */
  readonly seq: string;
}

type Row = Omit<StoredExecution, TextColumn> & Readonly<Record<TextColumn, number | null>> & Found;

const columns = sql`
  CAST(e.seq AS TEXT) AS seq, s.kind, s.name, e.id, e.at, e.weight, e.attributes, e.success, e.latency_ms, e.parent_id,
  e.error_message, e.attempt, e.cache_hit, e.input_bytes, e.output_bytes, e.input_tokens, e.cache_read_tokens,
  e.cache_write_tokens, e.output_tokens, e.reasoning_tokens, e.cost_nano_usd,
  ${sql.join(textColumns.map((column) => sql.ref(`e.${column}`)))}`;

/** Loads rows in the given order. */
async function load(db: Db, wanted: readonly string[]): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    SELECT ${columns} FROM execution_events e JOIN subjects s ON s.id = e.subject
    WHERE e.seq IN (SELECT CAST(value AS INTEGER) FROM json_each(${JSON.stringify(wanted)}))`.execute(db);
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  return wanted.flatMap((seq) => bySeq.get(seq) ?? []);
}

/** Separate from the search, so that texts are only looked up for the result. */
async function withTexts(db: Db, rows: readonly Row[]): Promise<ExecutionEvent[]> {
  const ids = new Set(rows.flatMap((row) => textColumns.flatMap((column) => row[column] ?? [])));
  const texts = await textsOf(db, [...ids]);
  return rows.map((row) => {
    const named: Record<string, unknown> = { ...row };
    for (const column of textColumns) {
      named[column] = texts.get(row[column] ?? 0) ?? null;
    }
    return toExecution(named as unknown as StoredExecution);
  });
}
