import type { ErrorInfo, ExecutionEvent } from '@toolweaver/analytics-core';
import type { KeyBook, Keys } from './keys.ts';
import { addExecution, describeError, newTotal, type Total } from './total.ts';

/** What a draft has collected for one kind and name: its total, and the last value of each field. */
export interface Tally {
  readonly keys: Keys;
  readonly total: Total;
  /** By version; further ones share the entry that `versionOf` returns. */
  versions: Map<string, Total> | undefined;
  last: ExecutionEvent;
  lastLatencyMs: number | undefined;
  lastError: ErrorInfo | undefined;
  lastNanoUsd: number | undefined;
  lastTokens: number | undefined;
  lastWeight: number | undefined;
  lastVersion: string | undefined;
  lastModel: string | undefined;
  lastCacheHit: boolean | undefined;
  lastAttempt: number | undefined;
}

export function newTally(keys: Keys, event: ExecutionEvent): Tally {
  return {
    keys,
    total: newTotal(),
    versions: undefined,
    last: event,
    lastLatencyMs: undefined,
    lastError: undefined,
    lastNanoUsd: undefined,
    lastTokens: undefined,
    lastWeight: undefined,
    lastVersion: undefined,
    lastModel: undefined,
    lastCacheHit: undefined,
    lastAttempt: undefined,
  };
}

export function countVersion(tally: Tally, book: KeyBook, version: string, event: ExecutionEvent): void {
  tally.versions ??= new Map();
  let total = tally.versions.get(version);
  if (total === undefined) {
    const shown = book.versionOf(tally.keys, version);
    total = tally.versions.get(shown) ?? newTotal();
    tally.versions.set(shown, total);
  }
  addExecution(total, event);
}

/** Sets the last values in the summary. */
export function setLasts(tally: Tally, changes: Map<string, unknown>): void {
  const { keys, last, lastLatencyMs, lastError, lastNanoUsd } = tally;
  const set = (key: string, value: unknown): void => {
    if (value !== undefined) {
      changes.set(key, value);
    }
  };
  set(keys.status, last.success ? 'success' : 'failure');
  set(keys.duration, lastLatencyMs === undefined ? undefined : lastLatencyMs / 1000);
  set(keys.error, lastError === undefined ? undefined : describeError(lastError));
  set(keys.cost, lastNanoUsd === undefined ? undefined : lastNanoUsd / 1e9);
  set(keys.tokens, tally.lastTokens);
  set(keys.weight, tally.lastWeight);
  set(keys.version, tally.lastVersion);
  set(keys.model, tally.lastModel);
  set(keys.cacheHit, tally.lastCacheHit);
  set(keys.attempt, tally.lastAttempt);
}
