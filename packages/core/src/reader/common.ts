/** A window of Unix times in ms: `from` is inside, `to` is not. Default: all time. What looks like seconds (1e9 to 1e10) is refused. */
export interface TimeRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** A window with both ends, as an answer names it. */
export interface Window {
  /** Unix time in ms; inside. */
  readonly from: number;
  /** Unix time in ms; outside. */
  readonly to: number;
}

/** Which time a question is about: at most one of the two. */
export interface WindowOptions {
  /** This many times 24 hours up to now; > 0. */
  readonly days?: number | undefined;
  readonly range?: TimeRange | undefined;
}

/** Conditions that all must hold; what is left out does not filter. */
export interface Scope {
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
}

/**
 * Latency over the executions that have one, in ms; all null when there is none. Percentiles are nearest-rank: the
 * smallest latency that at least that share of the executions does not exceed; a store may give them to within 1 %.
 * Sampled executions count by their weight.
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

/** Sums of the five disjoint classes of tokens, and of all of them. */
export interface TokenTotals {
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** An estimate with the ends of its 95 % confidence interval; all null where there is too little to say. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** The width of a step of a series. */
export type Bucket = 'hour' | 'day';
