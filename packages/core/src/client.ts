import type { Backend } from './backend.ts';
import type { ConfigSummary, DeliveryStats, FlushReport, HealthReport } from './delivery/report.ts';
import type { AnalyticsError } from './errors.ts';
import type { ExecutionKind, RunState } from './events/event.ts';
import type {
  ArtifactInput,
  EventInput,
  ExecutionDetails,
  HealthScoreInput,
  LlmCallInput,
  LogMetricsOptions,
  SkillExecutionInput,
  SkillRatingInput,
  ToolInvocationInput,
  ToolkitEventInput,
} from './events/input.ts';
import type { PriceProvider } from './events/prices.ts';
import type { AnalyticsReader } from './reader/reader.ts';

/** Time and timers, replaceable in tests. Default: the system's. */
export interface Clock {
  /** Unix time in ms. */
  now(): number;
  /** Monotonic time in ms, for durations. */
  monotonic(): number;
  /** Calls `callback` once, after the delay. */
  setTimeout(callback: () => void, delayMs: number): { unref?(): unknown };
  /** Cancels a timer that `setTimeout` returned. */
  clearTimeout(timer: unknown): void;
}

/** How often, and after which delays, failed deliveries are retried. */
export interface RetryOptions {
  /** Upper bound of the first delay, doubled for each further one. Each delay is random from 0 to its bound. Default: 500. */
  readonly minDelayMs?: number | undefined;
  /** Largest bound of a delay. Default: 30000, or `minDelayMs` if larger. At most 5000 while the far side's storage is full. */
  readonly maxDelayMs?: number | undefined;
  /**
   * Delivery attempts for a batch before it is given up. Default: 1000, which take four hours, or 40 minutes while the storage is
   * full: an outage should cost what the queue cannot hold, and a batch that only looks like one not block it for good.
   */
  readonly maxAttempts?: number | undefined;
}

/** Options of a client. Wrong options are refused at start, all at once. */
export interface AnalyticsOptions {
  /** None: a client that records nothing. Several: each event goes to all, and none waits for another. */
  readonly backends: readonly Backend[];
  /**
   * Called with everything that goes wrong inside: refused events, failed deliveries, losses. At most one call a minute for
   * each pair of error code and backend or field; the message says how many were left out. Default: silence (`stats()` counts
   * every event that was refused or lost).
   */
  readonly onError?: ((error: AnalyticsError) => void) | undefined;
  /**
   * The share of executions to keep, 0 to 1, each with everything inside it. Failures, executions of `slowMs` or longer, and
   * events other than executions are always kept. A `weight` on the sampled ones keeps counts and costs unbiased. Default: 1.
   */
  readonly sampleRate?: number | undefined;
  /** From this latency on, sampling always keeps an execution. Default: 5000. */
  readonly slowMs?: number | undefined;
  /**
   * A queued backend is written to as soon as this many events wait or its queue is half full, and gets at most this many at a
   * time; whole number >= 1.
   * Default and upper bound: the backend's own `maxEvents`.
   */
  readonly batchSize?: number | undefined;
  /** The largest queue of each backend, in events. Default: 65536. */
  readonly maxQueueEvents?: number | undefined;
  /** The largest queue of each backend, in (estimated) bytes. Default: 32 MiB. */
  readonly maxQueueBytes?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Keeps the messages of recorded errors (cut at 1024 characters). Default: true; `false` keeps only the types. */
  readonly errorMessages?: boolean | undefined;
  /**
   * Prices executions that name a model and usage but no cost; every backend sees the same cost. Default: such costs stay
   * unknown.
   */
  readonly prices?: PriceProvider | undefined;
  /** Signals on which to deliver what can be delivered synchronously; the signal then takes its course. Default: none. */
  readonly flushOnSignals?: readonly NodeJS.Signals[] | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
  /** For tests: generates event ids; must return distinct UUIDs. */
  readonly newId?: (() => string) | undefined;
  /** For tests: returns 0 <= x < 1, for jitter. */
  readonly random?: (() => number) | undefined;
}

/** The time limit of a call that waits for backends. */
export interface DeadlineOptions {
  /** >= 0. Default: 10000; 5000 for `healthCheck()`. */
  readonly timeoutMs?: number | undefined;
}

/** What is measured: its name, or its name with details. */
export type Subject = string | SubjectDetails;
/** A subject with everything that is known before it runs. */
export interface SubjectDetails extends Omit<ExecutionDetails, 'id' | 'at' | 'latencyMs' | 'error'> {
  /** Default: `operation`; for `wrapTool`, `tool`. */
  readonly kind?: ExecutionKind | undefined;
  readonly name: string;
  /** Replaces the client's `sampleRate` for this subject: 0 to 1, by the same rules. */
  readonly sampleRate?: number | undefined;
}

/** Details that become known while an operation runs. */
export type OperationDetails = Omit<ExecutionDetails, 'id' | 'at' | 'latencyMs' | 'parentId' | 'error'>;

/** The running operation, passed to the callback of `trackOperation`. */
export interface Operation {
  /** The id that its execution is recorded under. */
  readonly id: string;
  /**
   * Adds details to the execution; of the same field, the later one counts, and so for each attribute and each class of tokens. A
   * wrong one is left out, and reported to `onError`.
   */
  set(details: OperationDetails): void;
  /** Marks the operation as failed even if its callback does not throw: with the caught error, or with `{ type, message }`. */
  fail(error?: unknown): void;
}

/** Values that events take from the surrounding asynchronous context unless they have their own. Null: keeps the outer one. */
export interface Context {
  readonly runId?: string | null | undefined;
  readonly userId?: string | null | undefined;
  readonly orgId?: string | null | undefined;
  /** The id of the execution under way. */
  readonly parentId?: string | null | undefined;
}

/** What is known about a run when it starts. */
export interface RunOptions {
  /** Default: a new UUIDv7. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly project?: string | undefined;
  /** JSON data. */
  readonly config?: object | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** How a run can end. */
export type FinalState = Exclude<RunState, 'started'>;

/** How a run ended, and its results. */
export interface FinishOptions {
  /** Default: `finished`. */
  readonly state?: FinalState | undefined;
  /** JSON data. */
  readonly summary?: object | undefined;
}

/** Numbers by name, of which unknown ones are left out; also of an `interface`, which has no index signature. */
export type NumbersOf<V> = V extends readonly unknown[]
  ? never
  : { readonly [N in keyof V]: number | null | undefined };

/** A task or an experiment that groups executions. */
export interface Run {
  readonly id: string;
  /** Calls `fn`; everything recorded inside, also across `await`, belongs to this run. Does not finish the run. */
  within<T>(fn: () => T): T;
  /** Records numbers of your own, optionally at a step. */
  logMetrics<V extends object>(values: V & NumbersOf<V>, options?: LogMetricsOptions): void;
  /**
   * Adds or changes an entry of the run's `config`: JSON data, at most 16 KiB in total. Each call records the whole `config`, as
   * far as this object knows it: in SQLite that replaces what a `Run` of the same id in another process has recorded. After the
   * run's end it does nothing.
   */
  logParam(name: string, value: unknown): void;
  /** Records a file or a blob that the run has produced. */
  logArtifact(artifact: Omit<ArtifactInput, 'type'>): void;
  /**
   * Records the end of the run, as `finished` or `failed`; later calls do nothing. An invalid `end` or `state` is reported, and
   * does not end the run. An invalid summary or an unknown field is left out and reported.
   */
  finish(end?: FinalState | FinishOptions): void;
}

/** Headers of W3C Trace Context. A type, as an interface could not be passed as the headers of `fetch`. */
export type TraceContext = {
  readonly traceparent?: string;
  readonly tracestate?: string;
};

/** What carries a trace context: headers of a request, as Node or `fetch` represents them, or `_meta` of an MCP request. */
export type TraceCarrier =
  | { readonly [H in keyof TraceContext]: unknown }
  | Readonly<Record<string, unknown>>
  | { get(name: string): string | null | undefined };

/** Returns details of a wrapped tool's call, from its arguments and result; `result` is undefined for failures and generators. */
export type DescribeCall<F extends (...args: never[]) => unknown> = (
  args: Readonly<Parameters<F>>,
  result: Settled<ReturnType<F>> | undefined,
) => OperationDetails;

/** What a call gives in the end, also if it gives a promise only sometimes. */
export type Settled<R> = R extends Promise<infer V> ? V : R;

/** A client. After its creation, nothing here throws into the host, and nothing blocks. */
export interface Analytics extends AsyncDisposable {
  /** Records any event. A wrong one is refused whole, counted as `invalid` or `too_large`, and reported to `onError`. */
  record(event: EventInput): void;
  /** Records one execution of a skill. */
  recordSkillExecution(execution: SkillExecutionInput): void;
  /** Records one call of a tool. */
  recordToolInvocation(invocation: ToolInvocationInput): void;
  /** Records one call of a model. Default `name`: the model's. */
  recordLlmCall(call: LlmCallInput): void;
  /** Records an event of a toolkit as a whole. */
  recordToolkitEvent(event: ToolkitEventInput): void;
  /** Records a person's rating of a skill. */
  recordSkillRating(rating: SkillRatingInput): void;
  /** Sets a skill's health score, which overrides the computed one. */
  updateHealthScore(score: HealthScoreInput): void;
  /** Records numbers of your own, optionally at a step. */
  logMetrics<V extends object>(values: V & NumbersOf<V>, options?: LogMetricsOptions): void;

  /**
   * Calls `fn`, records how long it took and how it ended, and returns or throws exactly what `fn` did. Executions recorded
   * inside have this operation as their parent. An abort is recorded as a failure, of type `AbortError` unless its reason is another
   * error.
   */
  trackOperation<T>(subject: Subject, fn: (operation: Operation) => T | PromiseLike<T>): Promise<T>;
  /**
   * Wraps `fn` so that each call is recorded, by default as a `tool` of the function's name. The wrapper is sync, async, a
   * generator or an async generator as `fn` is, and keeps `this`, name, arity and own properties. A promise is measured until it
   * settles, a generator from its first step to its end. `describe` adds details of a call (its cost, its size) and must be
   * quick; if it throws, the call is recorded without them. A value that is not a function is returned as it is, and reported.
   *
   * A generator that a plain function returns is returned itself, and so is a promise of a subclass, or with properties of its
   * own. If such a promise has its own `then` (the OpenAI SDK's do), the call is recorded when somebody awaits it, and never if
   * nobody does. Otherwise its rejection raises no `unhandledRejection` even if nobody handles it, as the recording does.
   */
  wrapTool<F extends (...args: never[]) => unknown>(
    fn: F,
    subject?: string | Partial<SubjectDetails>,
    describe?: DescribeCall<F>,
  ): F;
  /** Calls `fn` with the given values added to its context. A wrong value is left out, and reported. */
  withContext<T>(context: Context, fn: () => T): T;
  /**
   * Returns the headers with which a callee continues this trace. The trace is the incoming one, else the run (if its id is a
   * UUID), else the outermost execution under way; empty if there is none of these.
   */
  traceContext(): TraceContext;
  /**
   * Calls `fn` within the incoming trace. If another client of this package sent it, its parent execution and run apply here; for
   * any other trace, the run is the trace id as a UUID, unless there is one already. Wrong or missing headers are ignored.
   */
  withTraceContext<T>(headers: TraceCarrier | undefined, fn: () => T): T;
  /** Starts a run, which you finish yourself. For a wrong `id`, the start is refused, and the run gets a new id. */
  startRun(options?: RunOptions): Run;
  /** Starts a run, calls `fn` within it, and finishes it, as `failed` if `fn` throws (the error is rethrown unchanged). */
  trackRun<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;

  /** Asks the first backend whose reader has the method; rejects with `UNSUPPORTED` if there is none. */
  readonly reader: AnalyticsReader;
  /** Returns the event counts of each backend, exact at any instant. */
  stats(): DeliveryStats;
  /** Probes every backend; never rejects. */
  healthCheck(options?: DeadlineOptions): Promise<HealthReport>;
  /** Returns the settings in force of the client and its backends, with secrets redacted. */
  getConfigSummary(): ConfigSummary;

  /** Delivers what was recorded before the call, within the time limit. Never rejects: the report says what happened. */
  flush(options?: DeadlineOptions): Promise<FlushReport>;
  /** The same as `flush()`, by the name that push-based systems use. */
  push(options?: DeadlineOptions): Promise<FlushReport>;
  /** Flushes, then releases everything. Idempotent: every call gets the first one's report. */
  close(options?: DeadlineOptions): Promise<FlushReport>;
}
