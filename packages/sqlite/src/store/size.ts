import { dayMs } from '../cell.ts';
import type { Connection } from '../database.ts';

function read(db: Connection, pragma: string): number {
  return db.pragma(pragma, { simple: true }) as number;
}

export interface Size {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** Bytes in pages of the file; free pages are used before the file grows. Takes a few µs. */
export function readSize(db: Connection): Size {
  const pageSize = read(db, 'page_size');
  const freePages = read(db, 'freelist_count');
  return { usedBytes: (read(db, 'page_count') - freePages) * pageSize, freeBytes: freePages * pageSize };
}

/**
 * By how much the database exceeds a limit. Names and daily roll-ups stay when events are deleted, so they count for half of the
 * limit at most: they must not push out all events.
 */
export function excessBytes(db: Connection, maxBytes: number): number {
  const excess = readSize(db).usedBytes - maxBytes;
  return excess <= 0 ? excess : excess - Math.max(0, stayingBytes(db) - maxBytes / 2);
}

interface Staying {
  readonly names: number;
  readonly cells: number;
  readonly nameBytes: number;
  readonly dayBytes: number;
}

/** Measuring reads all of it, so it is only repeated after a growth by this share. */
const measured = new WeakMap<Connection, Staying>();
const growth = 1 / 16;

function stayingBytes(db: Connection): number {
  const number = (sql: string): number => db.prepare(sql).pluck().get() as number;
  const names = number('SELECT coalesce(max(id), 0) FROM dictionary');
  const cells = number('SELECT coalesce(max(cell), 0) FROM rollup_sketches');
  let staying = measured.get(db);
  if (staying === undefined || names > staying.names * (1 + growth) || cells > staying.cells * (1 + growth)) {
    const bytesOf = (tables: string): number =>
      number(`
        SELECT total(pgsize) FROM dbstat
        WHERE aggregate = TRUE AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN (${tables}))`);
    const shareOfDays = number(`SELECT coalesce(avg(width >= ${dayMs}), 0) FROM rollups`);
    const nameBytes = bytesOf("'dictionary'");
    const dayBytes = bytesOf("'rollups', 'rollup_sketches'") * shareOfDays;
    staying = { names, cells, nameBytes, dayBytes };
    measured.set(db, staying);
  }
  return (staying.nameBytes * names) / Math.max(1, staying.names) + staying.dayBytes;
}
