import type { ExecutionEvent, ExecutionKind } from '../events/event.ts';
import type {
  Bucket,
  ExecutionCounts,
  LatencyStats,
  Scope,
  TimeRange,
  TokenTotals,
  Window,
  WindowOptions,
} from './common.ts';

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
  /** Every kind and name with its counts, most used first, then by kind and name. */
  readonly names: readonly NameSummary[];
  /** Failures by error type, most first, then by kind, name and error type; `unknown` for those without one. */
  readonly failuresByType: readonly {
    readonly kind: ExecutionKind;
    readonly name: string;
    readonly errorType: string;
    readonly failures: number;
  }[];
  /** The five slowest executions that are still kept one by one, slowest first, then newest first. */
  readonly slowest: readonly ExecutionEvent[];
  /**
   * Runs that went on in the window: with an execution before its end and one at or after its start. A run is of the
   * organisation that its executions named last. With a user or a run: the distinct runs among the executions.
   */
  readonly runs: number;
}

/** What executions a report is about. */
export interface ReportOptions extends Scope, WindowOptions {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
}

/**
 * `operation` is a kind together with a name, each with its own costs. `skill`, `tool` and `agent` give each cost to the nearest
 * one around it: the execution itself, else the first of that kind among those that called it, as its `parentId` says. Callers
 * that ended before the window, as those of work that outlived them may have, are not looked for.
 */
export type CostGroup = 'operation' | 'kind' | 'model' | 'organisation' | 'user' | 'run' | 'skill' | 'tool' | 'agent';

export interface CostOptions extends ReportOptions {
  /** Default: `operation`. */
  readonly by?: CostGroup | undefined;
  /** 1 to 1000. Default: 100. The most expensive are kept. */
  readonly limit?: number | undefined;
}

/** Known costs, and how many executions they are of. */
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

/** One line of a cost report. */
export interface CostEntry extends CostTotals {
  /** Null unless the report is by operation, kind, skill, tool or agent, and for what is outside of any. */
  readonly kind: ExecutionKind | null;
  /**
   * Name, model, or id of the organisation, user or run, as the report is by; null by kind, and for what has none, is outside
   * of any, or is of a run that is no longer kept.
   */
  readonly name: string | null;
  /**
   * By skill, tool or agent: how often it was called itself, of all `executions`. Null where none of these are its own, as with a
   * filter by another kind, or outside of any; and in reports by something else.
   */
  readonly calls: number | null;
  /** `totalCostUsd` / `calls`: what a call of it costs with all that is in it. Null where one of them is. */
  readonly costPerCallUsd: number | null;
}

/** By user, run, skill, tool or agent it may reach only as far back as single executions are kept. */
export interface CostReport extends CostTotals {
  /** Most expensive first, unknown costs last; then by kind and name, null last. */
  readonly entries: readonly CostEntry[];
}

export interface WasteOptions extends ReportOptions {
  /** 1 to 1000 operations. Default: 100. The most wasteful are kept. */
  readonly limit?: number | undefined;
}

/** What work came to nothing. */
export interface WasteStats {
  readonly total: CostTotals;
  /** What did not succeed. */
  readonly failed: CostTotals;
  /**
   * What succeeded and was done again all the same. Of one operation under the same parent (or, without one, in the same run),
   * each try `n + 1` repeats a try `n`: a failed one where there is one, else the latest.
   */
  readonly superseded: CostTotals;
  /** What failed or was superseded. */
  readonly wasted: CostTotals;
  /** Second and further tries (`attempt` above 1), whatever became of them; so some of them are wasted, too. */
  readonly retried: CostTotals;
  /** Known cost of what was wasted, of all known cost, 0 to 1; null where that is nothing or not known. */
  readonly wastedShare: number | null;
  /** First tries (`attempt` 1, or none said) that succeeded and were not superseded, of all first tries; null without any. */
  readonly firstTrySuccessRate: number | null;
  /** Known cost of everything, for each success that was not superseded; null where there is none or no cost is known. */
  readonly costPerSuccessUsd: number | null;
}

/** It may reach only as far back as single executions are kept, and sees repetitions within its window and filter. */
export interface WasteReport extends WasteStats {
  /** Most cost wasted first, then most executions, then by kind and name; also those that waste nothing. */
  readonly operations: readonly (WasteStats & { readonly kind: ExecutionKind; readonly name: string })[];
}

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
  /** `unknown` for failures without one, and where a store keeps only an operation's first 100 types of a day, for the rest. */
  readonly errorType: string;
  readonly failures: number;
  /** Share of all failures of the report, 0 to 1. */
  readonly share: number;
  /** Which operations fail so, most failures first, then by kind and name. */
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

/** Of the executions that said whether a cache answered them. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** 0 to 1; null when no execution says whether it hit a cache. */
  readonly hitRate: number | null;
}

/** Hits and misses of all, and of each operation. */
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
  /** Which percentiles, each above 0 and at most 100; 1 to 100 of them. Default: 50, 90, 95, 99. */
  readonly percentiles?: readonly number[] | undefined;
  /**
   * Upper ends of the histogram's buckets in ms, 0 or more, rising, 1 to 100 of them; an end is inside. Default: 10, 50, 100,
   * 200, 500, 1000, 2000, 5000, 10000, 30000, 60000.
   */
  readonly bucketsMs?: readonly number[] | undefined;
}

export interface LatencyReport extends LatencyStats {
  /** Executions with a known latency. */
  readonly count: number;
  /** In the order asked for. */
  readonly percentiles: readonly { readonly percentile: number; readonly ms: number | null }[];
  /**
   * One more than the ends given: `upToMs` of the last is null. A store that keeps latencies to within 1 % may count what is up
   * to 2 % above an end as below it.
   */
  readonly histogram: readonly { readonly upToMs: number | null; readonly count: number }[];
}

export interface TrendOptions extends ReportOptions {
  /** Default: `day`. Hours and days are those of UTC. */
  readonly bucket?: Bucket | undefined;
  /** Whether to count users and to find percentiles, which takes many times as long as sums. Default: only with a `name`. */
  readonly distributions?: boolean | undefined;
}

export interface TrendPoint extends ExecutionCounts, Window {
  /** Users that are known by id; null without `distributions`. */
  readonly uniqueUsers: number | null;
  readonly averageLatencyMs: number | null;
  /** Null without `distributions`, too. */
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
  /** Most used first, then by name. */
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

/** What a list of executions is ordered by. */
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

/** Some executions, and where to go on. */
export interface ExecutionPage {
  /** In the order asked for, then newest first; events of the same ms by id, highest first. */
  readonly executions: readonly ExecutionEvent[];
  /** Pass it to get the next page; absent on the last one. */
  readonly nextCursor?: string | undefined;
}

/** The questions about executions of every kind. Without `days` or `range` they are about all time, unless something else is said. */
export interface OperationReader {
  /** Everything counted at once: the report to begin with. */
  summary(options?: SummaryOptions): Promise<Summary>;
  /** What executions cost, summed by what `by` says. */
  getCosts(options?: CostOptions): Promise<CostReport>;
  /** What failed, or was done again, and what that cost. */
  getWaste(options?: WasteOptions): Promise<WasteReport>;
  /** How often operations fail, and with which types of error. */
  getErrors(options?: ErrorReportOptions): Promise<ErrorReport>;
  /** How often caches answered. */
  getCacheStats(options?: ReportOptions): Promise<CacheReport>;
  /** Models that were named, most executions first, then by name. */
  compareModels(options?: ReportOptions): Promise<readonly ModelStats[]>;
  /** Percentiles, average and histogram of latencies. */
  getLatency(options?: LatencyOptions): Promise<LatencyReport>;
  /**
   * Oldest first; whole buckets, each of them, empty ones too. `days` end with the present bucket, and a range is widened to
   * whole ones. Default window: 30 days, or 48 hours by the hour, up to the end of the range or to the present bucket; at most
   * 1000 buckets. Those of which the store has deleted something are left out.
   */
  getTrend(options?: TrendOptions): Promise<readonly TrendPoint[]>;
  /** Default window: 30 days; only as far back as hours are kept, or of an organisation single executions. */
  getHeatmap(options?: HeatmapOptions): Promise<Heatmap>;
  /** A cursor is only good for the filter and the order that it came from. */
  listExecutions(filter?: ExecutionFilter, cursor?: string): Promise<ExecutionPage>;
}
