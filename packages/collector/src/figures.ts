import type { ExecutionKind } from '@toolweaver/analytics-core';

/** The sums of executions, from memory or from a store. Counts are weighted by sampling. */
export interface Sums {
  readonly calls: number;
  readonly failures: number;
  /** How many of the calls have a known cost. */
  readonly pricedCalls: number;
  /** Sum of the known costs; null if none is known. */
  readonly totalCostUsd: number | null;
}

/** The sums of the executions of one operation: a kind and a name. */
export interface OperationSums extends Sums {
  /** Null for all operations beyond `maxOperations` together. */
  readonly kind: ExecutionKind | null;
  readonly name: string;
}

export interface Figures extends Sums {
  readonly totalTokens: number;
  readonly averageDurationMs: number | null;
  readonly operations: readonly OperationSums[];
}
