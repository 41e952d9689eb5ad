import type {
  AnalyticsEvent,
  Backend,
  ExecutionKind,
  JsonObject,
  RunState,
  ToolkitOperation,
  Usage,
} from '@toolweaver/analytics-core';

/** One backend on a far side that nothing else writes to; each law gets a new one. */
export interface Subject {
  readonly backend: Backend;
  /**
   * Reads the far side itself (rows by SQL, the text of a scrape, the bodies that a server got), never the backend's
   * memory. Has to work after `backend.close()`, too.
   */
  observe(): Observation | Promise<Observation>;
  /** From now on the far side takes nothing: the server is down, the disk is gone. */
  breakFarSide?(): void | Promise<void>;
  /** Undoes `breakFarSide`. */
  repairFarSide?(): void | Promise<void>;
  /** A new backend on the same far side, as after a restart of the process; the first one is closed by then. */
  reopen?(): Backend | Promise<Backend>;
  /** The tokens, passwords and keys that the backend was given, so that the laws can look for them. */
  readonly secrets?: readonly string[];
  /** Stops servers and deletes files; the backend is closed by then. */
  dispose?(): void | Promise<void>;
}

/**
 * What a far side shows. A part that it does not keep is left out (and the laws that need it are skipped with a reason);
 * a part that it keeps and that is empty is `[]`. Entries of the same subject are added up, so a store that splits its
 * series by further labels gives one entry per series. Stores of single events get all of it from `tally(events)`.
 */
export interface Observation {
  readonly executions: readonly ExecutionTally[];
  readonly ratings?: readonly RatingTally[] | undefined;
  readonly health?: readonly HealthReading[] | undefined;
  readonly toolkits?: readonly ToolkitTally[] | undefined;
  readonly metrics?: readonly MetricTally[] | undefined;
  readonly runs?: readonly RunReading[] | undefined;
  readonly artifacts?: readonly ArtifactTally[] | undefined;
  /** Every event with all of its fields, in any order; from stores of single events. */
  readonly events?: readonly AnalyticsEvent[] | undefined;
}

/** Executions by kind and name; a sampled one counts as many times as its weight says. */
export interface ExecutionTally {
  readonly kind: ExecutionKind;
  /** An LLM call of the laws has the same `name` and `model`, so either label will do. */
  readonly name: string;
  readonly count: number;
  readonly successes: number;
  readonly failures: number;
  /** Of the executions whose latency is known. Left out: not kept for this subject. */
  readonly latency?: { readonly count: number; readonly sumMs: number } | undefined;
  /** Sum of the known costs in nano-USD; null: no cost is known. Left out: not kept for this subject. */
  readonly nanoUsd?: number | null | undefined;
  /** Sums by class; null: no usage is known. Left out: not kept for this subject. */
  readonly tokens?: Usage | null | undefined;
}

/** Ratings of a skill. */
export interface RatingTally {
  readonly skillId: string;
  readonly count: number;
  /** Of the stars. */
  readonly sum: number;
}

/** The health score that was set for a skill. */
export interface HealthReading {
  readonly skillId: string;
  /** The latest one. */
  readonly score: number;
}

/** Events of a toolkit by operation. */
export interface ToolkitTally {
  readonly toolkit: string;
  readonly operation: ToolkitOperation;
  readonly count: number;
  readonly failures: number;
}

/** A value of a `metrics` event. */
export interface MetricTally {
  readonly name: string;
  readonly count: number;
  /** The latest one. */
  readonly last: number;
}

/** What is kept of a run. */
export interface RunReading {
  readonly runId: string;
  /** The latest one. */
  readonly state: RunState;
  /** Of the latest event that says it, as are the others. */
  readonly name?: string | undefined;
  readonly config?: JsonObject | undefined;
  /** In any order, each once or more. */
  readonly tags?: readonly string[] | undefined;
}

/** Artifacts by name and kind, of all runs. */
export interface ArtifactTally {
  readonly name: string;
  readonly kind: string;
  readonly count: number;
}
