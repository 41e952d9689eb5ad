import { existsSync } from 'node:fs';
import type Driver from 'better-sqlite3';
import { checkSoundness, corruption, isBeingSetAside, isOurs, setAside } from './damage.ts';
import { ensureFile } from './database-file.ts';
import { isChanged, restore } from './definitions.ts';
import { type Failure, failure, isBusy, isDamage } from './failure.ts';
import { fileAt } from './file.ts';
import { applicationId, schemaVersion } from './identity.ts';
import { pause } from './pause.ts';

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
  /** Called when a damaged file of ours was set aside, or its definitions restored. */
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
      ensureFile(path);
    }
    const file = fileAt(path);
    try {
      return await openSound(connect, config, thorough, onNotice);
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

async function openSound(
  connect: Connect,
  config: DatabaseConfig,
  thorough: boolean,
  onNotice: Opening['onNotice'],
): Promise<Connection> {
  const db = connectTo(connect, config);
  try {
    const version = retryBusy(config, () => readVersion(db, config.path));
    retryBusy(config, () => db.pragma('journal_mode = wal'));
    if (version > 0) {
      retryBusy(config, () => checkSoundness(db, thorough));
    }
    const isOther = version > 0 && retryBusy(config, () => isChanged(db));
    if (version < schemaVersion || isOther) {
      const [{ migrate }, { migrations }] = await Promise.all([import('./migrate.ts'), import('./schema.ts')]);
      if (isOther) {
        const makeSchema = (empty: Connection): void => migrate(empty, config, migrations.slice(0, version));
        const names = transaction(db, config, () => restore(db, connect, makeSchema));
        if (names.length > 0) {
          onNotice?.({ code: 'BACKEND_UNAVAILABLE', message: restored(config.path, names), cause: undefined });
        }
      }
      migrate(db, config, migrations);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function restored(path: string, names: readonly string[]): string {
  return `${path} had other definitions of ${names.join(', ')}, by another program or by damage; ours are restored`;
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
