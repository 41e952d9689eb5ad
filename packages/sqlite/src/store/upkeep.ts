import type { Connection } from '../database.ts';
import { type Failure, failure, toFailure } from '../failure.ts';
import { sizeOf } from '../file.ts';
import type { Held, OpenDatabase } from '../held.ts';
import type { Message, Request } from '../protocol.ts';
import type { WorkerConfig } from '../worker.ts';
import { checkLog, truncateLog } from './log.ts';
import { mostWouldGo, type PrunePlan, type PruneReport, prune } from './prune.ts';
import { limitsPlan } from './retention.ts';
import { excessBytes } from './size.ts';

/** What the writer thread does on its own, besides answering requests. */
export interface Upkeep {
  /** Called after each write. */
  written(): void;
  /** Called when nothing has been written for a while. */
  rest(): void;
  /** Does one step of the requested prune; returns the report after the last one. */
  prune(call: number, request: Request & { readonly op: 'prune' }): Promise<PruneReport | undefined>;
  end(): void;
}

interface Host {
  notify(notice: Failure): void;
  enqueue(message: Message): void;
}

/** How often the size is checked, which takes about 20 µs. */
const lookMs = 1_000;
const restMs = 5_000;
/** A log up to this size is not worth a checkpoint: closing makes one anyway. */
const smallLogBytes = 4 * 1024 * 1024;
/** Call number of requests that no caller made. */
const noCall = 0;

export function createUpkeep(config: WorkerConfig, held: Held, { notify, enqueue }: Host): Upkeep {
  const { path, role, maxBytes } = config;
  const prunes = new Map<number, { readonly db: Connection; readonly steps: Generator<void, PruneReport> }>();
  let nextLook = 0;
  let resting: NodeJS.Timeout | undefined;
  let isAlarming = false;

  function lookAtSize(db: Connection): void {
    if (maxBytes !== undefined && !prunes.has(noCall) && excessBytes(db, maxBytes) > 0) {
      const plan = limitsPlan({ maxBytes }, Date.now());
      enqueue({ call: noCall, request: { op: 'prune', plan } });
    }
  }

  /** Reports errors as notices: they must not fail the preceding write. */
  function look({ db, realPath }: OpenDatabase): void {
    try {
      lookAtSize(db);
      checkLog(db, realPath);
      isAlarming = false;
    } catch (error) {
      if (!isAlarming) {
        isAlarming = true;
        notify(toFailure(error, path, false));
      }
    }
  }

  function start(db: Connection, plan: PrunePlan, cautious: PrunePlan | undefined): Generator<void, PruneReport> {
    if (cautious === undefined || !mostWouldGo(db, plan)) {
      return prune(db, config, plan);
    }
    const message = `${path}: the clock was set forward since it was opened, and by it most executions are too old: they are kept. If the clock is right now, call store.prune()`;
    notify({ code: 'INTERNAL', message });
    return prune(db, config, cautious);
  }

  return {
    written() {
      clearTimeout(resting);
      resting = setTimeout(enqueue, restMs, { call: noCall, request: { op: 'rest' } } satisfies Message);
      const now = performance.now();
      const store = held.current();
      if (now >= nextLook && store !== undefined) {
        nextLook = now + lookMs;
        look(store);
      }
    },
    rest() {
      const store = held.current();
      if (store !== undefined && path !== ':memory:' && sizeOf(`${store.realPath}-wal`) > smallLogBytes) {
        truncateLog(store.db);
      }
    },
    async prune(call, { plan, cautious }) {
      let isOver = true;
      try {
        const { db } = await held.open();
        let running = prunes.get(call);
        if (running === undefined) {
          running = { db, steps: start(db, plan, cautious) };
          prunes.set(call, running);
        }
        if (running.db !== db) {
          throw failure('BACKEND_UNAVAILABLE', `${path} was replaced before it was done`);
        }
        const { done, value } = running.steps.next();
        isOver = done === true;
        return done ? value : undefined;
      } finally {
        if (isOver) {
          prunes.delete(call);
        }
      }
    },
    end() {
      clearTimeout(resting);
      const store = held.current();
      if (role === 'writer' && store !== undefined && path !== ':memory:' && !held.isReplaced()) {
        truncateLog(store.db);
      }
    },
  };
}
