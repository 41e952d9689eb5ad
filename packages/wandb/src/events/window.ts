import type { ErrorInfo, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import type { Keys } from './keys.ts';
import { addExecution, describeError, newTotal, type Total, usageFields } from './total.ts';

/** The operations of one row. */
export interface Window {
  count: number;
  readonly totals: Map<string, { readonly keys: Keys; readonly total: Total; error: ErrorInfo | undefined }>;
  usage: Usage | undefined;
}

export function newWindow(): Window {
  return { count: 0, totals: new Map(), usage: undefined };
}

export function copyOf({ count, totals, usage }: Window): Window {
  const entries = [...totals].map(([prefix, entry]) => [prefix, { ...entry, total: { ...entry.total } }] as const);
  return { count, totals: new Map(entries), usage };
}

function addUsage(before: Usage | undefined, usage: Usage, weight: number): Usage {
  return {
    inputTokens: (before?.inputTokens ?? 0) + usage.inputTokens * weight,
    cacheReadTokens: (before?.cacheReadTokens ?? 0) + usage.cacheReadTokens * weight,
    cacheWriteTokens: (before?.cacheWriteTokens ?? 0) + usage.cacheWriteTokens * weight,
    outputTokens: (before?.outputTokens ?? 0) + usage.outputTokens * weight,
    reasoningTokens: (before?.reasoningTokens ?? 0) + usage.reasoningTokens * weight,
  };
}

export function addToWindow(window: Window, keys: Keys, event: ExecutionEvent): void {
  let entry = window.totals.get(keys.prefix);
  if (entry === undefined) {
    entry = { keys, total: newTotal(), error: undefined };
    window.totals.set(keys.prefix, entry);
  }
  addExecution(entry.total, event);
  entry.error = event.error ?? entry.error;
  window.usage = event.usage === undefined ? window.usage : addUsage(window.usage, event.usage, event.weight ?? 1);
  window.count += 1;
}

/** Returns the fields of the window's row: means, sums and counts. Empties the window. */
export function takeFields(window: Window): (readonly [key: string, value: number | string])[] {
  const fields: (readonly [string, number | string])[] = [];
  for (const { keys, total, error } of window.totals.values()) {
    const { operations, failures, timed, latencyMs, nanoUsd, tokens } = total;
    fields.push([keys.operations, operations], [keys.failures, failures]);
    fields.push([keys.status, failures === 0 ? 'success' : 'failure']);
    if (timed > 0) {
      fields.push([keys.duration, latencyMs / 1000 / timed]);
    }
    if (error !== undefined) {
      fields.push([keys.error, describeError(error)]);
    }
    if (nanoUsd !== null) {
      fields.push([keys.cost, nanoUsd / 1e9]);
    }
    if (tokens !== null) {
      fields.push([keys.tokens, tokens]);
    }
  }
  if (window.usage !== undefined) {
    fields.push(...usageFields(window.usage));
  }
  window.count = 0;
  window.totals.clear();
  window.usage = undefined;
  return fields;
}
