import type { ErrorCode } from '@toolweaver/analytics-core';
import { type OptionNames, unknownOptions } from '@toolweaver/analytics-core/backend';
import type { Notify } from '../notices.ts';

/** What the methods that never throw have left out. Everything is counted; each kind is reported once. */
export interface Skips {
  readonly count: number;
  skip(kind: string, message: string): void;
  /** Reports unknown options, which may be misspelt. */
  skipUnknown<Options>(call: string, options: Options | undefined, known: OptionNames<Options>): void;
  /** Reports a problem that lost nothing, once per kind. */
  tellOnce(kind: string, message: string, cause?: unknown, code?: ErrorCode): void;
}

export function createSkips(runId: string, notify: Notify): Skips {
  const told = new Set<string>();
  let count = 0;

  function tellOnce(kind: string, message: string, cause?: unknown, code?: ErrorCode): void {
    if (!told.has(kind)) {
      told.add(kind);
      notify(`run ${runId}: ${message}`, cause, code);
    }
  }

  function skip(kind: string, message: string): void {
    count += 1;
    tellOnce(kind, `${message}; further ones of this kind are only counted`, undefined, 'INVALID_EVENT');
  }

  return {
    get count() {
      return count;
    },
    skip,
    skipUnknown(call, options, known) {
      const problems = options ? unknownOptions(options, known) : [];
      for (const { field, message } of problems) {
        skip(`options of ${call}`, `${call}: ${field} ${message}`);
      }
    },
    tellOnce,
  };
}
