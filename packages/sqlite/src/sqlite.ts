import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { AnalyticsError, type AnalyticsEvent, type Backend } from '@toolweaver/analytics-core';
import { checkOptions } from './check.ts';
import { type Connect, type DatabaseConfig, openExisting } from './database.ts';
import { createEncoder } from './encode.ts';
import { toFailure } from './failure.ts';
import { expandPath } from './path.ts';
import { createReader } from './reader/reader.ts';
import { createThread, type Thread } from './thread.ts';
import { createWriter } from './writer.ts';

export interface SqliteOptions {
  /**
   * The database's file; a leading `~` is the home directory. Created where missing, for the owner alone, together with its
   * directories. `:memory:` keeps nothing. Default, also for '': `~/.toolweaver/analytics.db`.
   */
  readonly path?: string | undefined;
  /** Default: `sqlite`. */
  readonly name?: string | undefined;
  /** How long to wait for the lock of another process, in ms. The host never waits, except at its very end. Default: 5000. */
  readonly busyTimeoutMs?: number | undefined;
  /** `full`: what was written survives a power loss; `normal`: it may lose the last transactions then. Default: `full`. */
  readonly synchronous?: 'full' | 'normal' | undefined;
  /** Deletes events that are older, when opened and every hour. Default, also for 0: keep all. */
  readonly retentionDays?: number | undefined;
}

/** Encoding this many takes a small part of a millisecond; the host's event loop gets its turn in between. */
const sliceEvents = 512;
const delivery: Backend['delivery'] = { maxEvents: 16_384, maxDelayMs: 50 };
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** better-sqlite3 is built for Node-API 10 and crashes the process where there is less. */
const minNodeApi = 10;

/**
 * Opens or creates a database, in a thread of its own.
 * @throws AnalyticsError `INVALID_CONFIG` for wrong options or a path that cannot be used; `UNSUPPORTED` on Node before 22.14
 *   and on platforms without better-sqlite3; `BACKEND_UNAVAILABLE` when the database stays locked; `STORAGE_FULL`.
 */
export async function sqlite(options: SqliteOptions = {}): Promise<Backend> {
  const { name, retentionDays, database } = resolveOptions(options);
  if (Number(process.versions['napi']) < minNodeApi) {
    const message = `${name}: better-sqlite3 needs Node 22.14 or later, this is ${process.versions.node}`;
    throw new AnalyticsError('UNSUPPORTED', message, { backend: name });
  }
  const inMemory = database.path === ':memory:';
  const writer = createThread({ ...database, role: 'writer' }, name);
  // A connection of its own, so that a long report holds up no delivery.
  const reader = inMemory ? writer : createThread({ ...database, role: 'reader' }, name);

  try {
    await writer.call({ op: 'open' }, { hold: true });
  } catch (error) {
    await writer.stop();
    throw error;
  }
  const retention = retentionDays === undefined ? undefined : keepPruning(writer, retentionDays * dayMs);

  return {
    name,
    delivery,
    settings: {
      path: database.path,
      synchronous: database.synchronous,
      busyTimeoutMs: database.busyTimeoutMs,
      retentionDays: retentionDays ?? null,
    },
    reader: createReader(reader, writer),
    write: (events) => write(writer, events),
    check: (signal) => check(writer, name, signal),
    ...(!inMemory && { writeSync: (events: readonly AnalyticsEvent[]) => writeSync(database, name, events) }),
    async close() {
      clearInterval(retention);
      await reader.stop();
      await writer.stop();
    },
  };
}

async function write(writer: Thread, events: readonly AnalyticsEvent[]): Promise<void> {
  // The caller's array is its own again as soon as we let it go on.
  const batch = events.length > sliceEvents ? events.slice() : events;
  const encoder = createEncoder();
  const { send, answer, abandon } = writer.begin();
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
    abandon();
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

/** For a process that is exiting: no thread answers any more, but the one that writes may still be at it. */
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

/** Deletes what is too old, now and every hour; a failure is made good an hour later. */
function keepPruning(writer: Thread, keepMs: number): NodeJS.Timeout {
  const startedAt = Date.now();
  const started = performance.now();
  function prune(): void {
    // A clock that was set forward must not make young events look old.
    const now = Math.min(Date.now(), startedAt + performance.now() - started);
    writer.call({ op: 'prune', before: now - keepMs }).catch(() => {});
  }
  prune();
  return setInterval(prune, hourMs).unref();
}

interface ResolvedOptions {
  readonly name: string;
  readonly retentionDays: number | undefined;
  readonly database: DatabaseConfig;
}

function resolveOptions(options: SqliteOptions): ResolvedOptions {
  return checkOptions((check) => {
    const path = check.text('path', options.path === '' ? undefined : options.path) ?? '';
    if (/^file:|\0/i.test(path)) {
      check.wrong('path', `must be the path of a file, not a URI, got ${JSON.stringify(path)}`);
    }
    const name = check.text('name', options.name) ?? 'sqlite';
    if (name.trim() === '') {
      check.wrong('name', 'must not be blank');
    }
    const retentionDays = check.number('retentionDays', options.retentionDays, { min: 0 });
    return {
      name,
      retentionDays: retentionDays === 0 ? undefined : retentionDays,
      database: {
        path: expandPath(path),
        busyTimeoutMs: check.number('busyTimeoutMs', options.busyTimeoutMs, { min: 0, whole: true }) ?? 5_000,
        synchronous: check.choice('synchronous', options.synchronous, ['full', 'normal']) ?? 'full',
      },
    };
  });
}
