import type { CostSource, ExecutionKind, RunState, ToolkitOperation, Usage } from './event.ts';

// What callers pass. Optional text may be null, undefined or empty: all three mean unknown.
type Text = string | null | undefined;

/** Fields that any event may have. Missing ones come from the context (`withContext`, `startRun`) or are generated. */
export interface CommonInput {
  /**
   * A UUID of your own. A store adds each id only once (an execution: each id with the same `at`), so pass both to make recording
   * idempotent. Metric backends count every call. Default: a new UUIDv7.
   */
  readonly id?: Text;
  /** Unix time in ms, 0 to 4102444799999 (the end of the year 2099). A time that looks like seconds is refused. Default: now. */
  readonly at?: number | undefined;
  readonly runId?: Text;
  readonly userId?: Text;
  readonly orgId?: Text;
  /** JSON data, copied; at most 16 KiB and 100 levels deep. Functions and `undefined` are left out; a BigInt or a cycle is refused. */
  readonly attributes?: object | null | undefined;
}

/** A cost as callers pass it, in US dollars. */
export interface CostInput {
  /** US dollars, >= 0; kept to the nano-dollar. */
  readonly usd: number;
  /** For costs copied from an invoice. Any other currency is refused, as its exchange rate is unknown. */
  readonly currency?: 'USD' | undefined;
  /** Default: `provider`. */
  readonly source?: CostSource | undefined;
}

/** Optional details of an execution, besides its subject and outcome. */
export interface ExecutionDetails extends CommonInput {
  /** >= 0. */
  readonly latencyMs?: number | undefined;
  /** `{ type, message }` (`ErrorInfo`), or the caught value itself: an `Error`'s name (or `code`) and message are kept. */
  readonly error?: unknown;
  readonly version?: Text;
  readonly toolkit?: Text;
  readonly parentId?: Text;
  /** Whole number >= 1. */
  readonly attempt?: number | undefined;
  readonly cacheHit?: boolean | undefined;
  /** Whole numbers >= 0. */
  readonly inputBytes?: number | undefined;
  readonly outputBytes?: number | undefined;
  readonly model?: Text;
  readonly provider?: Text;
  /** Whole numbers >= 0; missing ones count as 0. If all are missing, the usage is unknown, and so is a cost computed from it. */
  readonly usage?: { readonly [C in keyof Usage]?: number | null | undefined } | null | undefined;
  readonly cost?: CostInput | null | undefined;
}

/** One execution of any kind, as `record()` takes it; `at` is its end. */
export interface ExecutionInput extends ExecutionDetails {
  readonly type: 'execution';
  readonly kind: ExecutionKind;
  readonly name: string;
  readonly success: boolean;
}

/** What `recordSkillExecution()` takes: an execution of kind `skill` under the name `skillId`. */
export interface SkillExecutionInput extends ExecutionDetails {
  readonly skillId: string;
  readonly success: boolean;
}

/** What `recordToolInvocation()` takes: an execution of kind `tool` under the name `toolName`. */
export interface ToolInvocationInput extends ExecutionDetails {
  readonly toolName: string;
  readonly success: boolean;
}

/** What `recordLlmCall()` takes: an execution of kind `llm`. With `usage` but no `cost`, the client's `prices` apply. */
export interface LlmCallInput extends ExecutionDetails {
  readonly model: string;
  readonly success: boolean;
  /** What the call was for. Default: the model's name. */
  readonly name?: Text;
}

/** What `recordSkillRating()` takes: the stars that a person gives a skill, perhaps for one execution of it. */
export interface SkillRatingInput extends CommonInput {
  readonly skillId: string;
  /** Whole number, 1 to 5. */
  readonly rating: number;
  readonly executionId?: Text;
  readonly comment?: Text;
}
/** A person's rating of a skill, as `record()` takes it. */
export interface RatingInput extends SkillRatingInput {
  readonly type: 'rating';
}

/** What `updateHealthScore()` takes: a score that overrides the computed one until another is set. */
export interface HealthScoreInput extends CommonInput {
  readonly skillId: string;
  /** 0 to 100. */
  readonly score: number;
  /** Whether the skill should no longer be used. Default: unchanged. */
  readonly deprecated?: boolean | null | undefined;
}
/** A skill's health score, as `record()` takes it. */
export interface HealthInput extends HealthScoreInput {
  readonly type: 'health';
}

/** What `recordToolkitEvent()` takes: what happened to a toolkit as a whole, and how long it took. */
export interface ToolkitEventInput extends CommonInput {
  readonly toolkit: string;
  readonly operation: ToolkitOperation;
  /** >= 0. */
  readonly durationMs: number;
  readonly success: boolean;
  /** Like `error` of an execution. */
  readonly error?: unknown;
}
/** An event of a toolkit as a whole, as `record()` takes it. */
export interface ToolkitInput extends ToolkitEventInput {
  readonly type: 'toolkit';
}

/** What `logMetrics()` records besides the numbers; that of a `Run` ignores `runId`. */
export interface LogMetricsOptions extends CommonInput {
  /** Whole number >= 0. */
  readonly step?: number | undefined;
}
/** Numbers of your own, as `record()` takes them. */
export interface MetricsInput extends LogMetricsOptions {
  readonly type: 'metrics';
  /** Finite numbers: 1 to 1000 of them. Null and undefined mean unknown, and are left out. */
  readonly values: Readonly<Record<string, number | null | undefined>>;
}

/** The start or the end of a run, as `record()` takes it. Fields that it leaves out keep the values of earlier events. */
export interface RunInput extends CommonInput {
  readonly type: 'run';
  readonly runId: string;
  readonly state: RunState;
  readonly name?: Text;
  readonly project?: Text;
  readonly config?: object | null | undefined;
  /** At most 100. */
  readonly tags?: readonly string[] | null | undefined;
  readonly summary?: object | null | undefined;
}

/** A file or a blob that a run produced, as `record()` and, without `type`, `logArtifact()` take it. */
export interface ArtifactInput extends CommonInput {
  readonly type: 'artifact';
  readonly name: string;
  readonly kind: string;
  /** Exactly one of `path` (at most 4096 characters) and `bytes` (at most 8 MiB, copied). */
  readonly path?: Text;
  readonly bytes?: Uint8Array | null | undefined;
}

/** What `record()` takes: an event whose missing fields the client completes. */
export type EventInput =
  | ExecutionInput
  | RatingInput
  | HealthInput
  | ToolkitInput
  | MetricsInput
  | RunInput
  | ArtifactInput;
