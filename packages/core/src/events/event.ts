/** Whatever JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
/** An object of plain JSON. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Every kind of execution. */
export const executionKinds = ['skill', 'tool', 'llm', 'agent', 'search', 'operation'] as const;
/** What was executed. Equal names of different kinds are unrelated. */
export type ExecutionKind = (typeof executionKinds)[number];
/** What can happen to a toolkit as a whole. */
export type ToolkitOperation = 'create' | 'cache_hit' | 'cache_miss' | 'cleanup';
/** Where a run is in its life. */
export type RunState = 'started' | 'finished' | 'failed';
/** Where a cost comes from: the provider's own answer, the user's override, or a price table. */
export type CostSource = 'provider' | 'override' | 'computed';

/** Fields of every recorded event. An optional field that is missing or `undefined` is unknown. */
export interface EventFields {
  /**
   * UUID in lower case; version 7 if the client generated it. Backends use it to recognise a repeated delivery. '' and an `at` of
   * 0 where no backend of the client reads them (`counting`).
   */
  readonly id: string;
  /** Unix time in ms, UTC: the moment of the event (for an execution, its end), never that of a flush. */
  readonly at: number;
  readonly runId?: string | undefined;
  readonly userId?: string | undefined;
  readonly orgId?: string | undefined;
  /** How many events this one stands for, at least 1; set by sampling, otherwise absent, which means 1. */
  readonly weight?: number | undefined;
  /** Free JSON data. Only row stores keep it; it never becomes a metric label. At most 16 KiB. */
  readonly attributes?: JsonObject | undefined;
}

/** Why an execution failed. */
export interface ErrorInfo {
  /** A stable class of error, e.g. `TimeoutError`. Few distinct values: it becomes a metric label. */
  readonly type: string;
  readonly message?: string | undefined;
}

/** Tokens in five disjoint classes: their sum is the total. */
export interface Usage {
  /** Prompt tokens that came from no cache. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Completion tokens without the reasoning ones. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** A known cost. An absent cost is unknown, not 0. */
export interface Cost {
  /** Whole nano-dollars (10⁻⁹ USD), so that sums are exact. */
  readonly nanoUsd: number;
  readonly source: CostSource;
}

/** One call of a skill, tool, LLM, agent, search or other operation. */
export interface ExecutionEvent extends EventFields {
  readonly type: 'execution';
  readonly kind: ExecutionKind;
  /** Skill id, tool name, model name … Few distinct values: it becomes a metric label. */
  readonly name: string;
  readonly success: boolean;
  readonly latencyMs?: number | undefined;
  readonly error?: ErrorInfo | undefined;
  readonly version?: string | undefined;
  readonly toolkit?: string | undefined;
  /** `id` of the execution that caused this one. */
  readonly parentId?: string | undefined;
  /** 1 for the first try. */
  readonly attempt?: number | undefined;
  readonly cacheHit?: boolean | undefined;
  readonly inputBytes?: number | undefined;
  readonly outputBytes?: number | undefined;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly cost?: Cost | undefined;
}

/** A person's verdict on a skill. */
export interface RatingEvent extends EventFields {
  readonly type: 'rating';
  readonly skillId: string;
  /** Whole number, 1 to 5. */
  readonly rating: number;
  readonly executionId?: string | undefined;
  readonly comment?: string | undefined;
}

/** A health score that somebody set. */
export interface HealthEvent extends EventFields {
  readonly type: 'health';
  readonly skillId: string;
  /** 0 to 100. */
  readonly score: number;
  /** Whether the skill should no longer be used; holds until a later event sets it again. */
  readonly deprecated?: boolean | undefined;
}

/** An event of a toolkit as a whole. */
export interface ToolkitEvent extends EventFields {
  readonly type: 'toolkit';
  readonly toolkit: string;
  readonly operation: ToolkitOperation;
  readonly durationMs: number;
  readonly success: boolean;
  readonly error?: ErrorInfo | undefined;
}

/** User-defined numbers, optionally at a step of a run. */
export interface MetricsEvent extends EventFields {
  readonly type: 'metrics';
  readonly values: Readonly<Record<string, number>>;
  readonly step?: number | undefined;
}

/** The start or the end of the run named by `runId`. Fields that a later event leaves out keep their values. */
export interface RunEvent extends EventFields {
  readonly type: 'run';
  readonly runId: string;
  readonly state: RunState;
  readonly name?: string | undefined;
  readonly project?: string | undefined;
  readonly config?: JsonObject | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly summary?: JsonObject | undefined;
}

/** A file or a blob that a run produced: exactly one of `path` and `bytes`. */
export interface ArtifactEvent extends EventFields {
  readonly type: 'artifact';
  readonly name: string;
  /** What it is, e.g. `report` or `dataset`. */
  readonly kind: string;
  readonly path?: string | undefined;
  readonly bytes?: Uint8Array | undefined;
}

/** One recorded fact: valid, complete and immutable. */
export type AnalyticsEvent =
  | ExecutionEvent
  | RatingEvent
  | HealthEvent
  | ToolkitEvent
  | MetricsEvent
  | RunEvent
  | ArtifactEvent;

/** The discriminant of events. */
export type EventType = AnalyticsEvent['type'];
