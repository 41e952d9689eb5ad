import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type Connection, type DatabaseConfig, openExisting, openForWriting, transaction } from './database.ts';
import { failure, toFailure } from './failure.ts';
import { fold } from './fold.ts';
import type { Message, Reply, Request } from './protocol.ts';
import { prune } from './prune.ts';
import type { Slice } from './slice.ts';
import { createWriter, type Writer } from './writer.ts';

// A thread that holds one connection and does what it is asked to, one request after the other.

export interface WorkerConfig extends DatabaseConfig {
  /** A `reader` only opens what a `writer` has made, and only answers `read`. */
  readonly role: 'writer' | 'reader';
}

interface Store {
  readonly db: Connection;
  /** Made when first needed. */
  writer?: Writer;
  /** Which file it is, whatever its path leads to by now. */
  readonly file: string;
}

const config = workerData as WorkerConfig;
const port = parentPort as NonNullable<typeof parentPort>;
let store: Store | undefined;
/** What has come of the write that is being handed over. */
let write: { readonly call: number; readonly slices: Slice[] } | undefined;
let closed = false;
let queue: Promise<void> = Promise.resolve();
port.on('message', enqueue);

function enqueue(message: Message): void {
  queue = queue.then(async () => {
    const { call, request } = message;
    let reply: Reply;
    if (closed) {
      return;
    }
    try {
      const value = await handle(call, request);
      if (value === unfinished) {
        return;
      }
      reply = { call, value };
    } catch (error) {
      reply = { call, failure: toFailure(error, config.path, request.op === 'open') };
    }
    port.postMessage(reply);
  });
}

/** Returned by a request that others of the same call follow. */
const unfinished = Symbol('unfinished');

async function handle(call: number, request: Request): Promise<unknown> {
  switch (request.op) {
    case 'open':
      await open();
      return undefined;
    case 'write': {
      if (write?.call !== call) {
        write = { call, slices: [] };
      }
      write.slices.push(request.slice);
      if (!request.last) {
        return unfinished;
      }
      const { slices } = write;
      write = undefined;
      const opened = await open();
      opened.writer ??= createWriter(opened.db, config);
      opened.writer.write(slices);
      return undefined;
    }
    case 'prune':
      if (prune((await open()).db, request.before, config)) {
        // Not at once: what has been asked meanwhile goes first.
        setImmediate(enqueue, { call, request });
        return unfinished;
      }
      return undefined;
    case 'check':
      return check();
    case 'fold':
      fold((await open()).db, config);
      return undefined;
    case 'read': {
      const { answer } = await import('./answers/answers.ts');
      return answer((await open()).db, request.name, request.question);
    }
    case 'close':
      closed = true;
      close();
      port.close();
      return unfinished;
  }
}

/** The connection; a new one if the file was deleted or replaced since, so that nothing is written into the void. */
async function open(): Promise<Store> {
  if (store !== undefined && store.file !== fileAt(config.path)) {
    close();
  }
  if (store === undefined) {
    const connect = await loadDriver();
    const db = config.role === 'writer' ? await openForWriting(connect, config) : openExisting(connect, config, true);
    store = { db, file: fileAt(config.path) };
  }
  return store;
}

function close(): void {
  store?.db.close();
  store = undefined;
}

async function loadDriver(): Promise<typeof import('better-sqlite3')> {
  try {
    return (await import('better-sqlite3')).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw failure(
      'UNSUPPORTED',
      `better-sqlite3 could not be loaded on ${process.platform}-${process.arch}: ${reason}`,
      error,
    );
  }
}

function fileAt(path: string): string {
  if (path === ':memory:') {
    return path;
  }
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
}

/** Writes something that takes room, durably, and leaves nothing behind. */
async function check(): Promise<void> {
  if (store !== undefined && store.file !== fileAt(config.path)) {
    close();
    throw failure(
      'BACKEND_UNAVAILABLE',
      `${config.path} was deleted or replaced; what it held is lost; a new file is started`,
    );
  }
  const { db } = await open();
  transaction(db, config, () => {
    db.exec('INSERT INTO probe (data) VALUES (zeroblob(8192)); DELETE FROM probe;');
  });
}
