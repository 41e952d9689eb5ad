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

/** Time and chance, so that tests can hold them. The default is the machine's. */
export interface Clock {
  /** Unix time in ms. */
  now(): number;
  /** A monotonic time in ms, for durations. */
  monotonic(): number;
  /** Calls back once, after the delay. */
  setTimeout(callback: () => void, delayMs: number): { unref?(): unknown };
  /** Takes back what `setTimeout` returned. */
  clearTimeout(timer: unknown): void;
}

/** How often, and after which pauses, what could not be delivered is tried again. */
export interface RetryOptions {
  /** Upper bound of the first delay; each further one is doubled. Delays are full-jittered: random from 0 to the bound. Default: 500. */
  readonly minDelayMs?: number | undefined;
  /** Default: 30000; 5000 while the far side's storage is full. */
  readonly maxDelayMs?: number | undefined;
  /** Deliveries of one batch before it is given up. Default: 10. */
  readonly maxAttempts?: number | undefined;
}

/** What a client is made of. Wrong options are refused at start, all at once. */
export interface AnalyticsOptions {
  /** None: a client that records nothing and costs nothing. Several: each event goes to all, and none waits for another. */
  readonly backends: readonly Backend[];
  /**
   * Told about everything that went wrong inside: refused events, failed deliveries, losses. At most one call a minute for
   * each backend or field, and code; the message says how many were left out. Default: silence (`stats()` counts every event that
   * was refused or lost).
   */
  readonly onError?: ((error: AnalyticsError) => void) | undefined;
  /**
   * The share of executions to keep, 0 to 1, each with all that is in it. Failures, and what took `slowMs` or longer, are always kept,
   * as is every event that is no execution; the kept ones carry a `weight`, so that counts and costs stay unbiased. Default: 1.
   */
  readonly sampleRate?: number | undefined;
  /** Default: 5000. */
  readonly slowMs?: number | undefined;
  /**
   * A queued backend is written to as soon as so many events wait, and gets no more at once; whole number >= 1. Default, and upper
   * bound: what the backend says.
   */
  readonly batchSize?: number | undefined;
  /** The queue's bound for each backend, in events. Default: 65536. */
  readonly maxQueueEvents?: number | undefined;
  /** The queue's bound for each backend, in bytes (estimated). Default: 32 MiB. */
  readonly maxQueueBytes?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Keeps the messages of recorded errors (cut at 1024 characters). Default: true; `false` keeps the types only. */
  readonly errorMessages?: boolean | undefined;
  /**
   * What executions cost that name a model and its usage but no cost; every backend then sees the same one. Default: such a
   * cost stays unknown.
   */
  readonly prices?: PriceProvider | undefined;
  /** On these signals, delivers what can be delivered synchronously, then lets the signal take its course. Default: none. */
  readonly flushOnSignals?: readonly NodeJS.Signals[] | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
  /** For tests: makes event ids; must return distinct UUIDs. */
  readonly newId?: (() => string) | undefined;
  /** For tests: 0 <= x < 1. Used by jitter. */
  readonly random?: (() => number) | undefined;
}

/** How long a call may take that waits for backends. */
export interface DeadlineOptions {
  /** >= 0. Default: 10000; 5000 for `healthCheck()`. */
  readonly timeoutMs?: number | undefined;
}

/** What is being measured, by its name alone or with more of it. */
export type Subject = string | SubjectDetails;
/** A subject with all that can be said of it before it runs. */
export interface SubjectDetails extends Omit<ExecutionDetails, 'id' | 'at' | 'latencyMs' | 'error'> {
  /** Default: `operation`; of `wrapTool`, `tool`. */
  readonly kind?: ExecutionKind | undefined;
  readonly name: string;
  /** The share of its executions to keep, 0 to 1, by the rules of the client's `sampleRate`, and in its place. */
  readonly sampleRate?: number | undefined;
}

/** What becomes known while an operation runs. */
export type OperationDetails = Omit<ExecutionDetails, 'id' | 'at' | 'latencyMs' | 'parentId' | 'error'>;

/** The operation under way, given to the body of `trackOperation`. */
export interface Operation {
  /** The id that its execution will have. */
  readonly id: string;
  /** Adds to what will be recorded; later calls win. Where something of it is wrong, which `onError` is told, nothing of it is. */
  set(details: OperationDetails): void;
  /** Marks the operation as failed although its body does not throw: with what was caught, or with `{ type, message }`. */
  fail(error?: unknown): void;
}

/** Values that events take from the surrounding asynchronous context unless they name their own. */
export interface Context {
  readonly runId?: string | undefined;
  readonly userId?: string | undefined;
  readonly orgId?: string | undefined;
  /** The execution under way. */
  readonly parentId?: string | undefined;
}

/** What is known of a run when it starts. */
export interface RunOptions {
  /** Default: a new UUIDv7. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly project?: string | undefined;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** How a run can end. */
export type FinalState = Exclude<RunState, 'started'>;

/** How a run has ended, and what came of it. */
export interface FinishOptions {
  /** Default: `finished`. */
  readonly state?: FinalState | undefined;
  readonly summary?: Readonly<Record<string, unknown>> | undefined;
}

/** A task or an experiment that groups executions. */
export interface Run {
  readonly id: string;
  /** Calls `fn`; everything recorded inside, across `await` too, belongs to this run. Does not finish it. */
  within<T>(fn: () => T): T;
  /** Numbers of your own, at a step if there is one. */
  logMetrics(values: Readonly<Record<string, number>>, options?: LogMetricsOptions): void;
  /**
   * Adds to the run's `config`, or changes what is there: JSON data, at most 16 KiB with all the rest. It is recorded as the whole
   * `config`; after the end it does nothing.
   */
  logParam(name: string, value: unknown): void;
  /** A file or a blob that the run has produced. */
  logArtifact(artifact: Omit<ArtifactInput, 'type'>): void;
  /**
   * Records the end of the run, as `finished` or `failed`; later calls do nothing. What cannot be understood is reported, and ends
   * nothing; a summary that cannot be recorded, and a field that does not exist, is left out, and reported.
   */
  finish(end?: FinalState | FinishOptions): void;
}

/** Headers of the W3C's Trace Context. */
export interface TraceContext {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What holds them: headers of a request, as Node or as `fetch` gives them, or `_meta` of an MCP request. */
export type TraceCarrier =
  | TraceContext
  | Readonly<Record<string, unknown>>
  | { get(name: string): string | null | undefined };

/** What a call of a wrapped tool was about, as its arguments and its result say; `result` is undefined where it failed, and for generators. */
export type DescribeCall<F extends (...args: never[]) => unknown> = (
  args: Readonly<Parameters<F>>,
  result: Awaited<ReturnType<F>> | undefined,
) => OperationDetails;

/** What callers hold. Nothing here throws into the host after creation, and nothing blocks. */
export interface Analytics extends AsyncDisposable {
  /** Accepts any event. A wrong one is refused whole, counted as `invalid` and reported to `onError`. */
  record(event: EventInput): void;
  /** One execution of a skill. */
  recordSkillExecution(execution: SkillExecutionInput): void;
  /** One call of a tool. */
  recordToolInvocation(invocation: ToolInvocationInput): void;
  /** One call of a model; without a `name` it is called after the model. */
  recordLlmCall(call: LlmCallInput): void;
  /** Something that happened to a toolkit as a whole. */
  recordToolkitEvent(event: ToolkitEventInput): void;
  /** What a person thinks of a skill. */
  recordSkillRating(rating: SkillRatingInput): void;
  /** A health score that somebody sets; it goes before the one that is computed. */
  updateHealthScore(score: HealthScoreInput): void;
  /** Numbers of your own, at a step if there is one. */
  logMetrics(values: Readonly<Record<string, number>>, options?: LogMetricsOptions): void;

  /**
   * Runs `fn`, records how long it took and how it ended, and returns or throws exactly what it did. What is recorded inside
   * has this operation as its parent. An abort is recorded as a failure of type `AbortError`.
   */
  trackOperation<T>(subject: Subject, fn: (operation: Operation) => T | PromiseLike<T>): Promise<T>;
  /**
   * The same function, recorded on each call as a `tool` of the function's name, unless the subject says otherwise. It stays
   * what it was: sync, async, generator or async generator, with its `this`, name, arity and own properties. A promise is
   * measured until it settles, a generator from its first step to its end. What is no function comes back as it is, and is reported. `describe`
   * adds what a call says for itself (its cost, its size); it must be quick. Where it throws, the call is recorded without that.
   * A promise that is more than a promise (of a subclass, or with properties of its own) is returned itself.
   */
  wrapTool<F extends (...args: never[]) => unknown>(
    fn: F,
    subject?: string | Partial<SubjectDetails>,
    describe?: DescribeCall<F>,
  ): F;
  /** Calls `fn` with the given values in its context, added to those already there. A wrong value is left out, and reported. */
  withContext<T>(context: Context, fn: () => T): T;
  /**
   * The headers that let what is called continue this trace; empty outside of any run and execution. The trace is the one that
   * came in, else the run (where its id is a UUID), else the outermost execution under way.
   */
  traceContext(): TraceContext;
  /**
   * Calls `fn` within the trace that came in. Its caller here, and its run, are those that a client of this kind has sent along; of
   * any other trace the run is the trace's id as a UUID, unless there is one already. Headers that are wrong or missing are ignored.
   */
  withTraceContext<T>(headers: TraceCarrier | undefined, fn: () => T): T;
  /** Starts a run; finish it yourself. A wrong `id` is refused with its event, and replaced by a new one. */
  startRun(options?: RunOptions): Run;
  /** Starts a run, calls `fn` within it, and finishes it: as `failed` when `fn` throws (which is passed on unchanged). */
  trackRun<T>(options: RunOptions, fn: (run: Run) => T | PromiseLike<T>): Promise<T>;

  /** Of the first backend that can be read; its methods reject with `UNSUPPORTED` when there is none. */
  readonly reader: AnalyticsReader;
  /** The ledger of each backend, exact at any instant. */
  stats(): DeliveryStats;
  /** Probes every backend; never rejects. */
  healthCheck(options?: DeadlineOptions): Promise<HealthReport>;
  /** The settings in force of the client and its backends, secrets redacted. */
  getConfigSummary(): ConfigSummary;

  /** Delivers what was recorded before the call, within the time given. Never rejects: the report says what happened. */
  flush(options?: DeadlineOptions): Promise<FlushReport>;
  /** `flush()` under the name of the push-based systems. */
  push(options?: DeadlineOptions): Promise<FlushReport>;
  /** Flushes, then releases everything. Idempotent: every call gets the first one's report. */
  close(options?: DeadlineOptions): Promise<FlushReport>;
}
