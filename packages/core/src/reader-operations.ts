import type { ExecutionEvent, ExecutionKind } from './event.ts';
import type {
  Bucket,
  ExecutionCounts,
  LatencyStats,
  Scope,
  TimeRange,
  TokenTotals,
  Window,
  WindowOptions,
} from './reader-common.ts';

export interface SummaryOptions extends Scope, WindowOptions {}

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

/** What executions a report is about. */
export interface ReportOptions extends Scope, WindowOptions {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
}

/** `operation` is a kind together with a name. */
export type CostGroup = 'operation' | 'kind' | 'model' | 'organisation' | 'user' | 'run';

export interface CostOptions extends ReportOptions {
  /** Default: `operation`. */
  readonly by?: CostGroup | undefined;
  /** 1 to 1000. Default: 100. The most expensive are kept. */
  readonly limit?: number | undefined;
}

export interface CostTotals {
  readonly executions: number;
  /** How many of them have a known cost. */
  readonly pricedExecutions: number;
  /** Sum of the known costs; null when none is known. */
  readonly totalCostUsd: number | null;
  /** `totalCostUsd` / `pricedExecutions`. */
  readonly averageCostUsd: number | null;
  readonly totalTokens: number;
}

export interface CostEntry extends CostTotals {
  /** Null unless the report is by operation or by kind. */
  readonly kind: ExecutionKind | null;
  /** Name, model, or id of the organisation, user or run, as the report is by; null for what has none, and by kind. */
  readonly name: string | null;
}

export interface CostReport extends CostTotals {
  /** Most expensive first, unknown costs last; then by kind and name. */
  readonly entries: readonly CostEntry[];
}

export interface ErrorReportOptions extends ReportOptions {
  /** 1 to 1000, for each of the lists. Default: 100. */
  readonly limit?: number | undefined;
}

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
  /** `unknown` for failures without one. */
  readonly errorType: string;
  readonly failures: number;
  /** Share of all failures of the report, 0 to 1. */
  readonly share: number;
  /** Which operations fail so, most failures first. */
  readonly operations: readonly { readonly kind: ExecutionKind; readonly name: string; readonly failures: number }[];
}

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

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** 0 to 1; null when no execution says whether it hit a cache. */
  readonly hitRate: number | null;
}

export interface CacheReport extends CacheStats {
  /** Operations of which any execution says so, most requests first, then by kind and name. */
  readonly operations: readonly (CacheStats & { readonly kind: ExecutionKind; readonly name: string })[];
}

export interface ModelStats extends ExecutionCounts, TokenTotals, CostTotals {
  readonly model: string;
  readonly latencyMs: LatencyStats;
  /** Known cost for each success; null where no cost is known or nothing succeeded. */
  readonly costPerSuccessUsd: number | null;
}

export interface LatencyOptions extends ReportOptions {
  /** Which percentiles, each above 0 and at most 100. Default: 50, 90, 95, 99. */
  readonly percentiles?: readonly number[] | undefined;
  /**
   * Upper ends of the histogram's buckets in ms, rising; an end is inside. Default: 10, 50, 100, 200, 500, 1000, 2000, 5000,
   * 10000, 30000, 60000.
   */
  readonly bucketsMs?: readonly number[] | undefined;
}

export interface LatencyReport extends LatencyStats {
  /** Executions with a known latency. */
  readonly count: number;
  readonly percentiles: readonly { readonly percentile: number; readonly ms: number | null }[];
  /** One more than the ends given: `upToMs` of the last is null. Counts may be off by what a 1 % error of a latency makes. */
  readonly histogram: readonly { readonly upToMs: number | null; readonly count: number }[];
}

export interface TrendOptions extends ReportOptions {
  /** Default: `day`. Hours and days are those of UTC. */
  readonly bucket?: Bucket | undefined;
}

export interface TrendPoint extends ExecutionCounts, Window {
  readonly uniqueUsers: number;
  readonly averageLatencyMs: number | null;
  readonly p50LatencyMs: number | null;
  readonly p95LatencyMs: number | null;
  readonly p99LatencyMs: number | null;
  readonly totalTokens: number;
  readonly totalCostUsd: number | null;
  readonly cacheHitRate: number | null;
}

export interface HeatmapOptions extends WindowOptions {
  /** Default: `tool`. */
  readonly kind?: ExecutionKind | undefined;
  readonly orgId?: string | undefined;
  /** The most used names; 1 to 1000. Default: 20. */
  readonly limit?: number | undefined;
}

/** How much each name is used at each hour of the day (UTC). */
export interface Heatmap {
  readonly rows: readonly {
    readonly name: string;
    readonly executions: number;
    /** 24 of them, from midnight on. */
    readonly hours: readonly {
      readonly executions: number;
      readonly failures: number;
      readonly averageLatencyMs: number | null;
    }[];
  }[];
}

export type ExecutionOrder = 'time' | 'latency' | 'cost';

export interface ExecutionFilter extends TimeRange, Scope {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly success?: boolean | undefined;
  readonly errorType?: string | undefined;
  readonly model?: string | undefined;
  readonly toolkit?: string | undefined;
  readonly version?: string | undefined;
  /** Those that took at least so long, in ms. */
  readonly minLatencyMs?: number | undefined;
  /** Newest, slowest or most expensive first; the latter two leave out what has no known latency or cost. Default: `time`. */
  readonly orderBy?: ExecutionOrder | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface ExecutionPage {
  /** In the order asked for, then newest first; events of the same ms by id, highest first. */
  readonly executions: readonly ExecutionEvent[];
  /** Pass it to get the next page; absent on the last one. */
  readonly nextCursor?: string | undefined;
}

/** The questions about executions of every kind. Without `days` or `range` they are about all time. */
export interface OperationReader {
  summary(options?: SummaryOptions): Promise<Summary>;
  getCosts(options?: CostOptions): Promise<CostReport>;
  getErrors(options?: ErrorReportOptions): Promise<ErrorReport>;
  getCacheStats(options?: ReportOptions): Promise<CacheReport>;
  /** Models that were named, most executions first, then by name. */
  compareModels(options?: ReportOptions): Promise<readonly ModelStats[]>;
  getLatency(options?: LatencyOptions): Promise<LatencyReport>;
  /**
   * Oldest first; whole buckets, each of them, empty ones too. Default window: 30 days, or 48 hours by the hour; at most 1000
   * buckets.
   */
  getTrend(options?: TrendOptions): Promise<readonly TrendPoint[]>;
  /** Default window: 30 days. */
  getHeatmap(options?: HeatmapOptions): Promise<Heatmap>;
  /** A cursor is only good for the filter that it came from. */
  listExecutions(filter?: ExecutionFilter, cursor?: string): Promise<ExecutionPage>;
}
