import type { CostSource } from '@toolweaver/analytics-core';
import type { Answers, Question } from './answers/answers.ts';
import type { Change, Changes } from './changes/changes.ts';
import type { Failure } from './failure.ts';
import type { Slice } from './slice.ts';
import type { PrunePlan } from './store/prune.ts';
import type { CostChanges } from './store/reprice.ts';

/** Requests of the caller's thread to the thread that holds the database; each is answered once, in order. */
export type Request =
  | { readonly op: 'open' }
  /** Answered after the last slice; nothing is written before. */
  | { readonly op: 'write'; readonly slice: Slice; readonly last: boolean }
  /** Sent instead of the remaining slices of a write. */
  | { readonly op: 'abandon' }
  | { readonly op: 'check' }
  /** Folds the log of roll-ups, if that is possible now. */
  | { readonly op: 'fold' }
  | {
      readonly op: 'read';
      readonly name: keyof Answers;
      readonly question: Question;
      /** Whether to answer while the log has lines. If not, the answer is undefined then, and if there is no file. */
      readonly evenUnfolded: boolean;
    }
  /** Stores a change that follows from an answer. */
  | { readonly op: 'keep'; readonly name: keyof Changes; readonly change: Change }
  /** Sets the database aside if it is damaged, as a reader found. */
  | { readonly op: 'examine' }
  /** Does work that can wait until nothing is being written. */
  | { readonly op: 'rest' }
  | Maintenance
  | { readonly op: 'close' };

export type Maintenance =
  /** Runs in steps, between which others are answered. `cautious` replaces a plan that would delete most executions. */
  | { readonly op: 'prune'; readonly plan: PrunePlan; readonly cautious?: PrunePlan }
  | { readonly op: 'estimatePrune'; readonly plan: PrunePlan }
  | { readonly op: 'erase'; readonly userId: string }
  | { readonly op: 'estimateErase'; readonly userId: string }
  /** Returns some of the executions to be priced, and where to continue. */
  | { readonly op: 'priceable'; readonly from: bigint; readonly to: bigint; readonly sources: readonly CostSource[] }
  | { readonly op: 'setCosts'; readonly costs: CostChanges }
  | { readonly op: 'compact' }
  | { readonly op: 'size' }
  | { readonly op: 'statistics' }
  | { readonly op: 'integrity'; readonly quick: boolean }
  /** Copies into an empty file. */
  | { readonly op: 'copy'; readonly to: string };

export interface Message {
  /** Number of the call that the request belongs to; 0 for none. */
  readonly call: number;
  readonly request: Request;
}

export type Reply =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failure: Failure }
  /** A problem that the host should know of, whether it asked or not. */
  | { readonly notice: Failure };
