import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { AnalyticsError, type AnalyticsEvent, type AnalyticsReader, type Backend } from '@toolweaver/analytics-core';
import { checkOptions, createNotices, type OptionNames } from '@toolweaver/analytics-core/backend';
import { type Connect, type DatabaseConfig, openExisting } from './database.ts';
import { checkRuntime } from './driver.ts';
import { createEncoder } from './encode.ts';
import { toFailure } from './failure.ts';
import { checkPath, databasePath } from './path.ts';
import { createReader } from './reader/reader.ts';
import { checkLimits, keepPruning, type Limits } from './store/retention.ts';
import { createStore, type SqliteStore } from './store/store.ts';
import { createThread, type Thread } from './thread.ts';
import { createWriter } from './writer.ts';

/** Where the database is, how it is written, and how much it keeps. */
export interface SqliteOptions {
  /**
   * The path of the database file; a leading `~` is the home directory. Created if missing, with its directories, for the owner
   * only. `:memory:` keeps everything in memory only. Default, also for '': `~/.toolweaver/analytics.db`.
   */
  readonly path?: string | undefined;
  /** Default: `sqlite`. */
  readonly name?: string | undefined;
  /**
   * How long to wait for a lock held by another process, in ms; at most 2³¹ - 1. Never blocks the host's event loop, except when
   * the process exits or gets one of the client's `flushOnSignals`. Default: 5000.
   */
  readonly busyTimeoutMs?: number | undefined;
  /** `full`: written events survive a power loss; `normal`: the last transactions may be lost then. Default: `full`. */
  readonly synchronous?: 'full' | 'normal' | undefined;
  /** Deletes older events on opening and every hour; their daily roll-ups stay. Default, also for 0: keep everything. */
  readonly retentionDays?: number | undefined;
  /**
   * Deletes the oldest events while the pages in use take more than this, in bytes; at least 1 MiB. Names and daily roll-ups
   * stay, and count for half of the limit at most. Default, also for 0: no limit.
   */
  readonly maxBytes?: number | undefined;
  /**
   * Called with problems that no method call can report: the file was damaged and set aside, deleted or replaced; its log keeps
   * growing; old events are kept as the clock is in doubt. What it throws is ignored. Default: the client's `onError`.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
}

/** The SQLite backend, with its reader and the maintenance of its database. */
export interface SqliteBackend extends Backend {
  readonly reader: AnalyticsReader;
  readonly store: SqliteStore;
  close(): Promise<void>;
}

/** Encoding this many takes a small part of a millisecond; after each slice the host's event loop gets its turn. */
const sliceEvents = 512;
const delivery: Backend['delivery'] = { maxEvents: 16_384, maxDelayMs: 50 };

/**
 * Opens or creates a database and serves it from a thread of its own.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options or a path that cannot be used; `UNSUPPORTED` where better-sqlite3
 *   cannot be loaded (no build for the platform; Node before 22.18), and in a bundle; `BACKEND_UNAVAILABLE` when the
 *   database stays locked; `STORAGE_FULL`.
 */
export async function sqlite(options?: SqliteOptions): Promise<SqliteBackend> {
  const { name, limits, database, onNotice } = resolveOptions(options);
  checkRuntime(name);
  const inMemory = database.path === ':memory:';
  const notices = createNotices(onNotice);
  const writer = createThread({ ...database, role: 'writer', maxBytes: limits.maxBytes }, name, {
    onNotice: notices.report,
  });
  const startReader = (): Thread =>
    createThread({ ...database, role: 'reader' }, name, {
      // Only the writer may set the database aside.
      onDamage: () => void writer.call({ op: 'examine' }).catch(() => {}),
    });
  // Reads have a connection of their own, so that a long report does not delay deliveries.
  const reader = inMemory ? writer : startReader();
  const store = createStore(writer, limits, inMemory ? () => ({ ...writer, stop: async () => {} }) : startReader);

  try {
    await writer.call({ op: 'open' }, { hold: true });
  } catch (error) {
    await writer.stop();
    throw error;
  }
  const stopPruning = keepPruning(writer, limits);

  return {
    name,
    delivery,
    settings: {
      path: database.path,
      synchronous: database.synchronous,
      busyTimeoutMs: database.busyTimeoutMs,
      retentionDays: limits.retentionDays ?? null,
      maxBytes: limits.maxBytes ?? null,
    },
    reader: createReader(reader, writer),
    store,
    write: (events) => write(writer, events),
    check: (signal) => check(writer, name, signal),
    attach: notices.attach,
    ...(!inMemory && { writeSync: (events: readonly AnalyticsEvent[]) => writeSync(database, name, events) }),
    async close() {
      stopPruning();
      await Promise.all([reader.stop(), store.close()]);
      await writer.stop();
    },
  };
}

async function write(writer: Thread, events: readonly AnalyticsEvent[]): Promise<void> {
  // The caller may change its array as soon as this function yields.
  const batch = events.length > sliceEvents ? events.slice() : events;
  const encoder = createEncoder();
  const { send, answer } = writer.begin();
  try {
    for (let start = 0, sent = true; sent; start += sliceEvents) {
      if (start > 0) {
        await setImmediate();
      }
      const last = start + sliceEvents >= batch.length;
      const end = last ? batch.length : start + sliceEvents;
      sent = send({ op: 'write', slice: encoder.slice(batch, start, end), last }) && !last;
    }
  } catch (error) {
    send({ op: 'abandon' });
    throw error;
  }
  await answer;
}

function check(writer: Thread, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const message = `${name}: the database did not answer in time; it may be locked by another process`;
      reject(new AnalyticsError('TIMEOUT', message, { backend: name, cause: signal.reason }));
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    writer
      .call({ op: 'check' }, { hold: true })
      .then(() => resolve(), reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Writes while the process exits: threads no longer answer, but the writer thread may still be in a transaction. */
function writeSync(database: DatabaseConfig, name: string, events: readonly AnalyticsEvent[]): void {
  try {
    const connect = createRequire(import.meta.url)('better-sqlite3') as Connect;
    const db = openExisting(connect, database, false);
    try {
      createWriter(db, database).write([createEncoder().slice(events, 0, events.length)]);
    } finally {
      db.close();
    }
  } catch (error) {
    const { code, message, cause } = toFailure(error, database.path, false);
    throw new AnalyticsError(code, `${name}: ${message}`, { backend: name, cause });
  }
}

interface ResolvedOptions {
  readonly name: string;
  readonly limits: Limits;
  readonly database: DatabaseConfig;
  readonly onNotice: SqliteOptions['onNotice'];
}

const names: OptionNames<SqliteOptions> = {
  path: true,
  name: true,
  busyTimeoutMs: true,
  synchronous: true,
  retentionDays: true,
  maxBytes: true,
  onNotice: true,
};

function resolveOptions(options: SqliteOptions | undefined): ResolvedOptions {
  return checkOptions(options, names, (check, given) => {
    const path = checkPath(check, given.path);
    return {
      name: check.text('name', given.name) ?? 'sqlite',
      limits: checkLimits(check, given),
      onNotice: check.callback('onNotice', given.onNotice),
      database: {
        path: databasePath(path),
        busyTimeoutMs:
          check.number('busyTimeoutMs', given.busyTimeoutMs, { min: 0, max: 2 ** 31 - 1, whole: true }) ?? 5_000,
        synchronous: check.choice('synchronous', given.synchronous, ['full', 'normal']) ?? 'full',
      },
    };
  });
}
