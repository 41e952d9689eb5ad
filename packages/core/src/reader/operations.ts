import type { ExecutionEvent, ExecutionKind } from '../events/event.ts';
import type { Bucket, ExecutionCounts, LatencyStats, Scope, TokenTotals, Window, WindowOptions } from './common.ts';
import type { ExecutionFilter, ExecutionPage } from './executions.ts';

/** The executions that a summary covers. Default: all. */
export interface SummaryOptions extends Scope, WindowOptions {}

/** Known costs, and the executions that they are of. */
export interface CostTotals {
  readonly executions: number;
  /** How many of `executions` have a known cost. */
  readonly pricedExecutions: number;
  /** Sum of the known costs; null when none is known. */
  readonly totalCostUsd: number | null;
  /** `totalCostUsd` / `pricedExecutions`. */
  readonly averageCostUsd: number | null;
  /** All tokens of all classes. */
  readonly totalTokens: number;
}

/** Figures of one operation: a kind together with a name. */
export interface OperationSummary extends ExecutionCounts, CostTotals {
  readonly kind: ExecutionKind;
  readonly name: string;
  /** Null if no latency is known. */
  readonly averageLatencyMs: number | null;
}

/** Figures of all executions covered, in total and by operation. Sampled ones count by weight, except in `slowest` and `runs`. */
export interface Summary extends ExecutionCounts, CostTotals {
  readonly latencyMs: LatencyStats;
  /** Share of cache hits among the executions with a `cacheHit`; null without any. */
  readonly cacheHitRate: number | null;
  /** Every operation, most used first, then by kind and name. */
  readonly operations: readonly OperationSummary[];
  /** Failures by error type, most first, then by kind, name and error type; `unknown` for those without one. */
  readonly failuresByType: readonly {
    readonly kind: ExecutionKind;
    readonly name: string;
    readonly errorType: string;
    readonly failures: number;
  }[];
  /** The five slowest executions that are still stored individually, slowest first, then newest first. */
  readonly slowest: readonly ExecutionEvent[];
  /**
   * Runs active in the window: with an execution before its end and one at or after its start. A run belongs to the
   * organisation that its executions named last. With `userId` or `runId`: the distinct runs among the executions.
   */
  readonly runs: number;
}

/** The executions that a report covers. */
export interface ReportOptions extends Scope, WindowOptions {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
}

/**
 * `operation` groups by kind and name, each with its own costs. `skill`, `tool` and `agent` assign each cost to the nearest one
 * around it: the execution itself, else the first of that kind along its chain of callers (`parentId`). Callers that ended before
 * the window, because the work outlived them, are not considered.
 */
export type CostGroup = 'operation' | 'kind' | 'model' | 'organisation' | 'user' | 'run' | 'skill' | 'tool' | 'agent';

/** The executions that a cost report covers, how it groups them, and how many groups it lists; its totals include the others. */
export interface CostOptions extends ReportOptions {
  /** Default: `operation`. */
  readonly by?: CostGroup | undefined;
  /** 1 to 1000. Default: 100. The most expensive are kept. */
  readonly limit?: number | undefined;
}

/** One line of a cost report. */
export interface CostEntry extends CostTotals {
  /** Null for what is outside of any skill, tool or agent, and in reports by model, organisation, user or run. */
  readonly kind: ExecutionKind | null;
  /**
   * The name, model, or id of the organisation, user or run that the report groups by. Null in reports by kind, and for what has
   * none, is outside of any, or belongs to a run that is no longer stored.
   */
  readonly name: string | null;
  /**
   * By skill, tool or agent: how many of `executions` are calls of itself. Null if none is (with a filter by another kind, say),
   * outside of any, and in other reports.
   */
  readonly calls: number | null;
  /** `totalCostUsd` / `calls`: the cost of a call with everything inside it. Null if either is null. */
  readonly costPerCallUsd: number | null;
}

/** A cost report. By user, run, skill, tool or agent it may reach back only as far as individual executions are stored. */
export interface CostReport extends CostTotals {
  /** Most expensive first, unknown costs last; then by kind and name, null last. */
  readonly entries: readonly CostEntry[];
}

/** The executions that a waste report covers, and how many operations it lists; its totals include the others. */
export interface WasteOptions extends ReportOptions {
  /** 1 to 1000 operations. Default: 100. The most wasteful are kept. */
  readonly limit?: number | undefined;
}

/** Work that came to nothing. */
export interface WasteStats {
  readonly total: CostTotals;
  /** Executions that failed. */
  readonly failed: CostTotals;
  /**
   * Executions that succeeded and were repeated all the same. Within one operation under the same parent (or, without one, in the
   * same run), each attempt `n + 1` repeats an attempt `n`: a failed one if there is one, else the latest.
   */
  readonly superseded: CostTotals;
  /** Executions that failed or were superseded. */
  readonly wasted: CostTotals;
  /** Second and later attempts (`attempt` above 1), whatever their outcome; so some of them are wasted, too. */
  readonly retried: CostTotals;
  /** Known wasted cost as a share of all known cost, 0 to 1; null if all known cost is 0, or no cost is known. */
  readonly wastedShare: number | null;
  /** Share of first attempts (`attempt` 1 or absent) that succeeded and were not superseded; null without any. */
  readonly firstTrySuccessRate: number | null;
  /** All known cost per success that was not superseded; null without such a success or without a known cost. */
  readonly costPerSuccessUsd: number | null;
}

/** May reach back only as far as individual executions are stored, and sees only repeats within its window and filter. */
export interface WasteReport extends WasteStats {
  /** Most wasted cost first, then most executions, then by kind and name; includes operations that waste nothing. */
  readonly operations: readonly (WasteStats & { readonly kind: ExecutionKind; readonly name: string })[];
}

/** The executions that an error report covers, and how long its lists are; its totals include the rest. */
export interface ErrorReportOptions extends ReportOptions {
  /** 1 to 1000, for each of the lists. Default: 100. */
  readonly limit?: number | undefined;
}

/** How often one operation fails. */
export interface OperationErrors {
  readonly kind: ExecutionKind;
  readonly name: string;
  readonly executions: number;
  readonly failures: number;
  /** 0 to 1. */
  readonly errorRate: number;
}

/** Failures of one error type. */
export interface FailureGroup {
  /** `unknown` for failures without one, and for the rest if a store keeps only an operation's first 100 types of a day. */
  readonly errorType: string;
  readonly failures: number;
  /** Share of all failures of the report, 0 to 1. */
  readonly share: number;
  /** Operations that fail with this type, most failures first, then by kind and name. */
  readonly operations: readonly { readonly kind: ExecutionKind; readonly name: string; readonly failures: number }[];
}

/** Failures by operation, and by type of error. */
export interface ErrorReport {
  readonly executions: number;
  readonly failures: number;
  /** 0 to 1; null without executions. */
  readonly errorRate: number | null;
  /** Every operation, highest error rate first, then most failures, then by kind and name. */
  readonly operations: readonly OperationErrors[];
  /** Most failures first, then by error type. */
  readonly groups: readonly FailureGroup[];
}

/** Cache hits and misses of the executions with a `cacheHit`. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** 0 to 1; null without such executions. */
  readonly hitRate: number | null;
}

/** Hits and misses, in total and by operation. */
export interface CacheReport extends CacheStats {
  /** Operations with any such execution, most of them first, then by kind and name. */
  readonly operations: readonly (CacheStats & { readonly kind: ExecutionKind; readonly name: string })[];
}

/** Figures of the executions, of any kind, that name one model. Sampled ones count by weight. */
export interface ModelStats extends ExecutionCounts, TokenTotals, CostTotals {
  readonly model: string;
  readonly latencyMs: LatencyStats;
  /** Known cost per success; null if no cost is known or nothing succeeded. */
  readonly costPerSuccessUsd: number | null;
}

/** The executions that a latency report covers, its percentiles, and the buckets of its histogram. */
export interface LatencyOptions extends ReportOptions {
  /** Which percentiles: 1 to 100 numbers from 1 to 100, such as 95 or 99.9. Default: 50, 90, 95, 99. */
  readonly percentiles?: readonly number[] | undefined;
  /**
   * Upper bounds of the histogram's buckets in ms, inclusive: 1 to 100 ascending numbers >= 0. Default: 10, 50, 100, 200, 500,
   * 1000, 2000, 5000, 10000, 30000, 60000.
   */
  readonly bucketsMs?: readonly number[] | undefined;
}

/** How the known latencies are distributed. Sampled executions count by weight. */
export interface LatencyReport {
  /** Executions with a known latency. */
  readonly count: number;
  readonly latencyMs: LatencyStats;
  /** In the order asked for. */
  readonly percentiles: readonly { readonly percentile: number; readonly ms: number | null }[];
  /**
   * One bucket more than there are bounds: `upToMs` of the last is null. A store that keeps latencies to within 1 % may count
   * a latency of up to 2 % above a bound as below it.
   */
  readonly histogram: readonly { readonly upToMs: number | null; readonly count: number }[];
}

/** The executions that a trend covers, and the width of its buckets. */
export interface TrendOptions extends ReportOptions {
  /** Default: `day`. Hours and days are in UTC. */
  readonly bucket?: Bucket | undefined;
  /** Whether to count users and compute percentiles, which takes many times as long as sums. Default: only with a `name`. */
  readonly distributions?: boolean | undefined;
}

/** One hour or day of a trend, in UTC. Without executions, its counts are 0, and its rates, latencies and cost null. */
export interface TrendPoint extends ExecutionCounts, Window {
  /** Distinct user ids; null without `distributions`. */
  readonly uniqueUsers: number | null;
  readonly averageLatencyMs: number | null;
  /** Percentiles; also null without `distributions`. */
  readonly p50LatencyMs: number | null;
  readonly p95LatencyMs: number | null;
  readonly p99LatencyMs: number | null;
  readonly totalTokens: number;
  readonly totalCostUsd: number | null;
  readonly cacheHitRate: number | null;
}

/** The executions that a heatmap covers (default window: the last 30 days), and how many names it shows. */
export interface HeatmapOptions extends WindowOptions {
  /** Default: `tool`. */
  readonly kind?: ExecutionKind | undefined;
  readonly orgId?: string | undefined;
  /** How many names, the most used ones; 1 to 1000. Default: 20. */
  readonly limit?: number | undefined;
}

/** How much each name is used at each hour of the day (UTC). */
export interface Heatmap {
  /** Most used first, then by name. */
  readonly rows: readonly {
    readonly name: string;
    readonly executions: number;
    /** The 24 hours from midnight on. */
    readonly hours: readonly {
      readonly executions: number;
      readonly failures: number;
      readonly averageLatencyMs: number | null;
    }[];
  }[];
}

/** Queries about executions of every kind. Without a window they cover all time, unless stated otherwise. */
export interface OperationReader {
  /** All counts at once: the report to begin with. */
  summary(options?: SummaryOptions): Promise<Summary>;
  /** What executions cost, grouped by `by`. */
  getCosts(options?: CostOptions): Promise<CostReport>;
  /** What failed or was repeated, and what that cost. */
  getWaste(options?: WasteOptions): Promise<WasteReport>;
  /** How often operations fail, and with which types of error. */
  getErrors(options?: ErrorReportOptions): Promise<ErrorReport>;
  /** How often caches answered. */
  getCacheStats(options?: ReportOptions): Promise<CacheReport>;
  /** Figures of each model, most executions first, then by name. */
  compareModels(options?: ReportOptions): Promise<readonly ModelStats[]>;
  /** Percentiles, average and histogram of latencies. */
  getLatency(options?: LatencyOptions): Promise<LatencyReport>;
  /**
   * A time series of whole buckets, oldest first, empty ones included. `days` end with the current bucket; `from` and `to` are
   * widened to whole buckets. Default window: 30 days, or 48 hours with hourly buckets, up to `to` or the current bucket; at most
   * 1000 buckets. Buckets of which the store has deleted something are left out.
   */
  getTrend(options?: TrendOptions): Promise<readonly TrendPoint[]>;
  /** Default window: 30 days. Reaches back only as far as hourly sums are stored, or with `orgId` individual executions. */
  getHeatmap(options?: HeatmapOptions): Promise<Heatmap>;
  /** A cursor is valid only for the filter and order that it came from. */
  listExecutions(filter?: ExecutionFilter, cursor?: string): Promise<ExecutionPage>;
}
