import { dayMs, hourMs, monthMs } from '../cell.ts';
import type { Connection } from '../database.ts';
import { realPath, sizeOf } from '../file.ts';
import { tailBits } from '../sequence.ts';
import { countRows, keptTables, type RowCounts } from './kept.ts';
import { readSize } from './size.ts';

/** The size and contents of the database. */
export interface StoreStatistics {
  readonly path: string;
  readonly schemaVersion: number;
  readonly sqliteVersion: string;
  readonly pageSizeBytes: number;
  /** Size of the file, and of its write-ahead log. */
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Pages in use (limited by `maxBytes`), and free pages, which are used before the file grows. */
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly rows: RowCounts;
  /** Cells of the roll-ups, and lines of the log that still have to be added to them (`waiting`). */
  readonly rollups: {
    readonly hourly: number;
    readonly daily: number;
    /** Cells of 32 days. */
    readonly monthly: number;
    readonly waiting: number;
  };
  /** Unix ms; null without executions. */
  readonly oldestExecutionAt: number | null;
  readonly newestExecutionAt: number | null;
  /** The times before which executions and hourly cells were deleted, Unix ms; null if none were. */
  readonly deletedBefore: { readonly executions: number | null; readonly hours: number | null };
}

/** Counts all rows, so it must not run in the writer thread. */
export function readStatistics(db: Connection, path: string): StoreStatistics {
  const one = (sql: string): unknown => db.prepare(sql).pluck().get();
  const count = (table: string): number => one(`SELECT count(*) FROM ${table}`) as number;
  const at = (which: string): number | null =>
    one(`SELECT ${which}(seq) >> ${tailBits} FROM execution_events`) as number | null;
  const floor = (name: string): number | null =>
    (one(`SELECT before FROM floors WHERE name = '${name}'`) as number | undefined) ?? null;
  const cells = (width: number): number => one(`SELECT count(*) FROM rollups WHERE width = ${width}`) as number;
  return {
    path,
    schemaVersion: db.pragma('user_version', { simple: true }) as number,
    sqliteVersion: one('SELECT sqlite_version()') as string,
    pageSizeBytes: db.pragma('page_size', { simple: true }) as number,
    fileBytes: path === ':memory:' ? 0 : sizeOf(path),
    walBytes: path === ':memory:' ? 0 : sizeOf(`${realPath(path)}-wal`),
    ...readSize(db),
    rows: countRows((kind) => count(keptTables[kind].table)),
    rollups: { hourly: cells(hourMs), daily: cells(dayMs), monthly: cells(monthMs), waiting: count('rollup_log') },
    oldestExecutionAt: at('min'),
    newestExecutionAt: at('max'),
    deletedBefore: { executions: floor('executions'), hours: floor('hours') },
  };
}
