import { Worker } from 'node:worker_threads';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import type { Failure } from './failure.ts';
import type { Message, Reply, Request } from './protocol.ts';
import type { WorkerConfig } from './worker.ts';

export interface ThreadHooks {
  /** Is told what nobody has asked about. */
  readonly onNotice?: (notice: AnalyticsError) => void;
  /** Is called when the thread has found the database damaged. */
  readonly onDamage?: () => void;
}

/** The caller's side of a thread that holds a connection. */
export interface Thread {
  /** Rejects with an `AnalyticsError`. `hold` keeps the process alive until the answer. */
  call(request: Request, options?: { readonly hold?: boolean }): Promise<unknown>;
  /** A call that is made of several requests. */
  begin(options?: { readonly hold?: boolean }): OpenCall;
  /**
   * Ends the thread, after the write that is under way. A question under way is given up between two of its statements only:
   * nothing interrupts SQLite at one, so this waits for it, however long it takes.
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

/** How long a thread may take to finish what it is at and to close its connection. A statement under way may take longer: see `stop`. */
const stopTimeoutMs = 5_000;

/** The thread itself starts with the first call, and again with the next one after it has died. */
export function createThread(config: WorkerConfig, backend: string, { onNotice, onDamage }: ThreadHooks = {}): Thread {
  let worker: Worker | undefined;
  let calls = new Map<number, Call>();
  let lastCall = 0;
  let stopped = false;
  const stopping = new Int32Array(new SharedArrayBuffer(4));

  const error = (code: AnalyticsError['code'], message: string, cause?: unknown): AnalyticsError =>
    new AnalyticsError(code, `${backend}: ${message}`, { backend, cause });

  // Its path is the only setting that a thread can find wrong.
  const toError = ({ code, message, cause }: Failure): AnalyticsError =>
    code === 'INVALID_CONFIG' ? configError([{ field: 'path', message }]) : error(code, message, cause);

  function start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    // The host's own flags and preloaded modules have no business in here, and nothing may come out on its stderr.
    const started = new Worker(new URL(isSource ? './worker.ts' : './worker.js', import.meta.url), {
      name: `${backend} ${config.role}`,
      workerData: { ...config, stopping } satisfies WorkerConfig,
      execArgv: ['--no-warnings'],
      env: {},
      // What passes through is soon garbage: V8 would else keep up to 100 MB for it, and give none back.
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
        const why = reason instanceof Error ? reason.message : 'no reason known';
        rejectAll(
          error('BACKEND_UNAVAILABLE', `its thread ended unexpectedly (${why}); the next call starts it again`, reason),
        );
      }
    });
    // After the listeners, which would undo it.
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

  /** Lets the process end when nobody waits any more. */
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
      worker ??= start();
      if (hold) {
        worker.ref();
      }
      calls.set(number, { hold, resolve, reject });
    });
    // It may fail while its other requests are still being made.
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
        // Comes after what is under way, as a write that is being committed must not be reported as refused; but no lock
        // is waited for any more.
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
