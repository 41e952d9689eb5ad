import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Connection } from './database.ts';
import { type Failure, failure, toFailure } from './failure.ts';
import { fileAt, realPath } from './file.ts';
import { applicationId, schemaVersion } from './identity.ts';

// A damaged database of ours is set aside, never repaired or deleted, and a new one is begun in its place.

/** Files of up to this size are checked whole when they are opened: about 2 ms for each MB that the system holds in memory. */
const maxCheckedBytes = 32 * 1024 * 1024;
/** How far into a file to look for our schema, which is what a database starts with. */
const searchedBytes = 1024 * 1024;
/** Setting aside takes a few ms; who takes longer was killed meanwhile. */
const staleLockMs = 10_000;

/**
 * @throws like SQLite when it meets damage: in the schema; in files up to a size all else that SQLite can find, in larger ones what
 * is at the edges.
 */
export function checkSoundness(db: Connection, thorough = false): void {
  checkSchema(db);
  const pages = db.pragma('page_count', { simple: true }) as number;
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  if (thorough || pages * pageSize <= maxCheckedBytes) {
    const problem = db.pragma('quick_check(1)', { simple: true });
    if (problem !== 'ok') {
      throw corruption(String(problem).replaceAll('\n', ' '));
    }
    return;
  }
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  for (const table of tables) {
    for (const order of ['ASC', 'DESC']) {
      db.prepare(`SELECT * FROM "${table}" ORDER BY 1 ${order} LIMIT 1`).get();
    }
  }
}

/** What others added to the schema is theirs. */
function checkSchema(db: Connection): void {
  let changed: unknown;
  try {
    changed = db
      .prepare(
        `SELECT copy.name FROM schema_copy copy LEFT JOIN sqlite_schema now ON now.name = copy.name
        WHERE now.sql IS NOT copy.sql LIMIT 1`,
      )
      .pluck()
      .get();
  } catch (error) {
    // The copy itself cannot be found any more.
    throw (error as { code?: unknown }).code === 'SQLITE_ERROR' ? corruption((error as Error).message) : error;
  }
  if (changed !== undefined) {
    throw corruption(`the definition of ${changed} is not what it was`);
  }
}

export function corruption(message: string): Error {
  return Object.assign(new Error(message), { code: 'SQLITE_CORRUPT' });
}

/**
 * Whether a file that SQLite cannot read was once ours. Only what is beyond doubt counts, as nobody's notes must be renamed: the
 * mark in its header; or, where the header is lost, a row of our schema, in the form that only a database holds.
 */
export function isOurs(path: string): boolean {
  const bytes = readStart(path);
  if (bytes.toString('latin1', 0, 16) === 'SQLite format 3\0' && bytes.length >= 100) {
    const [version, owner] = [bytes.readInt32BE(60), bytes.readUInt32BE(68)];
    if (owner !== 0 || version !== 0) {
      return owner === applicationId && version <= schemaVersion;
    }
  }
  // Type, name and table's name stand side by side in a row of `sqlite_schema`, and in no text.
  return bytes.includes(['table', 'execution_events', 'execution_events'].join(''));
}

function readStart(path: string): Buffer {
  const bytes = Buffer.alloc(searchedBytes);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Another process has just set it aside.
    return Buffer.alloc(0);
  }
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, searchedBytes, 0));
  } finally {
    closeSync(file);
  }
}

/**
 * Renames the damaged database `file` with all that belongs to it. Undefined when another process was faster or is at it.
 * Its connections may still be open: SQLite does not touch the names again when they are closed.
 * @returns what is to be told.
 * @throws what `failure` makes when it cannot be renamed.
 */
export function setAside(path: string, file: string, error: unknown): Failure | undefined {
  const { cause } = toFailure(error, path, false);
  const damage = `${path} is damaged (${cause instanceof Error ? cause.message : String(cause)})`;
  try {
    const target = underLock(lockOf(path), () => (fileAt(path) === file ? renameAll(realPath(path)) : undefined));
    const message = `${damage}; it was set aside as ${target}, and a new file is begun: save what can be read with the .recover command of sqlite3`;
    return target === undefined ? undefined : { code: 'BACKEND_UNAVAILABLE', message, cause };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw failure('BACKEND_UNAVAILABLE', `${damage}, and cannot be set aside (${reason})`, cause);
  }
}

/** Whether a process is at it: between the first and the last name that it changes, others meet errors of any kind. */
export function isBeingSetAside(path: string): boolean {
  const since = lockedSince(lockOf(path));
  return since !== undefined && !isStale(since);
}

/** Undefined when nobody holds it. */
function lockedSince(lock: string): number | undefined {
  return statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
}

function isStale(since: number): boolean {
  return Date.now() - since > staleLockMs;
}

function lockOf(path: string): string {
  return `${path}.set-aside`;
}

function renameAll(path: string): string {
  const target = unusedName(`${path}.corrupt-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`);
  // The database last: a new one that is begun while an old log lies there could take it for its own.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(`${path}${suffix}`)) {
      renameSync(`${path}${suffix}`, `${target}${suffix}`);
    }
  }
  return target;
}

function underLock<T>(lock: string, body: () => T): T | undefined {
  if (!takeLock(lock)) {
    return undefined;
  }
  try {
    return body();
  } finally {
    // It may have been taken for stale meanwhile.
    rmSync(lock, { recursive: true, force: true });
  }
}

function takeLock(path: string): boolean {
  try {
    mkdirSync(path, 0o700);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    const since = lockedSince(path);
    if (since !== undefined && isStale(since)) {
      rmSync(path, { recursive: true, force: true });
    }
    return false;
  }
}

function unusedName(name: string): string {
  let unused = name;
  for (let number = 2; existsSync(unused) || existsSync(`${unused}-wal`); number += 1) {
    unused = `${name}-${number}`;
  }
  return unused;
}
