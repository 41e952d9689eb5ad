import type {
  AnalyticsEvent,
  Backend,
  ExecutionKind,
  JsonObject,
  RunState,
  ToolkitOperation,
  Usage,
} from '@toolweaver/analytics-core';

/** A backend under test, and a far side that nothing else writes to. Each law gets a new subject. */
export interface Subject {
  readonly backend: Backend;
  /**
   * Reads the far side itself (rows by SQL, the text of a scrape, the bodies that a server received), never the backend's
   * memory. Has to work after `backend.close()`, too.
   */
  observe(): Observation | Promise<Observation>;
  /** Makes the far side refuse everything from now on, as when the server is down or the disk is gone. */
  breakFarSide?(): void | Promise<void>;
  /** Undoes `breakFarSide`. */
  repairFarSide?(): void | Promise<void>;
  /** Returns a new backend on the same far side, as after a restart of the process. The first one is already closed. */
  reopen?(): Backend | Promise<Backend>;
  /** The tokens, passwords and keys that the backend was given, so that the laws can look for them. */
  readonly secrets?: readonly string[];
  /** Stops servers and deletes files. The backend is already closed. */
  dispose?(): void | Promise<void>;
}

/**
 * What a far side shows. Leave out a part that it does not keep (and skip the laws that need it, with a reason); a part
 * that it keeps but that is empty is `[]`. Entries with the same key (such as kind and name) are added up, so a store that
 * splits its series by further labels gives one entry per series. Stores of single events can return `tally(events)`.
 */
export interface Observation {
  readonly executions: readonly ExecutionTally[];
  readonly ratings?: readonly RatingTally[] | undefined;
  readonly health?: readonly HealthReading[] | undefined;
  readonly toolkits?: readonly ToolkitTally[] | undefined;
  readonly metrics?: readonly MetricTally[] | undefined;
  readonly runs?: readonly RunReading[] | undefined;
  readonly artifacts?: readonly ArtifactTally[] | undefined;
  /** Every event with all of its fields, in any order. Only stores of single events have it. */
  readonly events?: readonly AnalyticsEvent[] | undefined;
}

/** Executions of one kind and name. An execution counts as many times as its weight. */
export interface ExecutionTally {
  readonly kind: ExecutionKind;
  /** LLM calls in the laws have the same `name` and `model`, so either will do. */
  readonly name: string;
  readonly count: number;
  readonly successes: number;
  readonly failures: number;
  /** Count and sum over the executions with a known latency. Leave it out if the far side keeps none for this entry. */
  readonly latency?: { readonly count: number; readonly sumMs: number } | undefined;
  /** Sum of the known costs in nano-USD; null if no cost is known. Leave it out if the far side keeps none for this entry. */
  readonly nanoUsd?: number | null | undefined;
  /** Sums by token class; null if no usage is known. Leave it out if the far side keeps none for this entry. */
  readonly tokens?: Usage | null | undefined;
}

/** Ratings of a skill. */
export interface RatingTally {
  readonly skillId: string;
  readonly count: number;
  /** Sum of the stars. */
  readonly sum: number;
}

/** The health score that was set for a skill. */
export interface HealthReading {
  readonly skillId: string;
  /** The latest one. */
  readonly score: number;
}

/** Events of one toolkit and operation. */
export interface ToolkitTally {
  readonly toolkit: string;
  readonly operation: ToolkitOperation;
  readonly count: number;
  readonly failures: number;
}

/** The values of one metric in `metrics` events. */
export interface MetricTally {
  readonly name: string;
  readonly count: number;
  /** The latest one. */
  readonly last: number;
}

/** What the far side keeps of a run. */
export interface RunReading {
  readonly runId: string;
  /** The latest one. */
  readonly state: RunState;
  /** From the latest event of the run that has it, as are `config` and `tags`. */
  readonly name?: string | undefined;
  readonly config?: JsonObject | undefined;
  /** In any order; duplicates do not matter. */
  readonly tags?: readonly string[] | undefined;
}

/** Artifacts of one name and kind, in all runs. */
export interface ArtifactTally {
  readonly name: string;
  readonly kind: string;
  readonly count: number;
}
