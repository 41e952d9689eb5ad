import type { ExecutionEvent, ExecutionKind } from '../events/event.ts';
import type { Scope, TimeRange } from './common.ts';

/** What a list of executions is ordered by: their end, latency or cost. */
export type ExecutionOrder = 'at' | 'latencyMs' | 'costUsd';

/** The executions to list: those that meet every condition, and in which order. `from` and `to` apply to their end, `at`. */
export interface ExecutionFilter extends TimeRange, Scope {
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly success?: boolean | undefined;
  readonly errorType?: string | undefined;
  readonly model?: string | undefined;
  readonly toolkit?: string | undefined;
  readonly version?: string | undefined;
  /** Only executions that took at least this long, in ms. */
  readonly minLatencyMs?: number | undefined;
  /** Newest, slowest or most expensive first; the latter two leave out what has no known latency or cost. Default: `at`. */
  readonly orderBy?: ExecutionOrder | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** A page of executions. */
export interface ExecutionPage {
  /** In the order asked for, then newest first; events of the same ms by id, highest first. */
  readonly executions: readonly ExecutionEvent[];
  /** Pass it to get the next page; absent on the last one. */
  readonly nextCursor?: string | undefined;
}
