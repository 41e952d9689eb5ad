import { realpathSync, statSync } from 'node:fs';

/** Less than a database can have: it was cut off. */
const minBytes = 512;

/** Which file a path leads to, whatever its name; 'none' where there is none. */
export function fileAt(path: string): string {
  if (path === ':memory:') {
    return path;
  }
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
}

/** Whether the file of an open database has been emptied. */
export function isCutOff(path: string): boolean {
  return path !== ':memory:' && sizeOf(path) < minBytes;
}

/** In bytes; 0 for what is not there. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Where a path that may be a symbolic link leads to: SQLite names a database's other files after that. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // In memory, or gone already.
    return path;
  }
}
