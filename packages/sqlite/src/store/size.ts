import type { Connection } from '../database.ts';

function read(db: Connection, pragma: string): number {
  return db.pragma(pragma, { simple: true }) as number;
}

export interface Size {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** The pages of the file, in bytes; the free ones are used again before the file grows. Takes some µs. */
export function readSize(db: Connection): Size {
  const pageSize = read(db, 'page_size');
  const freePages = read(db, 'freelist_count');
  return { usedBytes: (read(db, 'page_count') - freePages) * pageSize, freeBytes: freePages * pageSize };
}

/**
 * By how much the database is over a limit. Names stay when the events that they name go, so they count up to half of the limit:
 * they must not push out all events.
 */
export function excessBytes(db: Connection, maxBytes: number): number {
  const excess = readSize(db).usedBytes - maxBytes;
  return excess <= 0 ? excess : excess - Math.max(0, nameBytes(db) - maxBytes / 2);
}

interface Names {
  readonly count: number;
  readonly bytes: number;
}

/** To measure them reads them all, so it is not done again before there are more by a part of them. */
const measured = new WeakMap<Connection, Names>();
const growth = 1 / 16;

function nameBytes(db: Connection): number {
  const count = db.prepare('SELECT coalesce(max(id), 0) FROM dictionary').pluck().get() as number;
  let names = measured.get(db);
  if (names === undefined || count > names.count * (1 + growth)) {
    const sizes = `
      SELECT total(pgsize) FROM dbstat
      WHERE aggregate = TRUE AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'dictionary')`;
    names = { count, bytes: db.prepare(sizes).pluck().get() as number };
    measured.set(db, names);
  }
  return (names.bytes * count) / Math.max(1, names.count);
}
