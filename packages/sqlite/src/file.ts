import { realpathSync, statSync } from 'node:fs';

/** The smallest size of a database; a smaller file was truncated. */
const minBytes = 512;

/** Identifies the file that a path leads to, whatever its name; 'none' if there is none. */
export function fileAt(path: string): string {
  if (path === ':memory:') {
    return path;
  }
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
}

/** Whether the file of an open database was emptied. */
export function isCutOff(path: string): boolean {
  return path !== ':memory:' && sizeOf(path) < minBytes;
}

/** The size in bytes; 0 if there is no file. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The target of a path that may be a symbolic link: SQLite derives the names of its other files from it. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // In memory, or already gone.
    return path;
  }
}
