import { constants, getPriority, platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { transaction } from './database.ts';
import { type Failure, failure, isDamage, toFailure } from './failure.ts';
import { foldSome } from './fold.ts';
import { createHeld, type HeldConfig, type OpenDatabase, replacedFailure } from './held.ts';
import type { Message, Reply, Request } from './protocol.ts';
import type { Slice } from './slice.ts';
import { checkLog } from './store/log.ts';
import { createUpkeep } from './store/upkeep.ts';
import { createWriter } from './writer.ts';

// A thread that holds one connection and handles requests, one after the other.

export interface WorkerConfig extends HeldConfig {
  /** Limit of the pages in use; undefined: no limit. */
  readonly maxBytes?: number | undefined;
}

yieldToHost();
const config = workerData as WorkerConfig;
const port = parentPort as NonNullable<typeof parentPort>;
const held = createHeld(config, notify);
const upkeep = createUpkeep(config, held, { notify, enqueue });
/** The slices received so far of unfinished writes, by call. */
const writes = new Map<number, Slice[]>();
let queue: Promise<void> = Promise.resolve();
port.on('message', enqueue);

/** Lowers the priority of this thread: otherwise it would, on waking up, take the core of the thread that woke it for some ms. */
function yieldToHost(): void {
  // On other systems this would change the priority of the whole process.
  if (platform() === 'linux') {
    try {
      setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));
    } catch {
      // Not permitted here, and not essential.
    }
  }
}

function enqueue(message: Message): void {
  queue = queue.then(async () => {
    const { call, request } = message;
    let reply: Reply;
    try {
      const value = await handle(call, request);
      if (value === unfinished) {
        return;
      }
      reply = { call, value };
    } catch (error) {
      reply = { call, failure: failureOf(error, request.op === 'open') };
    }
    if (call !== 0) {
      port.postMessage(reply);
    }
  });
}

function failureOf(error: unknown, starting: boolean): Failure {
  try {
    return held.recover(error) ?? toFailure(error, config.path, starting);
  } catch (another) {
    return toFailure(another, config.path, starting);
  }
}

function notify(notice: Failure): void {
  port.postMessage({ notice } satisfies Reply);
}

/** Returned for a request that more requests of the same call follow. */
const unfinished = Symbol('unfinished');

/** Queues the request again, behind those that arrived meanwhile. */
function goOnLater(call: number, request: Request): typeof unfinished {
  setImmediate(enqueue, { call, request });
  return unfinished;
}

async function handle(call: number, request: Request): Promise<unknown> {
  switch (request.op) {
    case 'open':
      await held.open();
      return undefined;
    case 'write': {
      const slices = writes.get(call) ?? [];
      slices.push(request.slice);
      if (!request.last) {
        writes.set(call, slices);
        return unfinished;
      }
      writes.delete(call);
      const store = await held.open();
      store.writer ??= createWriter(store.db, config);
      store.writer.write(slices);
      upkeep.written();
      return undefined;
    }
    case 'abandon':
      writes.delete(call);
      return undefined;
    case 'check':
      return check();
    case 'fold': {
      const isLeft = await foldSomeNow();
      return isLeft ? goOnLater(call, request) : undefined;
    }
    case 'read': {
      const store = await openForQuestion(request.evenUnfolded);
      if (store === undefined) {
        return undefined;
      }
      // Cached, as importing again would take a tenth of the time of a quick answer.
      store.answer ??= (await import('./answers/answers.ts')).createAnswer(store.db);
      return store.answer(request.name, request.question, request.evenUnfolded);
    }
    case 'keep': {
      const { keep } = await import('./changes/changes.ts');
      return keep((await held.open()).db, config, request.name, request.change);
    }
    case 'examine':
      await held.open({ thorough: true });
      return undefined;
    case 'rest':
      upkeep.rest();
      return undefined;
    case 'prune': {
      const report = await upkeep.prune(call, request);
      return report ?? goOnLater(call, request);
    }
    case 'close':
      return close();
    default: {
      const { maintain } = await import('./store/maintain.ts');
      return maintain((await held.open()).db, config, request);
    }
  }
}

/** Ends the thread. Closing its port would do, but in Deno it cannot be closed. */
function close(): never {
  try {
    upkeep.end();
  } finally {
    held.close();
    process.exit();
  }
}

/** Undefined if it cannot be opened, e.g. when there is no file: the writer, asked next, creates it. Throws if `isLast`. */
async function openForQuestion(isLast: boolean): Promise<OpenDatabase | undefined> {
  try {
    return await held.open();
  } catch (error) {
    if (isLast || isDamage(error)) {
      throw error;
    }
    return undefined;
  }
}

/** Does not wait for a lock: questions can be answered without folding, at some cost (see `answers/pending.ts`). */
async function foldSomeNow(): Promise<boolean> {
  const { db } = await held.open();
  try {
    return foldSome(db, { ...config, busyTimeoutMs: 0 });
  } catch (error) {
    if (isDamage(error)) {
      throw error;
    }
    return false;
  }
}

/** Writes some data durably, which takes disk space, and removes it again. */
async function check(): Promise<void> {
  const replaced = held.isReplaced();
  const { db, realPath } = await held.open();
  if (replaced) {
    const { code, message } = replacedFailure(config.path);
    throw failure(code, message);
  }
  transaction(db, config, () => {
    db.exec('INSERT INTO probe (data) VALUES (zeroblob(8192)); DELETE FROM probe;');
  });
  checkLog(db, realPath);
}
