import type { CostSource } from '@toolweaver/analytics-core';
import type { Answers, Question } from './answers/answers.ts';
import type { Change, Changes } from './changes/changes.ts';
import type { Failure } from './failure.ts';
import type { Slice } from './slice.ts';
import type { PrunePlan } from './store/prune.ts';
import type { CostChanges } from './store/reprice.ts';

/** What the caller's thread asks of the one that holds the database; each is answered once, in order. */
export type Request =
  | { readonly op: 'open' }
  /** Answered after the last slice; until then nothing is written. */
  | { readonly op: 'write'; readonly slice: Slice; readonly last: boolean }
  /** In place of the slices of a write that are still to come. */
  | { readonly op: 'abandon' }
  | { readonly op: 'check' }
  /** Adds up the log of roll-ups, if that is possible now. */
  | { readonly op: 'fold' }
  | {
      readonly op: 'read';
      readonly name: keyof Answers;
      readonly question: Question;
      /** Answers also while the log has lines; otherwise the answer is undefined then, and where there is no file. */
      readonly evenUnfolded: boolean;
    }
  /** Keeps what came of an answer. */
  | { readonly op: 'keep'; readonly name: keyof Changes; readonly change: Change }
  /** Sets the database aside if it is damaged, as a reader has found it. */
  | { readonly op: 'examine' }
  /** Does what can wait until nothing is written. */
  | { readonly op: 'rest' }
  | Maintenance
  | { readonly op: 'close' };

export type Maintenance =
  /** In steps, between which others are answered. `cautious` is what is done where the plan would take most executions. */
  | { readonly op: 'prune'; readonly plan: PrunePlan; readonly cautious?: PrunePlan }
  | { readonly op: 'estimatePrune'; readonly plan: PrunePlan }
  | { readonly op: 'erase'; readonly userId: string }
  | { readonly op: 'estimateErase'; readonly userId: string }
  /** Some of the executions that a price may be asked for, and where to go on. */
  | { readonly op: 'priceable'; readonly from: bigint; readonly to: bigint; readonly sources: readonly CostSource[] }
  | { readonly op: 'setCosts'; readonly costs: CostChanges }
  | { readonly op: 'compact' }
  | { readonly op: 'size' }
  | { readonly op: 'statistics' }
  | { readonly op: 'integrity'; readonly quick: boolean }
  /** Into an empty file. */
  | { readonly op: 'copy'; readonly to: string };

export interface Message {
  /** Number of the call that the request belongs to; 0 of none. */
  readonly call: number;
  readonly request: Request;
}

export type Reply =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failure: Failure }
  /** What the host should hear of, asked or not. */
  | { readonly notice: Failure };
