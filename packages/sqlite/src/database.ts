import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type Driver from 'better-sqlite3';
import { checkSoundness, corruption, isBeingSetAside, isOurs, setAside } from './damage.ts';
import { type Failure, failure, isBusy, isDamage, messageOf, systemCode } from './failure.ts';
import { fileAt } from './file.ts';
import { applicationId, schemaVersion } from './identity.ts';

export type Connection = Driver.Database;
/** The class that better-sqlite3 exports; passed in, so that only those who need it load it. */
export type Connect = typeof Driver;

export interface DatabaseConfig {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly busyTimeoutMs: number;
  /** Shared with the thread that stops this one: a value other than 0 ends all waiting for locks. */
  readonly stopping?: Int32Array;
  readonly synchronous: 'full' | 'normal';
}

/** A thread in which SQLite waits for a lock can do nothing else, not even end, so writers wait in short steps. */
const busyStepMs = 200;
/** Pages between checkpoints. With SQLite's default of 1000, checkpoints rewrite the pages of indexes too often under load. */
const checkpointPages = 4000;
/** The write-ahead log is truncated to this size after a long transaction or reader made it grow. */
const walLimitBytes = 64 * 1024 * 1024;
/** One of several processes that find a database damaged sets it aside; the others retry this often. */
const attemptsAtDamage = 20;

export interface Opening {
  /** Checks everything, however long it takes. */
  readonly thorough?: boolean;
  /** Called when a damaged file of ours was set aside. */
  readonly onNotice?: (notice: Failure) => void;
}

/**
 * Opens a database for writing; creates the file, for the owner only, if there is none or a damaged one of ours was set aside.
 * @throws what `failure` makes when the file is not ours or not usable; errors of SQLite.
 */
export async function openForWriting(
  connect: Connect,
  config: DatabaseConfig,
  { thorough = false, onNotice }: Opening = {},
): Promise<Connection> {
  const { path } = config;
  for (let left = attemptsAtDamage; ; left -= 1) {
    if (path !== ':memory:') {
      createFile(path);
    }
    const file = fileAt(path);
    try {
      return await openSound(connect, config, thorough);
    } catch (error) {
      const isOurDamage = isDamage(error) && isOurs(path);
      // Whether another process sets it aside. Checked last, as that may have happened while we examined the file.
      const isAnother = isBeingSetAside(path) || fileAt(path) !== file;
      if (path === ':memory:' || left === 0 || !(isAnother || isOurDamage)) {
        throw error;
      }
      const notice = isAnother ? undefined : setAside(path, file, error);
      if (notice === undefined) {
        pause(50);
      } else {
        onNotice?.(notice);
      }
    }
  }
}

async function openSound(connect: Connect, config: DatabaseConfig, thorough: boolean): Promise<Connection> {
  const db = connectTo(connect, config);
  try {
    const version = retryBusy(config, () => readVersion(db, config.path));
    retryBusy(config, () => db.pragma('journal_mode = wal'));
    if (version > 0) {
      retryBusy(config, () => checkSoundness(db, thorough));
    }
    if (version < schemaVersion) {
      const [{ migrate }, { migrations }] = await Promise.all([import('./migrate.ts'), import('./schema.ts')]);
      migrate(db, config, migrations);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a database that a backend has created and keeps open. */
export function openExisting(connect: Connect, config: DatabaseConfig, readonly: boolean): Connection {
  if (!existsSync(config.path)) {
    throw failure('BACKEND_UNAVAILABLE', `${config.path} was deleted`);
  }
  const db = connectTo(connect, config, { fileMustExist: true, readonly });
  try {
    const version = retryBusy(config, () => readVersion(db, config.path));
    if (version === 0) {
      throw failure('INVALID_CONFIG', `${config.path} is empty`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function connectTo(connect: Connect, config: DatabaseConfig, options: Driver.Options = {}): Connection {
  const timeout = options.readonly ? config.busyTimeoutMs : Math.min(config.busyTimeoutMs, busyStepMs);
  const db = new connect(config.path, { ...options, timeout });
  try {
    db.pragma(`synchronous = ${config.synchronous}`);
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    db.pragma(`journal_size_limit = ${walLimitBytes}`);
    return db;
  } catch (error) {
    // These pragmas read the file first, so they may be the first to find damage.
    db.close();
    throw error;
  }
}

type Patience = Pick<DatabaseConfig, 'busyTimeoutMs' | 'stopping'>;

/** Calls `attempt` again while the database is locked, up to the timeout. */
export function retryBusy<T>({ busyTimeoutMs, stopping }: Patience, attempt: () => T): T {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      const isStopping = stopping !== undefined && Atomics.load(stopping, 0) !== 0;
      if (!isBusy(error) || isStopping || performance.now() >= deadline) {
        throw error;
      }
    }
    // SQLite has waited before most of these errors, but not before all.
    pause(5);
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Runs `body` in a transaction that takes the write lock at the start: acquiring it later would fail at once. */
export function transaction<T>(db: Connection, patience: Patience, body: () => T): T {
  retryBusy(patience, () => db.exec('BEGIN IMMEDIATE'));
  try {
    const result = body();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors roll back on their own.
    if (db.inTransaction) {
      db.exec('ROLLBACK');
    }
    throw error;
  }
}

/** Says whose a database is that is not ours, and what to do. */
function otherOwner(db: Connection): string {
  const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'skill_usage'").get();
  return found === undefined
    ? 'another program: choose another path'
    : "ToolWeaver's Python analytics, whose default path is the same: move it away, or set ANALYTICS_DB_PATH. " +
        'To import it, export its table skill_usage as CSV: see "The old database" in docs/migrate-from-python.md';
}

/** The number of migrations applied to the database; 0 for an empty one. */
function readVersion(db: Connection, path: string): number {
  const read = db.transaction(() => ({
    owner: db.pragma('application_id', { simple: true }) as number,
    version: db.pragma('user_version', { simple: true }) as number,
    objects: db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number,
  }));
  const { owner, version, objects } = read();
  if (owner === 0 && version === 0 && objects === 0) {
    return 0;
  }
  if (owner !== applicationId) {
    throw failure('INVALID_CONFIG', `${path} is the database of ${otherOwner(db)}`);
  }
  if (version > schemaVersion) {
    const versions = `its schema has version ${version}, this package knows ${schemaVersion}`;
    const message = `${path} was written by a newer version of @toolweaver/analytics-sqlite (${versions}): update it, or choose another path`;
    throw failure('INVALID_CONFIG', message);
  }
  if (version < 1) {
    // The mark and the first version are written in one transaction, so this is damage.
    throw corruption(`its schema has version ${version}`);
  }
  return version;
}

/** Together with the longest suffix that SQLite appends, these are the 512 bytes that its system layer takes. */
const maxPathBytes = 504;

/** Ensures that there is a readable and writable file at the path. */
function createFile(path: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) {
      // A device or a pipe would accept data and keep none.
      throw new Error(found.isDirectory() ? 'it is a directory' : 'it is no file');
    }
    if (Buffer.byteLength(path) > maxPathBytes && process.platform !== 'win32') {
      throw new Error(`it is longer than the ${maxPathBytes} bytes that SQLite takes`);
    }
    if (found === undefined) {
      createDirectory(dirname(path));
      createPrivately(path);
    }
    // SQLite would open a file without write permission for reading.
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (found !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') {
      // Another process has just set it aside.
      createFile(path);
      return;
    }
    const advice = /^(EACCES|EPERM|EROFS)$/.test(systemCode(error))
      ? 'check who may write the file and its folder, or choose another path'
      : 'choose the path of a file';
    throw failure('INVALID_CONFIG', `${path} cannot be written (${messageOf(error)}): ${advice}`, error);
  }
}

function createDirectory(path: string): void {
  if (existsSync(path)) {
    return;
  }
  const parent = dirname(path);
  // A drive, which Windows may lack, is its own parent.
  if (parent !== path) {
    createDirectory(parent);
  }
  try {
    mkdirSync(path, 0o700);
    // The umask may have taken rights away from the owner.
    chmodSync(path, 0o700);
  } catch (error) {
    // Another process may have created it.
    if (!existsSync(path)) {
      throw error;
    }
  }
}

/**
 * Creates an empty file for the owner only: SQLite would apply the umask, and gives `-wal` and `-shm` the mode of the file. The
 * file is linked into place because opening and closing an existing database other than through SQLite releases the locks that
 * this process holds on it.
 */
function createPrivately(path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    chmodSync(draft, 0o600);
    linkSync(draft, path);
  } catch {
    if (!existsSync(path)) {
      // A file system without links.
      closeSync(openSync(path, 'a', 0o600));
    }
  } finally {
    unlinkSync(draft);
  }
}
