import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

export interface WandbService {
  readonly url: string;
  /** The number of lines of history received so far. */
  lines(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a stand-in for the service of Weights & Biases, in a thread of its own. */
export async function startWandbService(): Promise<WandbService> {
  const worker = new Worker(join(import.meta.dirname, 'b10-service.ts'), { execArgv: process.execArgv });
  const [port] = await once(worker, 'message');
  return {
    url: `http://127.0.0.1:${port}`,
    async lines() {
      worker.postMessage('lines');
      const [lines] = await once(worker, 'message');
      return lines;
    },
    async stop() {
      await worker.terminate();
    },
  };
}
