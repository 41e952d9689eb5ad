import cluster, { type Worker as ClusterWorker } from 'node:cluster';
import { BroadcastChannel, isMainThread, type Worker } from 'node:worker_threads';
import { isMessage, type Message } from './message.ts';

/** A connection to processes or threads. */
export interface Link {
  /** Resolves when it has been sent. */
  send(message: Message): Promise<void>;
  close(): void;
}

export interface LinkEvents {
  /** `process`: the cluster worker that it came from; 0: this process. */
  message(message: Message, process: number): void;
  /** A cluster worker, or with `threadId` a thread of this process, has ended. */
  ended(process: number, threadId?: number): void;
}

const thisProcess = 0;

/** To all other threads of this process. */
export function threadLink(group: string, events: LinkEvents): Link {
  const channel = new BroadcastChannel('@toolweaver/analytics-prometheus');
  channel.onmessage = (event: unknown): void => {
    const { data } = event as { data: unknown };
    if (isMessage(data, group)) {
      events.message(data, thisProcess);
    }
  };
  channel.unref();
  const watch = (worker: Worker): void => {
    const { threadId } = worker;
    worker.once('exit', () => events.ended(thisProcess, threadId));
  };
  process.on('worker', watch);
  return {
    async send(message) {
      channel.postMessage(message);
    },
    close() {
      process.off('worker', watch);
      channel.close();
    },
  };
}

/** From the primary of a cluster to its workers; undefined elsewhere. */
export function primaryLink(group: string, events: LinkEvents): Link | undefined {
  if (!isMainThread || !cluster.isPrimary) {
    return undefined;
  }
  const receive = (worker: ClusterWorker, message: unknown): void => {
    if (isMessage(message, group)) {
      events.message(message, worker.id);
    }
  };
  const ended = (worker: ClusterWorker): void => events.ended(worker.id);
  cluster.on('message', receive);
  cluster.on('exit', ended);
  return {
    async send(message) {
      for (const worker of Object.values(cluster.workers ?? {})) {
        if (worker?.isConnected()) {
          // The worker may be gone by now; `exit` will tell.
          worker.send(message, () => {});
        }
      }
    },
    close() {
      cluster.off('message', receive);
      cluster.off('exit', ended);
    },
  };
}

/** From the main thread of a cluster worker to the primary; undefined elsewhere. */
export function workerLink(group: string, events: LinkEvents): Link | undefined {
  if (!isMainThread || !cluster.isWorker) {
    return undefined;
  }
  const receive = (message: unknown): void => {
    if (isMessage(message, group)) {
      events.message(message, thisProcess);
    }
  };
  process.on('message', receive);
  return {
    send: (message) =>
      new Promise((resolve) => {
        // Nothing can be sent to a primary that is gone, and nobody is left to show it.
        if (process.connected) {
          process.send?.(message, undefined, undefined, () => resolve());
        } else {
          resolve();
        }
      }),
    close: () => void process.off('message', receive),
  };
}
