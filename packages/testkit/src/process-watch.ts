import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import type { Worker } from 'node:worker_threads';

/** Where Node tells of each connection that a server of this process accepts. */
const acceptedChannel = 'net.server.socket';

/** Runs `life` and returns what it printed. Output from elsewhere passes through. */
export async function printedBy(life: () => Promise<void>): Promise<string[]> {
  const printed: string[] = [];
  const inside = new AsyncLocalStorage<true>();
  const restore: (() => void)[] = [];
  function intercept(owner: object, method: string, result: unknown): void {
    const original: unknown = Reflect.get(owner, method);
    assert.ok(typeof original === 'function');
    Reflect.set(owner, method, (...parameters: unknown[]): unknown => {
      if (!inside.getStore()) {
        return original.apply(owner, parameters);
      }
      printed.push(parameters.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
      return result;
    });
    restore.push(() => Reflect.set(owner, method, original));
  }
  const note = (chunk: unknown): void => {
    printed.push(String(chunk));
  };
  const watch = (worker: Worker): void => {
    worker.stdout.on('data', note);
    worker.stderr.on('data', note);
  };
  // Some runners give their tests a console that does not write to the process's streams.
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table']) {
    intercept(console, method, undefined);
  }
  intercept(process.stdout, 'write', true);
  intercept(process.stderr, 'write', true);
  process.on('worker', watch);
  try {
    await inside.run(true, life);
  } finally {
    process.off('worker', watch);
    for (const undo of restore) {
      undo();
    }
  }
  return printed;
}

/** Runs `life` and returns the uncaught exceptions and unhandled rejections. */
export async function thrownBeside(life: () => Promise<void>): Promise<unknown[]> {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => {
    thrown.push(error);
  };
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  // The runner's own listeners would end the run.
  const others = events.map((event) => [event, process.rawListeners(event)] as const);
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event, note);
  }
  try {
    await life();
  } finally {
    for (const [event, listeners] of others) {
      process.off(event, note);
      for (const listener of listeners) {
        process.on(event, listener as () => void);
      }
    }
  }
  return thrown;
}

export type Counts = ReadonlyMap<string, number>;

export interface Holdings {
  now(): Counts;
  stop(): void;
}

/** Counts, by kind, what keeps the process alive, its workers, and the listeners of process events. */
export function watchHoldings(): Holdings {
  const workers = new Set<Worker>();
  // A far side in this process has its own end of each connection, for as long as it likes.
  const accepted = new Map<Socket, 'PipeWrap' | 'TCPSocketWrap'>();
  const onWorker = (worker: Worker): void => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  };
  const onAccepted = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    accepted.set(socket, socket.remoteFamily === undefined ? 'PipeWrap' : 'TCPSocketWrap');
    socket.once('close', () => accepted.delete(socket));
  };
  process.on('worker', onWorker);
  subscribe(acceptedChannel, onAccepted);
  return {
    now() {
      const listeners = process.eventNames().flatMap((event) => {
        const kind = `listener of process event ${JSON.stringify(String(event))}`;
        return Array.from({ length: process.listenerCount(event) }, () => kind);
      });
      const counts = new Map<string, number>();
      const add = (kind: string, count: number): unknown => counts.set(kind, (counts.get(kind) ?? 0) + count);
      for (const kind of [...process.getActiveResourcesInfo(), ...listeners, ...[...workers].map(() => 'Worker')]) {
        add(kind, 1);
      }
      for (const kind of accepted.values()) {
        add(kind, -1);
      }
      return counts;
    },
    stop() {
      process.off('worker', onWorker);
      unsubscribe(acceptedChannel, onAccepted);
    },
  };
}
