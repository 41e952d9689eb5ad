import { describeValue } from '@toolweaver/analytics-core/backend';
import type { Known } from '../check.ts';
import type { Skips } from './skips.ts';

/** How the program has ended, and how long the end of the run may take. */
export interface FinishOptions {
  /** 0: finished; anything else: failed. Default: 0. */
  readonly exitCode?: number | undefined;
  /** Calls that are under way may take half of it. Default: the option `finishTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

const known: Known<FinishOptions> = { exitCode: true, timeoutMs: true };

/** What cannot be used is told, and something else takes its place: a run has to end all the same. */
export function readFinish(
  options: FinishOptions | undefined,
  finishTimeoutMs: number,
  { skip, skipUnknown }: Pick<Skips, 'skip' | 'skipUnknown'>,
): { readonly exitCode: number; readonly timeoutMs: number } {
  skipUnknown('finish', options, known);
  let exitCode = numberOf(options?.exitCode ?? 0);
  // A service that cannot read it would take no end at all.
  if ((exitCode | 0) !== exitCode) {
    skip('exit code', `the exit code ${describeValue(options?.exitCode)} is no whole number: 1 takes its place`);
    exitCode = 1;
  }
  let timeoutMs = numberOf(options?.timeoutMs ?? finishTimeoutMs);
  // It would be over at once, and the run offline.
  if (Number.isNaN(timeoutMs)) {
    skip(
      'time-out',
      `the time-out ${describeValue(options?.timeoutMs)} is no number: ${finishTimeoutMs} ms take its place`,
    );
    timeoutMs = finishTimeoutMs;
  }
  return { exitCode, timeoutMs };
}

/** Also of a text, as `process.exitCode` may be one; not every value can be made a number. */
function numberOf(value: unknown): number {
  return typeof value === 'string' ? Number(value) : typeof value === 'number' ? value : Number.NaN;
}
