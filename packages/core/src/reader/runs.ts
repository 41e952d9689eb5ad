import type { JsonObject, JsonValue, RunState } from '../events/event.ts';
import type { Estimate, ExecutionCounts, LatencyStats, TimeRange, WindowOptions } from './common.ts';

/** A figure of a run's own: what a list of runs is ordered by, and chosen by. */
export type RunFigure = 'startedAt' | 'durationMs' | 'executions' | 'failures' | 'costUsd' | 'tokens';

/** A condition on the last value of a metric that a run has logged; runs without that metric do not fulfil it. */
export interface MetricCondition {
  readonly metric: string;
  readonly op: '<' | '<=' | '=' | '>=' | '>';
  readonly value: number;
}

/** A condition on a figure of the run's own, in its unit; runs of which it is unknown do not fulfil it. */
export interface FigureCondition extends Omit<MetricCondition, 'metric'> {
  readonly figure: RunFigure;
}

export interface RunFilter extends TimeRange {
  readonly project?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: RunState | undefined;
  readonly tag?: string | undefined;
  /** All of them must hold; at most 100. */
  readonly where?: readonly (MetricCondition | FigureCondition)[] | undefined;
  /** One of the run's own figures, or a metric that runs have logged: those without it come last. Default: `startedAt`. */
  readonly orderBy?: RunFigure | { readonly metric: string } | undefined;
  /** Default: `desc`. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** A run with what its executions come to. `from` and `to` of a filter are about its start. */
export interface RunSummary extends ExecutionCounts {
  readonly runId: string;
  /** Null for a run that nobody started: it is known from its executions only. */
  readonly state: RunState | null;
  readonly name: string | null;
  readonly project: string | null;
  readonly tags: readonly string[];
  /** Unix time in ms: when it was first started, else its first execution. */
  readonly startedAt: number;
  /** Unix time in ms of its last end; null while it goes on, as it does when it was started again after that. */
  readonly finishedAt: number | null;
  /** From `startedAt` to `finishedAt`. */
  readonly durationMs: number | null;
  readonly totalTokens: number;
  readonly totalCostUsd: number | null;
  /** The last value of each metric: that of the highest step (one without a step comes before the first), then the latest. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Some runs, and where to go on. */
export interface RunPage {
  /** Equal ones by start, newest first, then by id. */
  readonly runs: readonly RunSummary[];
  readonly nextCursor?: string | undefined;
}

/** Of what retention has deleted, a summary still counts executions; what is below does not. */
export interface RunDetails extends RunSummary {
  readonly config: JsonObject;
  readonly summary: JsonObject;
  readonly latencyMs: LatencyStats;
  /** What executions called each other: 1 when none has a parent, 0 without executions. */
  readonly maxDepth: number;
  /** Each kind and name, most calls first, then by kind and name. */
  readonly modules: readonly {
    readonly kind: string;
    readonly name: string;
    readonly calls: number;
    readonly failures: number;
    readonly tokens: number;
    readonly costUsd: number | null;
    readonly averageLatencyMs: number | null;
  }[];
  /** Oldest first. `bytes` is the length of what is kept, null for a path. */
  readonly artifacts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly path: string | null;
    readonly bytes: number | null;
    readonly at: number;
  }[];
}

/** One value of a metric that was logged. */
export interface MetricPoint {
  readonly name: string;
  readonly step: number | null;
  readonly at: number;
  readonly value: number;
}

/** Which part of a history is wanted. */
export interface MetricHistoryOptions {
  /** Default: every metric. */
  readonly name?: string | undefined;
  /** 1 to 100000; the newest are kept. Default: 10000. */
  readonly limit?: number | undefined;
}

/** Runs side by side, each compared with the first. */
export interface RunComparison {
  /** In the order asked for. */
  readonly runs: readonly RunDetails[];
  /**
   * What is not the same in all of them, by the path of the setting (`model.name`, or `model["a.b"]` where a name has dots,
   * brackets or quotes, or is empty), one value a run; null where a run lacks it. Lists are compared whole.
   */
  readonly config: Readonly<Record<string, readonly (JsonValue | null)[]>>;
  /** Every metric that any of them has, one last value a run. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  /** Each run against the first one; so one less than runs. */
  readonly differences: readonly Difference[];
}

/**
 * One side against the other, by single executions: positive when the second is higher. Sampled executions count by their
 * weight, and for the 95 % confidence intervals as many as unweighted ones that say as much: (Σw)² / Σw². Intervals of means
 * take two on each side.
 */
export interface Difference {
  /** Of the success rates, -1 to 1 (Newcombe's interval). */
  readonly successRate: Estimate;
  /** Of the mean latencies, in ms (Welch's interval). */
  readonly averageLatencyMs: Estimate;
  /** Of the mean known costs, in USD (Welch's interval). */
  readonly averageCostUsd: Estimate;
}

/** By single executions: those that retention has deleted do not count. Estimates as in `Difference`. */
export interface VersionStats extends ExecutionCounts {
  readonly version: string;
  /** With the ends of Wilson's interval. */
  readonly successRateEstimate: Estimate;
  readonly latencyMs: LatencyStats;
  readonly averageLatencyMs: Estimate;
  readonly averageCostUsd: Estimate;
}

/** Two versions of a skill, and how surely they differ. */
export interface VersionComparison {
  readonly skillId: string;
  readonly versions: readonly [VersionStats, VersionStats];
  readonly difference: Difference;
}

/** The questions about runs and about versions. */
export interface RunReader {
  /** Runs that meet all conditions, page by page. */
  listRuns(filter?: RunFilter, cursor?: string): Promise<RunPage>;
  /** Undefined for an unknown run. */
  getRun(runId: string): Promise<RunDetails | undefined>;
  /** Oldest first, then by name and step. */
  getRunMetrics(runId: string, options?: MetricHistoryOptions): Promise<readonly MetricPoint[]>;
  /** Two to 100 runs; unknown ones are a wrong option. */
  compareRuns(runIds: readonly string[]): Promise<RunComparison>;
  /** Default window: all time. */
  compareVersions(
    skillId: string,
    versions: readonly [string, string],
    options?: WindowOptions,
  ): Promise<VersionComparison>;
}
