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
