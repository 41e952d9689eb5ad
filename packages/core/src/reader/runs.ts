import type { ExecutionKind, JsonObject, JsonValue, RunState } from '../events/event.ts';
import type { Estimate, ExecutionCounts, LatencyStats, TimeRange, WindowOptions } from './common.ts';
import type { OperationSummary } from './operations.ts';

/** A figure of a run, by which lists of runs are ordered and filtered. */
export type RunFigure = 'startedAt' | 'durationMs' | 'executions' | 'failures' | 'totalTokens' | 'totalCostUsd';

/** A condition on the last value of a metric that a run has logged; runs without that metric do not match. */
export interface MetricCondition {
  readonly metric: string;
  readonly op: '<' | '<=' | '=' | '>=' | '>';
  readonly value: number;
}

/** A condition on a figure of a run, in the figure's unit; runs for which it is unknown do not match. */
export interface FigureCondition extends Omit<MetricCondition, 'metric'> {
  readonly figure: RunFigure;
}

/** The runs to list: those that meet every condition, and in which order. `from` and `to` apply to their start. */
export interface RunFilter extends TimeRange {
  readonly project?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: RunState | undefined;
  readonly tag?: string | undefined;
  /** At most 100 conditions, all of which must hold. */
  readonly where?: readonly (MetricCondition | FigureCondition)[] | undefined;
  /** A figure of the runs, or a metric that they have logged; runs without it come last. Default: `startedAt`. */
  readonly orderBy?: RunFigure | { readonly metric: string } | undefined;
  /** Default: `desc`. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** A run with the totals of its executions. */
export interface RunSummary extends ExecutionCounts {
  readonly runId: string;
  /** Null for a run that was never started, and is known only from its executions. */
  readonly state: RunState | null;
  readonly name: string | null;
  readonly project: string | null;
  readonly tags: readonly string[];
  readonly config: JsonObject;
  /** Unix time in ms of its first start, else of its first execution. */
  readonly startedAt: number;
  /** Unix time in ms of its last end; null while it is under way, also when it was started again after an end. */
  readonly finishedAt: number | null;
  /** From `startedAt` to `finishedAt`. */
  readonly durationMs: number | null;
  readonly totalTokens: number;
  readonly totalCostUsd: number | null;
  /** The last value of each metric: that of the highest step (values without a step come before all steps), then the latest. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A page of runs. */
export interface RunPage {
  /** In the order asked for; ties by start, newest first, then by id. */
  readonly runs: readonly RunSummary[];
  readonly nextCursor?: string | undefined;
}

/** A run in detail. Executions that retention has deleted still count in the fields of `RunSummary`, but not in those below. */
export interface RunDetails extends RunSummary {
  readonly summary: JsonObject;
  readonly latencyMs: LatencyStats;
  /** Depth of the call tree: 1 if no execution has a parent, 0 without executions. */
  readonly maxDepth: number;
  /** Most used first, then by kind and name. */
  readonly operations: readonly OperationSummary[];
  /** Oldest first. `bytes` is the length of the stored content, null for a path. */
  readonly artifacts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly path: string | null;
    readonly bytes: number | null;
    readonly at: number;
  }[];
}

/** One logged value of a metric. */
export interface MetricPoint {
  readonly name: string;
  readonly step: number | null;
  readonly at: number;
  readonly value: number;
}

/** Which part of the metric history to return. */
export interface MetricHistoryOptions {
  /** Default: every metric. */
  readonly name?: string | undefined;
  /** How many values, the newest ones; 1 to 100000. Default: 10000. */
  readonly limit?: number | undefined;
}

/** Runs side by side, each compared with the first. */
export interface RunComparison {
  /** In the order asked for. */
  readonly runs: readonly RunDetails[];
  /**
   * Settings that differ between the runs, by path (`model.name`, or `model["a.b"]` if a name has dots, brackets or quotes, or is
   * empty), with one value per run; null if a run lacks the setting. Arrays are compared whole.
   */
  readonly config: Readonly<Record<string, readonly (JsonValue | null)[]>>;
  /** Every metric that any of the runs has, with its last value per run. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  /** Each further run against the first: one fewer than `runs`. */
  readonly differences: readonly Difference[];
}

/**
 * The difference between two sides, from individual executions: positive if the second is higher. Sampled executions count by
 * weight; the 95 % confidence intervals use the effective sample size (Σw)² / Σw². Intervals of means need two on each side.
 */
export interface Difference {
  /** Difference of the success rates, -1 to 1 (Newcombe's interval). */
  readonly successRate: Estimate;
  /** Difference of the mean latencies, in ms (Welch's interval). */
  readonly averageLatencyMs: Estimate;
  /** Difference of the mean known costs, in USD (Welch's interval). */
  readonly averageCostUsd: Estimate;
}

/** Figures of a version, from individual executions that retention has not deleted. Estimates as in `Difference`. */
export interface VersionStats extends ExecutionCounts {
  readonly version: string;
  /** The success rate with Wilson's interval. */
  readonly successRateEstimate: Estimate;
  readonly latencyMs: LatencyStats;
  readonly averageLatencyMs: Estimate;
  readonly averageCostUsd: Estimate;
}

/** Options of `compareVersions()`. Default window: all time. */
export interface CompareVersionsOptions extends WindowOptions {
  /** Default: `skill`. */
  readonly kind?: ExecutionKind | undefined;
  readonly orgId?: string | undefined;
}

/** Two versions of a skill, tool, agent or other operation, and how they differ. */
export interface VersionComparison {
  readonly kind: ExecutionKind;
  readonly name: string;
  readonly versions: readonly [VersionStats, VersionStats];
  readonly difference: Difference;
}

/** Queries about runs and versions. */
export interface RunReader {
  /** Runs that match all conditions, page by page. */
  listRuns(filter?: RunFilter, cursor?: string): Promise<RunPage>;
  /** Undefined for an unknown run. */
  getRun(runId: string): Promise<RunDetails | undefined>;
  /** Oldest first, then by name and step. */
  getRunMetrics(runId: string, options?: MetricHistoryOptions): Promise<readonly MetricPoint[]>;
  /** Compares 2 to 100 runs; rejects with `INVALID_CONFIG` if one is unknown. */
  compareRuns(runIds: readonly string[]): Promise<RunComparison>;
  /** Compares two versions of a skill, or of an operation of another kind. */
  compareVersions(
    name: string,
    versions: readonly [string, string],
    options?: CompareVersionsOptions,
  ): Promise<VersionComparison>;
}
