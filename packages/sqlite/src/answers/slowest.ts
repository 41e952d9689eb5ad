import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { dayMs, hourMs } from '../cell.ts';
import { tailBits } from '../sequence.ts';
import { uuidBytes } from '../stored.ts';
import { cover } from './cover.ts';
import type { Position } from './executions.ts';
import { readExtent } from './extent.ts';
import { all, atMost, byTime, type Db, type Filter, isSubject, matches, textId } from './filter.ts';
import { descending, inOrder, type Order } from './order.ts';

// Finds the slowest executions without reading all. A cell knows its highest latency and last time, which none of its executions
// exceeds. So the best cells are opened, days into hours and hours into rows, until no remaining cell can hold anything better
// than what was found. Rows may have been deleted: their cells only promise too much.

interface Row {
  readonly seq: string;
  readonly ms: number;
  readonly at: number;
  readonly id: Buffer;
}

interface Cell {
  readonly width: number;
  readonly start: number;
  readonly subject: number;
  /** The highest latency. */
  readonly ms: number;
  /** The time of the last execution. */
  readonly at: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const bySlowness: Order<Pick<Row, 'ms' | 'at'>> = inOrder(
  descending(({ ms }) => ms),
  descending(({ at }) => at),
);
const rowOrder: Order<Row> = inOrder(bySlowness, (one, other) => Buffer.compare(other.id, one.id));

/** Returns the keys, slowest first, then newest first. */
export async function slowest(
  db: Db,
  filter: Filter,
  after: Position | undefined,
  limit: number,
): Promise<readonly string[]> {
  const { rowsFrom, ...extent } = await readExtent(db);
  const from = Math.max(Math.ceil(filter.from ?? 0), 0);
  const to = Math.ceil(filter.to ?? Number.MAX_SAFE_INTEGER);
  const begin = Math.min(Math.max(from, rowsFrom), to);
  // Organisations have no hourly cells.
  const finest = filter.orgId === undefined ? 'hours' : 'days';
  const parts = cover(begin, to, { ...extent, rowsFrom: 0 }, 'days', finest);

  const found: Row[] = [];
  function add(rows: readonly Row[]): void {
    found.push(...rows);
    found.sort(rowOrder).splice(limit);
  }
  // Rows may have been added to the deleted range later.
  for (const end of [{ from, to: begin }, ...parts.filter(({ source }) => source === 'rows')]) {
    add(await rowsWithin(db, filter, after, limit, end));
  }
  let cells: Cell[] = [];
  for (const part of parts.filter(({ source }) => source !== 'rows')) {
    cells = cells.concat(await cellsWithin(db, filter, part.source === 'days' ? dayMs : hourMs, part));
  }

  for (let count = limit; ; count += limit) {
    const last = found[limit - 1];
    cells = cells.filter((cell) => last === undefined || bySlowness(cell, last) <= 0).sort(bySlowness);
    const opened = cells.splice(0, count);
    if (opened.length === 0) {
      return found.map(({ seq }) => seq);
    }
    const { days = [], others = [] } = Object.groupBy(opened, ({ width, start }) =>
      width === dayMs && start >= extent.hoursFrom && finest === 'hours' ? 'days' : 'others',
    );
    cells = cells.concat(await hoursOf(db, filter, days));
    add(await rowsOf(db, filter, after, limit, others, { from: begin, to }));
  }
}

function cellsWithin(db: Db, filter: Filter, width: number, { from, to }: Range): Promise<Cell[]> {
  return findCells(db, filter, width, sql`rollups r`, sql`r.start >= ${from} AND r.start < ${to}`);
}

async function hoursOf(db: Db, filter: Filter, days: readonly Cell[]): Promise<Cell[]> {
  const hours = days.flatMap(({ start, subject }) =>
    Array.from({ length: 24 }, (_, hour) => ({ start: start + hour * hourMs, subject })),
  );
  return hours.length === 0
    ? []
    : findCells(
        db,
        filter,
        hourMs,
        sql`json_each(${JSON.stringify(hours)}) j CROSS JOIN rollups r`,
        sql`r.start = j.value ->> 'start' AND r.subject = j.value ->> 'subject'`,
      );
}

/** Merges the cells of different models. Leaves out cells without an execution that is wanted, as far as they tell. */
async function findCells(
  db: Db,
  filter: Filter,
  width: number,
  source: RawBuilder<unknown>,
  where: RawBuilder<unknown>,
): Promise<Cell[]> {
  const { orgId, model, success, minLatencyMs } = filter;
  const { rows } = await sql<Cell>`
    SELECT r.width, r.start, r.subject, max(r.latency_max) AS ms, max(r.last_at) AS at FROM ${source}
    WHERE ${all([
      sql`r.width = ${sql.lit(width)}`,
      orgId === undefined ? sql`r.org = 0` : sql`r.org = ${textId(orgId)}`,
      where,
      isSubject(filter, sql`r.subject`),
      model === undefined ? undefined : sql`r.model = ${textId(model)}`,
      minLatencyMs === undefined ? sql`r.latency_max IS NOT NULL` : sql`r.latency_max >= ${minLatencyMs}`,
      // Not by comparing weighted sums, which may have been rounded.
      success === false ? sql`r.errors IS NOT NULL` : undefined,
    ])}
    GROUP BY r.start, r.subject`.execute(db);
  return rows;
}

async function rowsWithin(
  db: Db,
  filter: Filter,
  after: Position | undefined,
  limit: number,
  range: Range,
): Promise<readonly Row[]> {
  return range.from < range.to ? findRows(db, after, limit, byTime, matches({ ...filter, ...range })) : [];
}

async function rowsOf(
  db: Db,
  filter: Filter,
  after: Position | undefined,
  limit: number,
  cells: readonly Cell[],
  { from, to }: Range,
): Promise<readonly Row[]> {
  const ranges = cells.map(({ subject, start, width }) => ({
    subject,
    from: Math.max(start, from),
    to: Math.min(start + width, to),
  }));
  const key = (end: string): RawBuilder<unknown> => sql`((j.value ->> ${sql.lit(end)}) << ${sql.lit(tailBits)})`;
  const inRange = sql<SqlBool>`e.subject = j.value ->> 'subject' AND e.seq >= ${key('from')} AND e.seq < ${key('to')}
    AND ${matches({ ...filter, from: undefined, to: undefined, kind: undefined, name: undefined })}`;
  const source = sql`json_each(${JSON.stringify(ranges)}) j CROSS JOIN execution_events e INDEXED BY execution_events_subject`;
  return ranges.length === 0 ? [] : findRows(db, after, limit, source, inRange);
}

async function findRows(
  db: Db,
  after: Position | undefined,
  limit: number,
  source: RawBuilder<unknown>,
  where: RawBuilder<SqlBool>,
): Promise<readonly Row[]> {
  const before =
    after === undefined
      ? sql`TRUE`
      : sql`(e.latency_ms, e.at, e.id) < (${after.value}, ${after.at}, ${uuidBytes(after.id)})`;
  const { rows } = await sql<Row>`
    SELECT CAST(e.seq AS TEXT) AS seq, e.latency_ms AS ms, e.at, e.id FROM ${source}
    WHERE ${where} AND e.latency_ms IS NOT NULL AND ${before}
    ORDER BY e.latency_ms DESC, e.at DESC, e.id DESC LIMIT ${atMost(limit)}`.execute(db);
  return rows;
}
