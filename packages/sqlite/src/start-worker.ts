import { type ResourceLimits, Worker } from 'node:worker_threads';
import { failure, messageOf } from './failure.ts';

export interface WorkerOptions {
  /** What the system shows it as. */
  readonly name: string;
  readonly data: unknown;
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Starts a thread of ours. Its address is written out by the callers, as `new URL('./…', import.meta.url)`: so tools that copy the files
 * of a program (Next.js, Vercel) find it.
 * @throws what `failure` makes where the system has no memory or thread to spare, which passes.
 */
export function startWorker(url: URL, { name, data, resourceLimits }: WorkerOptions): Worker {
  try {
    return new Worker(url, {
      name,
      workerData: data,
      // The thread must not get the host's flags and preloaded modules, or write to its stderr.
      execArgv: ['--no-warnings'],
      env: {},
      ...(resourceLimits && { resourceLimits }),
    });
  } catch (thrown) {
    throw failure('BACKEND_UNAVAILABLE', `its thread cannot be started (${messageOf(thrown)})`, thrown);
  }
}
