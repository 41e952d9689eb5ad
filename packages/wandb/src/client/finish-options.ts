import { describeValue, type OptionNames } from '@toolweaver/analytics-core/backend';
import type { Skips } from './skips.ts';

/** How the program ended, and how long ending the run may take. */
export interface FinishOptions {
  /** 0: finished; anything else: failed. Default: 0. */
  readonly exitCode?: number | undefined;
  /** Timeout for ending the run; pending calls get half of it. Default: the option `finishTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

const known: OptionNames<FinishOptions> = { exitCode: true, timeoutMs: true };

/** Reports invalid options and replaces them, because the run has to end anyway. */
export function readFinish(
  options: FinishOptions | undefined,
  finishTimeoutMs: number,
  { skip, skipUnknown }: Pick<Skips, 'skip' | 'skipUnknown'>,
): { readonly exitCode: number; readonly timeoutMs: number } {
  skipUnknown('finish', options, known);
  let exitCode = numberOf(options?.exitCode ?? 0);
  // The service would reject an end whose exit code it cannot parse.
  if ((exitCode | 0) !== exitCode) {
    skip('exit code', `the exit code must be a whole number, got ${describeValue(options?.exitCode)}: 1 is used`);
    exitCode = 1;
  }
  let timeoutMs = numberOf(options?.timeoutMs ?? finishTimeoutMs);
  // A timeout of NaN would expire at once, and the run would go offline.
  if (Number.isNaN(timeoutMs)) {
    skip('timeout', `timeoutMs must be a number, got ${describeValue(options?.timeoutMs)}: ${finishTimeoutMs} is used`);
    timeoutMs = finishTimeoutMs;
  }
  return { exitCode, timeoutMs };
}

/** Accepts strings, because `process.exitCode` may be one. `Number()` would throw for some other values. */
function numberOf(value: unknown): number {
  return typeof value === 'string' ? Number(value) : typeof value === 'number' ? value : Number.NaN;
}
