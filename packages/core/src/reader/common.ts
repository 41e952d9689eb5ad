/** A window in Unix ms; an end that is left out is open. What looks like seconds (1e9 to 1e10) is refused. */
export interface TimeRange {
  /** Inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
}

/** The window that an answer is about, with both ends. */
export interface Window {
  /** Unix time in ms, inclusive. */
  readonly from: number;
  /** Unix time in ms, exclusive. */
  readonly to: number;
}

/** The time that a query covers: `from` to `to`, or `days`. */
export interface WindowOptions extends TimeRange {
  /** The last `days` × 24 hours up to now; > 0, and not together with `from` or `to`. */
  readonly days?: number | undefined;
}

/** Conditions that must all hold; one that is left out does not filter. */
export interface Scope {
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
}

/**
 * Latency in ms of the executions that have one; all null if none has. Percentiles are nearest-rank: the smallest latency that
 * at least that share of the executions does not exceed; a store may be off by up to 1 %. Sampled executions count by weight.
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

/** Totals of the five disjoint classes of tokens, and their sum. */
export interface TokenTotals {
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** An estimate with the ends of its 95 % confidence interval; all null if there are too few data. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** The bucket width of a time series. */
export type Bucket = 'hour' | 'day';
