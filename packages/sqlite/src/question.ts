import type { ExecutionKind, LeaderboardMetric } from '@toolweaver/analytics-core';

// What the reader asks of the thread with the database: options that are checked, complete, and free of the clock.

/** Conditions that all must hold. `to` is outside. */
export interface Filter {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly success?: boolean | undefined;
  readonly errorType?: string | undefined;
}

/** Where a page of executions ended. */
export interface Position {
  readonly at: number;
  readonly id: string;
}

export interface UsageQuestion {
  readonly ask: 'usage';
  readonly filter: Filter & { readonly from: number; readonly to: number; readonly name: string };
}
export interface LeaderboardQuestion {
  readonly ask: 'leaderboard';
  readonly metric: LeaderboardMetric;
  readonly kind: ExecutionKind;
  /** Time and organisation. */
  readonly filter: Pick<Filter, 'from' | 'to' | 'orgId'>;
  readonly minExecutions: number;
  readonly limit: number;
}
interface SummaryQuestion {
  readonly ask: 'summary';
  readonly filter: Filter;
}
export interface ExecutionsQuestion {
  readonly ask: 'executions';
  readonly filter: Filter;
  readonly after: Position | undefined;
  readonly limit: number;
}
export type Question = UsageQuestion | LeaderboardQuestion | SummaryQuestion | ExecutionsQuestion;
