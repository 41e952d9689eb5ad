import type { ExecutionKind } from '@toolweaver/analytics-core';

/** What executions come to, wherever that is known from. Counts are weighted by sampling. */
export interface Sums {
  readonly calls: number;
  readonly failures: number;
  /** How many of the calls have a known cost. */
  readonly pricedCalls: number;
  /** Sum of the known costs; null where none is known. */
  readonly totalCostUsd: number | null;
}

/** What the executions of one operation, a kind and a name, come to. */
export interface OperationSums extends Sums {
  /** Null for the operations that there was no room for. */
  readonly kind: ExecutionKind | null;
  readonly name: string;
}

export interface Figures extends Sums {
  readonly totalTokens: number;
  readonly averageDurationMs: number | null;
  readonly operations: readonly OperationSums[];
}
