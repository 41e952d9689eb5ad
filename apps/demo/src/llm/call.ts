import type { SkippedLine } from '../read-receipts.ts';

/** One call of a trace. */
export interface Call {
  /** Unix time in ms. */
  readonly at: number;
  readonly contextTokens: number;
  readonly generatedTokens: number;
}

/** A call, or a line that is none. `share` is how much of the input was read up to here, from 0 to 1. */
export type Step = { readonly share: number } & (
  | { readonly call: Call; readonly skipped?: undefined }
  | { readonly call?: undefined; readonly skipped: SkippedLine }
);
