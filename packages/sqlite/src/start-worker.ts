import { type ResourceLimits, Worker } from 'node:worker_threads';
import { failure, messageOf } from './failure.ts';

export interface WorkerOptions {
  /** What the system shows it as. */
  readonly name: string;
  readonly data: unknown;
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Starts a thread of ours; `module` is its file in this folder, without an extension.
 * @throws what `failure` makes where the system has no memory or thread to spare, which passes.
 */
export function startWorker(module: string, { name, data, resourceLimits }: WorkerOptions): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  try {
    return new Worker(new URL(`./${module}.${isSource ? 'ts' : 'js'}`, import.meta.url), {
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
