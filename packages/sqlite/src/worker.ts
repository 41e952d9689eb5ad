import { constants, getPriority, platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { transaction } from './database.ts';
import { type Failure, failure, isDamage, toFailure } from './failure.ts';
import { foldSome } from './fold.ts';
import { createHeld, type HeldConfig, replacedFailure, type Store } from './held.ts';
import type { Message, Reply, Request } from './protocol.ts';
import type { Slice } from './slice.ts';
import { checkLog } from './store/log.ts';
import { createUpkeep } from './store/upkeep.ts';
import { createWriter } from './writer.ts';

// A thread that holds one connection and does what it is asked to, one request after the other.

export interface WorkerConfig extends HeldConfig {
  /** Of the pages in use; undefined: no limit. */
  readonly maxBytes?: number | undefined;
}

yieldToHost();
const config = workerData as WorkerConfig;
const port = parentPort as NonNullable<typeof parentPort>;
const held = createHeld(config, notify);
const upkeep = createUpkeep(config, held, { notify, enqueue });
/** What has come of the writes that are being handed over, by their calls. */
const writes = new Map<number, Slice[]>();
let queue: Promise<void> = Promise.resolve();
port.on('message', enqueue);

/** When this thread wakes up it would else take the core of the one that woke it, for some ms. */
function yieldToHost(): void {
  // Elsewhere it would be the priority of the whole process.
  if (platform() === 'linux') {
    try {
      setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));
    } catch {
      // Forbidden here: it works all the same.
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

/** Returned by a request that others of the same call follow. */
const unfinished = Symbol('unfinished');

/** Not at once: what has been asked meanwhile goes first. */
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
      // Importing it again would take a tenth of a quick answer.
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

/** Ends the thread. To close its port would do as well, but Deno's cannot be closed. */
function close(): never {
  try {
    upkeep.end();
  } finally {
    held.close();
    process.exit();
  }
}

/** Undefined where there is no file, or an empty one: the thread that writes makes it anew, and is asked next, unless it has been. */
async function openForQuestion(isLast: boolean): Promise<Store | undefined> {
  try {
    return await held.open();
  } catch (error) {
    if (isLast || isDamage(error)) {
      throw error;
    }
    return undefined;
  }
}

/** Without waiting for a lock: a question can do without, at some cost to itself (see `answers/pending.ts`). */
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

/** Writes something that takes room, durably, and leaves nothing behind. */
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
