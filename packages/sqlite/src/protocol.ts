import type { Answers, Question } from './answers/answers.ts';
import type { Failure } from './failure.ts';
import type { Slice } from './slice.ts';

/** What the caller's thread asks of the one that holds the database; each is answered once, in order. */
export type Request =
  | { readonly op: 'open' }
  /** Answered after the last slice; until then nothing is written. */
  | { readonly op: 'write'; readonly slice: Slice; readonly last: boolean }
  | { readonly op: 'prune'; readonly before: number }
  | { readonly op: 'check' }
  /** Adds up the log of roll-ups. */
  | { readonly op: 'fold' }
  | { readonly op: 'read'; readonly name: keyof Answers; readonly question: Question }
  | { readonly op: 'close' };

export interface Message {
  /** Number of the call that the request belongs to. */
  readonly call: number;
  readonly request: Request;
}

export type Reply =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failure: Failure };
