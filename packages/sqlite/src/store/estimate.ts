import { dayMs, hourMs } from '../cell.ts';
import type { Connection } from '../database.ts';
import { tailBits } from '../sequence.ts';
import { countRows, type Kind, keptTables, kinds, type RowCounts } from './kept.ts';
import { executionsFloor, type PrunePlan, type PruneReport } from './prune.ts';
import { readSize } from './size.ts';

// What a prune would delete. Reads much of the file, so it is not for the thread that writes.

/** Rows are counted; bytes are what a row of its kind takes on average. What goes by size is estimated to the hour. */
export function estimatePrune(db: Connection, { before, hoursBefore, maxBytes }: PrunePlan): PruneReport {
  const sizes = averageSizes(db);
  const sizeOf = (rows: RowCounts): number => kinds.reduce((sum, kind) => sum + rows[kind] * sizes.rows[kind], 0);
  const byAge = countOld(db, before);
  const gone = Math.max(executionsFloor(db), before ?? Number.MIN_SAFE_INTEGER);
  const agedCells = hoursBefore === undefined ? 0 : countHours(db, Math.min(hoursBefore, gone));
  const excess =
    readSize(db).usedBytes - sizeOf(byAge) - agedCells * sizes.cell - (maxBytes ?? Number.POSITIVE_INFINITY);
  const end = excess > 0 ? endOfExcess(db, sizes.rows, before, excess) : before;
  const rows = end === before ? byAge : countOld(db, end);
  const missing = excess + sizeOf(byAge) - sizeOf(rows);
  const hourlyCells =
    missing > 0 ? Math.min(countHours(db), agedCells + Math.ceil(missing / Math.max(1, sizes.cell))) : agedCells;
  const { from, to } = span(db, end);
  return {
    dryRun: true,
    rows,
    hourlyCells,
    freedBytes: Math.round(sizeOf(rows) + hourlyCells * sizes.cell),
    from,
    to,
  };
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

/** Rows from before a time; without one, none. */
function countOld(db: Connection, before: number | undefined): RowCounts {
  return countRows((kind) => {
    if (before === undefined) {
      return 0;
    }
    const { table, time } = keptTables[kind];
    const old =
      { executions: `seq < (:before << ${tailBits})`, runEvents: endedRuns }[kind as string] ?? `${time} < :before`;
    return db
      .prepare(`SELECT count(*) FROM ${table} WHERE ${old}`)
      .pluck()
      .get({ before: Math.floor(before) }) as number;
  });
}

/** The executions of a run that ends before are counted among those that go. */
const endedRuns = `run IN (
  SELECT e.run FROM run_events e LEFT JOIN run_rollups r ON r.run = e.run
  GROUP BY e.run HAVING max(e.at) < :before AND coalesce(max(r.last_at), 0) < :before)`;

function countHours(db: Connection, before = Number.MAX_SAFE_INTEGER): number {
  const day = Math.floor(before / dayMs) * dayMs;
  return db.prepare(`SELECT count(*) FROM rollups WHERE width = ${hourMs} AND start < ?`).pluck().get(day) as number;
}

/** The end of the hour up to which rows must go so that `excess` bytes become free beyond those before `from`. */
function endOfExcess(db: Connection, sizes: RowCounts, from: number | undefined, excess: number): number {
  const hours = new Map<number, number>();
  for (const kind of kinds) {
    const { table, time } = keptTables[kind];
    const counts = db
      .prepare(`SELECT ${time} / ${hourMs} AS hour, count(*) FROM ${table} WHERE ${time} >= ? GROUP BY hour`)
      .raw()
      .all(from ?? Number.MIN_SAFE_INTEGER) as [number, number][];
    for (const [hour, count] of counts) {
      hours.set(hour, (hours.get(hour) ?? 0) + count * sizes[kind as Kind]);
    }
  }
  let end = from ?? 0;
  let left = excess;
  for (const [hour, bytes] of [...hours].sort(([one], [other]) => one - other)) {
    if (left <= 0) {
      break;
    }
    end = (hour + 1) * hourMs;
    left -= bytes;
  }
  return end;
}

function span(db: Connection, before: number | undefined): { from: number | null; to: number | null } {
  const parts = kinds
    .filter((kind) => kind !== 'runEvents' && kind !== 'runTotals')
    .map(
      (kind) => `SELECT min(${keptTables[kind].time}) AS oldest, max(${keptTables[kind].time}) AS newest
      FROM ${keptTables[kind].table} WHERE ${keptTables[kind].time} < :before`,
    );
  const sql = `SELECT min(oldest) AS "from", max(newest) AS "to" FROM (${parts.join(' UNION ALL ')})`;
  return db.prepare(sql).get({ before: before ?? Number.MIN_SAFE_INTEGER }) as {
    from: number | null;
    to: number | null;
  };
}
