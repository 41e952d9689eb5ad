import { dayMs, hourMs } from '../cell.ts';
import type { Connection } from '../database.ts';
import { tailBits } from '../sequence.ts';
import { runIsOver } from './deletion.ts';
import { countRows, keptTables, kinds, type RowCounts } from './kept.ts';
import { hoursEnd, type PrunePlan, type PruneReport } from './prune.ts';
import { excessBytes } from './size.ts';

// Estimates what a prune would delete. Reads much of the file, so it must not run in the writer thread.

/** Counts rows; bytes are the average size of a row of each kind. Deletion by size is estimated to the hour. */
export function estimatePrune(db: Connection, plan: PrunePlan): PruneReport {
  const { before, hoursBefore = never, maxBytes } = plan;
  const sizes = averageSizes(db);
  const freed = (end: number, hoursEnd: number): PruneReport => {
    const rows = countOld(db, end);
    const hourlyCells = countHours(db, hoursEnd);
    const bytes = kinds.reduce((sum, kind) => sum + rows[kind] * sizes.rows[kind], hourlyCells * sizes.cell);
    return { dryRun: true, rows, hourlyCells, freedBytes: Math.round(bytes), ...span(db, end) };
  };
  const byAge = freed(before ?? never, Math.min(hoursBefore, oldestLeft(db, before ?? never) ?? hoursBefore));
  const excess = maxBytes === undefined ? 0 : excessBytes(db, maxBytes);
  return excess <= byAge.freedBytes ? byAge : freed(...endsToSize(db, sizes, plan, excess));
}

const never: number = Number.MIN_SAFE_INTEGER;

function oldestLeft(db: Connection, end: number): number | undefined {
  const sql = `SELECT min(seq) >> ${tailBits} FROM execution_events WHERE seq >= (? << ${tailBits})`;
  return (
    (db
      .prepare(sql)
      .pluck()
      .get(Math.floor(Math.max(end, 0))) as number | null) ?? undefined
  );
}

interface Sizes {
  /** Bytes that a row takes with its indexes. */
  readonly rows: RowCounts;
  readonly cell: number;
}

function averageSizes(db: Connection): Sizes {
  const pages = db
    .prepare(`
      SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name
      WHERE d.aggregate = TRUE GROUP BY s.tbl_name`)
    .raw()
    .all() as [string, number][];
  const bytes = new Map(pages);
  const count = (table: string): number => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  const average = (...tables: string[]): number => {
    const all = tables.reduce((sum, table) => sum + (bytes.get(table) ?? 0), 0);
    return all / Math.max(1, count(tables[0] as string));
  };
  return {
    rows: countRows((kind) => average(keptTables[kind].table)),
    cell: average('rollups', 'rollup_sketches'),
  };
}

function countOld(db: Connection, before: number): RowCounts {
  return countRows((kind) => {
    const { table, time, ages = 'TRUE' } = keptTables[kind];
    const conditions: Record<string, string> = {
      executions: `seq < (:before << ${tailBits})`,
      runEvents: runIsOver('kept.run'),
      runTotals: runIsOver('kept.run'),
    };
    const sql = `SELECT count(*) FROM ${table} AS kept WHERE ${conditions[kind] ?? `${time} < :before AND ${ages}`}`;
    const end = Math.floor(before);
    return before === never ? 0 : (db.prepare(sql).pluck().get({ before: end, rowsFrom: end }) as number);
  });
}

function countHours(db: Connection, before: number): number {
  const day = Math.floor(before / dayMs) * dayMs;
  return db.prepare(`SELECT count(*) FROM rollups WHERE width = ${hourMs} AND start < ?`).pluck().get(day) as number;
}

/** The times before which rows and hourly cells must be deleted so that `excess` bytes become free. */
function endsToSize(
  db: Connection,
  sizes: Sizes,
  { now, before = never, hoursBefore = never }: PrunePlan,
  excess: number,
): [end: number, hoursEnd: number] {
  const rows = new Map<number, number>();
  for (const kind of kinds) {
    const { table, time, ages = 'TRUE' } = keptTables[kind];
    const starts = `SELECT ${time} / ${hourMs} * ${hourMs} AS start, count(*) FROM ${table} AS kept WHERE ${ages}`;
    addBytes(rows, db, starts, sizes.rows[kind]);
  }
  const cells = new Map<number, number>();
  addBytes(
    cells,
    db,
    `SELECT start / ${dayMs} * ${dayMs} AS start, count(*) FROM rollups WHERE width = ${hourMs}`,
    sizes.cell,
  );
  const sum = (bytes: ReadonlyMap<number, number>, end: number): number =>
    [...bytes].reduce((all, [start, size]) => (start < end ? all + size : all), 0);
  const ends = (end: number): [number, number] => [end, Math.max(Math.min(hoursBefore, end), hoursEnd(now, end))];
  const suffices = (end: number): boolean => sum(rows, end) + sum(cells, ends(end)[1]) >= excess;

  const candidates = [...rows.keys()].map((start) => start + hourMs).sort((one, other) => one - other);
  let [low, high] = [candidates.findIndex((end) => end >= before), candidates.length];
  for (low = Math.max(0, low); low < high; ) {
    const middle = (low + high) >> 1;
    [low, high] = suffices(candidates[middle] as number) ? [low, middle] : [middle + 1, high];
  }
  const end = candidates[low];
  if (end !== undefined) {
    return ends(end);
  }
  // Deleting all rows is not enough, so hourly cells are deleted as well, by the day.
  const last = Math.max(before, candidates.at(-1) ?? never);
  const days = [...cells.keys()].map((start) => start + dayMs).sort((one, other) => one - other);
  const day = days.find((hours) => sum(rows, last) + sum(cells, hours) >= excess);
  return [last, day ?? Number.MAX_SAFE_INTEGER];
}

function addBytes(to: Map<number, number>, db: Connection, select: string, size: number): void {
  const counts = db.prepare(`${select} GROUP BY start`).raw().all() as [number, number][];
  for (const [start, count] of counts) {
    to.set(start, (to.get(start) ?? 0) + count * size);
  }
}

function span(db: Connection, before: number): { from: number | null; to: number | null } {
  const parts = kinds
    .filter((kind) => kind !== 'runEvents' && kind !== 'runTotals')
    .map((kind) => {
      const { table, time, ages = 'TRUE' } = keptTables[kind];
      return `SELECT min(${time}) AS oldest, max(${time}) AS newest FROM ${table} AS kept WHERE ${time} < :before AND ${ages}`;
    });
  const sql = `SELECT min(oldest) AS "from", max(newest) AS "to" FROM (${parts.join(' UNION ALL ')})`;
  return db.prepare(sql).get({ before }) as { from: number | null; to: number | null };
}
