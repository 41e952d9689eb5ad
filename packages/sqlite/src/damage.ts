import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Connection } from './database.ts';
import { keepOwner } from './database-file.ts';
import { type Failure, failure, messageOf, toFailure } from './failure.ts';
import { fileAt, realPath } from './file.ts';
import { applicationId, schemaVersion } from './identity.ts';

// A damaged database of ours is set aside, never repaired or deleted, and replaced by a new one.

/** Files up to this size are checked completely on opening: about 2 ms for each MB that the system holds in memory. */
const maxCheckedBytes = 32 * 1024 * 1024;
/** How much of a file is searched for our schema, with which a database starts. */
const searchedBytes = 1024 * 1024;
/** Setting aside takes a few ms; a process that takes longer was killed. */
const staleLockMs = 10_000;

/** @throws like SQLite when it meets damage: in files up to a size all that SQLite can find, in larger ones what is at the edges. */
export function checkSoundness(db: Connection, thorough = false): void {
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

export function corruption(message: string): Error {
  return Object.assign(new Error(message), { code: 'SQLITE_CORRUPT' });
}

/**
 * Whether a file that SQLite cannot read was once our database. Only certain proof counts, as files of others must not be
 * renamed: our mark in the header or, if the header is lost, a row of our schema as only a database stores it.
 */
export function isOurs(path: string): boolean {
  const bytes = readStart(path);
  if (bytes.toString('latin1', 0, 16) === 'SQLite format 3\0' && bytes.length >= 100) {
    const [version, owner] = [bytes.readInt32BE(60), bytes.readUInt32BE(68)];
    if (owner !== 0 || version !== 0) {
      return owner === applicationId && version <= schemaVersion;
    }
  }
  // In a row of `sqlite_schema`, type, name and table name are adjacent without separators, unlike in any text.
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
 * Renames the damaged database `file` and its other files. Undefined when another process was faster or is doing it. Connections
 * may still be open: closing them does not touch the names again.
 * @returns the notice to report.
 * @throws what `failure` makes when it cannot be renamed.
 */
export function setAside(path: string, file: string, error: unknown): Failure | undefined {
  const { cause } = toFailure(error, path, false);
  const damage = `${path} is damaged (${messageOf(cause)})`;
  try {
    const target = underLock(lockOf(path), () => (fileAt(path) === file ? renameAll(realPath(path)) : undefined));
    const message = `${damage}; it was set aside as ${target}, and a new file is begun: save what can be read with the .recover command of sqlite3`;
    return target === undefined ? undefined : { code: 'BACKEND_UNAVAILABLE', message, cause };
  } catch (thrown) {
    throw failure('BACKEND_UNAVAILABLE', `${damage}, and cannot be set aside (${messageOf(thrown)})`, cause);
  }
}

/** Whether a process is setting it aside: until all files are renamed, others get errors of any kind. */
export function isBeingSetAside(path: string): boolean {
  const since = lockedSince(lockOf(path));
  return since !== undefined && !isStale(since);
}

/** When the lock was taken, in ms; undefined if nobody holds it. */
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
  // The database last: a new database could take an old log at the same path for its own.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(`${path}${suffix}`)) {
      renameSync(`${path}${suffix}`, `${target}${suffix}`);
    }
  }
  keepOwner(path, target);
  return target;
}

function underLock<T>(lock: string, body: () => T): T | undefined {
  if (!takeLock(lock)) {
    return undefined;
  }
  try {
    return body();
  } finally {
    // Another process may have removed it as stale.
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
