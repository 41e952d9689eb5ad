import type { ExecutionEvent, ExecutionKind } from './event.ts';

/** A window of Unix times in ms: `from` is inside, `to` is not. Default: all time. */
export interface TimeRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Conditions that all must hold; what is left out does not filter. */
export interface Scope {
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
}

/**
 * Latency over the executions that have one, in ms; all null when there is none. Percentiles are nearest-rank: the
 * smallest latency that at least that share of the executions does not exceed. Sampled executions count by their weight.
 */
export interface LatencyStats {
  readonly average: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Counts are weighted by sampling; `successRate` is 0 to 1, or null without executions. */
export interface ExecutionCounts {
  readonly executions: number;
  readonly successes: number;
  readonly failures: number;
  readonly successRate: number | null;
}

export interface SkillUsageOptions {
  /** The window: this many times 24 hours up to now; > 0. Default: 30. */
  readonly days?: number | undefined;
  readonly orgId?: string | undefined;
}

export interface SkillUsage extends ExecutionCounts {
  readonly skillId: string;
  /** The window in Unix ms: `from` is inside, `to` is not. */
  readonly from: number;
  readonly to: number;
  /** Users that are known by id. */
  readonly uniqueUsers: number;
  readonly latencyMs: LatencyStats;
  /** Unix time in ms; null if never in the window. */
  readonly lastUsedAt: number | null;
}

export type LeaderboardMetric = 'executions' | 'success' | 'latency' | 'rating';
/** The last 24 hours, 7 days or 30 days up to now, or all time. */
export type Period = 'day' | 'week' | 'month' | 'all';

export interface LeaderboardOptions {
  /**
   * `executions`: most first; `success`: highest rate first; `latency`: lowest average first, skills without any known
   * latency left out; `rating`: highest average first, unrated skills left out. Default: `executions`.
   */
  readonly metric?: LeaderboardMetric | undefined;
  /** Default: `all`. */
  readonly period?: Period | undefined;
  readonly orgId?: string | undefined;
  /** 1 to 1000. Default: 10. */
  readonly limit?: number | undefined;
  /** Leaves out what was executed less often in the period. Default: 1; 0 for `rating`. */
  readonly minExecutions?: number | undefined;
  /** Whose leaderboard. Default: `skill`; ratings exist for skills only. */
  readonly kind?: ExecutionKind | undefined;
}

export interface LeaderboardEntry extends ExecutionCounts {
  /** From 1. Equal scores are ordered by executions, then by name. */
  readonly rank: number;
  readonly name: string;
  /** The number that the metric ranks by: a count, a rate of 0 to 1, ms, or stars of 1 to 5. */
  readonly score: number;
  readonly averageLatencyMs: number | null;
  readonly averageRating: number | null;
  readonly ratings: number;
}

export interface SummaryOptions extends Scope {
  readonly range?: TimeRange | undefined;
}

export interface NameSummary extends ExecutionCounts {
  readonly kind: ExecutionKind;
  readonly name: string;
  readonly averageLatencyMs: number | null;
}

export interface Summary extends ExecutionCounts {
  readonly latencyMs: LatencyStats;
  /** All tokens of all classes. */
  readonly totalTokens: number;
  /** Sum of the known costs in USD; null when no execution has one. */
  readonly totalCostUsd: number | null;
  /** Hits per execution that says whether it hit a cache; null when none does. */
  readonly cacheHitRate: number | null;
  /** Every kind and name with its counts, most used first. */
  readonly names: readonly NameSummary[];
  /** Failures by error type, most first; `unknown` for those without one. */
  readonly failuresByType: readonly {
    readonly kind: ExecutionKind;
    readonly name: string;
    readonly errorType: string;
    readonly failures: number;
  }[];
  /** The five slowest executions, slowest first. */
  readonly slowest: readonly ExecutionEvent[];
  /** Distinct runs among the executions. */
  readonly runs: number;
}

export interface ExecutionFilter extends TimeRange, Scope {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly success?: boolean | undefined;
  readonly errorType?: string | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface ExecutionPage {
  /** Newest first; events of the same ms by id, highest first. */
  readonly executions: readonly ExecutionEvent[];
  /** Pass it to get the next page; absent on the last one. */
  readonly nextCursor?: string | undefined;
}

/**
 * The read side of a backend. Every method rejects with `INVALID_CONFIG` on wrong options (all problems at once) and
 * answers from what was written before the call; through a client, from everything recorded before the call.
 */
export interface AnalyticsReader {
  /** Zeros and nulls for a skill that nobody used. */
  getSkillUsage(skillId: string, options?: SkillUsageOptions): Promise<SkillUsage>;
  getLeaderboard(options?: LeaderboardOptions): Promise<readonly LeaderboardEntry[]>;
  summary(options?: SummaryOptions): Promise<Summary>;
  /** A cursor is only good for the filter that it came from. */
  listExecutions(filter?: ExecutionFilter, cursor?: string): Promise<ExecutionPage>;
}
