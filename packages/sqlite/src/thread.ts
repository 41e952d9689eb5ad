import type { Worker } from 'node:worker_threads';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { type Failure, messageOf, toFailure } from './failure.ts';
import type { Message, Reply, Request } from './protocol.ts';
import { startWorker } from './start-worker.ts';
import type { WorkerConfig } from './worker.ts';

export interface ThreadHooks {
  /** Called with problems that no request asked about. */
  readonly onNotice?: (notice: AnalyticsError) => void;
  /** Called when the thread finds the database damaged. */
  readonly onDamage?: () => void;
}

/** The caller's side of a thread that holds a connection. */
export interface Thread {
  /** Sends a request; rejects with an `AnalyticsError`. `hold` keeps the process alive until the answer. */
  call(request: Request, options?: { readonly hold?: boolean }): Promise<unknown>;
  /** Starts a call that consists of several requests. */
  begin(options?: { readonly hold?: boolean }): OpenCall;
  /**
   * Ends the thread after the current write. A question can only be interrupted between two of its statements, as nothing
   * interrupts SQLite within one: this waits for it, however long it takes.
   */
  stop(): Promise<void>;
}

interface OpenCall {
  readonly answer: Promise<unknown>;
  /** False once the call has failed. */
  send(request: Request): boolean;
}

interface Call {
  readonly hold: boolean;
  resolve(value: unknown): void;
  reject(error: AnalyticsError): void;
}

/** How long a thread may take to finish its work and close its connection. A running statement may take longer: see `stop`. */
const stopTimeoutMs = 5_000;

/** The thread starts with the first call, and again with the first one after it died. */
export function createThread(config: WorkerConfig, backend: string, { onNotice, onDamage }: ThreadHooks = {}): Thread {
  let worker: Worker | undefined;
  let calls = new Map<number, Call>();
  let lastCall = 0;
  let stopped = false;
  const stopping = new Int32Array(new SharedArrayBuffer(4));

  const error = (code: AnalyticsError['code'], message: string, cause?: unknown): AnalyticsError =>
    new AnalyticsError(code, `${backend}: ${message}`, { backend, cause });

  // The path is the only setting that a thread can find invalid.
  const toError = ({ code, message, cause }: Failure): AnalyticsError =>
    code === 'INVALID_CONFIG' ? configError([{ field: 'path', message }]) : error(code, message, cause);

  function start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    const started = startWorker(new URL(isSource ? './worker.ts' : './worker.js', import.meta.url), {
      name: `${backend} ${config.role}`,
      data: { ...config, stopping } satisfies WorkerConfig,
      // Messages are short-lived garbage, for which V8 would otherwise keep up to 100 MB and never return them.
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    started.on('message', (reply: Reply) => {
      if ('notice' in reply) {
        onNotice?.(toError(reply.notice));
        return;
      }
      const call = calls.get(reply.call);
      calls.delete(reply.call);
      rest();
      if ('failure' in reply) {
        call?.reject(toError(reply.failure));
        if (reply.failure.damaged) {
          onDamage?.();
        }
      } else {
        call?.resolve(reply.value);
      }
    });
    let reason: unknown;
    started.on('error', (thrown) => {
      reason = thrown;
    });
    started.on('exit', () => {
      if (worker === started) {
        worker = undefined;
        const why = reason === undefined ? 'no reason known' : messageOf(reason);
        rejectAll(
          error('BACKEND_UNAVAILABLE', `its thread ended unexpectedly (${why}); the next call starts it again`, reason),
        );
      }
    });
    // After adding the listeners, which would undo it.
    started.unref();
    return started;
  }

  function rejectAll(failure: AnalyticsError): void {
    const failed = calls;
    calls = new Map();
    for (const call of failed.values()) {
      call.reject(failure);
    }
  }

  /** Lets the process exit when nobody is waiting any more. */
  function rest(): void {
    if (![...calls.values()].some(({ hold }) => hold)) {
      worker?.unref();
    }
  }

  function begin({ hold = false } = {}): OpenCall {
    lastCall += 1;
    const number = lastCall;
    const answer = new Promise<unknown>((resolve, reject) => {
      if (stopped) {
        reject(error('CLOSED', 'it is closed'));
        return;
      }
      try {
        worker ??= start();
      } catch (thrown) {
        reject(toError(toFailure(thrown, config.path, false)));
        return;
      }
      if (hold) {
        worker.ref();
      }
      calls.set(number, { hold, resolve, reject });
    });
    // The call may fail while its other requests are still being prepared.
    answer.catch(() => {});
    return {
      answer,
      send(request) {
        if (!calls.has(number)) {
          return false;
        }
        worker?.postMessage({ call: number, request } satisfies Message);
        return true;
      },
    };
  }

  return {
    begin,
    call(request, options) {
      const { send, answer } = begin(options);
      send(request);
      return answer;
    },
    async stop() {
      stopped = true;
      const running = worker;
      if (running === undefined) {
        return;
      }
      worker = undefined;
      running.ref();
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()));
      if (config.role === 'reader' && calls.size > 0) {
        await running.terminate();
      } else {
        // Queued after the current work, as a write that is being committed must not be reported as failed; but waiting for locks
        // ends at once.
        Atomics.store(stopping, 0, 1);
        running.postMessage({ call: 0, request: { op: 'close' } } satisfies Message);
        const timer = setTimeout(() => running.terminate(), stopTimeoutMs);
        await ended;
        clearTimeout(timer);
      }
      rejectAll(error('CLOSED', 'closed before it was done'));
    },
  };
}
