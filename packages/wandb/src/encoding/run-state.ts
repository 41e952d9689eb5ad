import { isObject } from '../json-text.ts';
import type { Batch, RowList, Shape } from './batch.ts';

/** State of a run: the values that number its next row, and its summary. */
export interface RunState {
  /** Step of the next row. */
  step: number;
  /** Unix time in ms. */
  readonly startedAt: number;
  /** Seconds that the run took in earlier processes. */
  readonly earlierRuntime: number;
  /** The confirmed summary. */
  readonly summary: Map<string, unknown>;
}

/** Keys that every row ends with. Until `stampRows`, the first of their values is the row's time in Unix ms. */
export const stampKeys: readonly string[] = ['_timestamp', '_runtime', '_step'];

/** Sets the step and times of rows. */
export function stampRows(state: RunState, rows: RowList): void {
  const { shapes } = rows;
  let end = 0;
  for (let row = 0; row < shapes.length; row += 1) {
    end += (shapes[row] as Shape).length;
    stampRow(state, rows, end);
  }
}

/** Sets the step and times of the row whose values end at `end`. */
export function stampRow(state: RunState, { numbers }: RowList, end: number): void {
  const at = numbers[end - 3] as number;
  numbers[end - 3] = at / 1000;
  numbers[end - 2] = runtimeAt(state, at);
  numbers[end - 1] = state.step;
  state.step += 1;
}

function runtimeAt({ startedAt, earlierRuntime }: RunState, at: number): number {
  return Math.max(0, Math.round(at - startedAt)) / 1000 + earlierRuntime;
}

/** Adds the run's own values, which the summary always has, to the changes. */
export function stampChanges(state: RunState, at: number, changes: Map<string, unknown>): void {
  const runtime = runtimeAt(state, at);
  changes.set('_runtime', runtime);
  changes.set('_wandb', { runtime: Math.floor(runtime) });
  if (state.step > 0) {
    changes.set('_step', state.step - 1);
    changes.set('_timestamp', at / 1000);
  }
}

/** Applies the changes of a batch that has arrived to the summary. */
export function confirm(state: RunState, { changes }: Batch): void {
  for (const [key, value] of changes) {
    if (value === undefined) {
      state.summary.delete(key);
    } else {
      state.summary.set(key, value);
    }
  }
}

/** Merges a value into an earlier one: plain objects leaf by leaf; any other value replaces it. */
export function merged(before: unknown, value: unknown): unknown {
  if (!isPlain(before) || !isPlain(value)) {
    return value;
  }
  const result = new Map(Object.entries(before));
  for (const [key, item] of Object.entries(value)) {
    result.set(key, merged(result.get(key), item));
  }
  return Object.fromEntries(result);
}

/**
 * Returns what the summary keeps of a row's value: without nulls, which do not change the last values; undefined if nothing is
 * left. `keep` may decide on a value, by its name with dots, with `{ value }`.
 */
export function keptOf(
  name: string,
  value: unknown,
  keep: (name: string, value: unknown) => { readonly value: unknown } | undefined,
): unknown {
  const kept = keep(name, value);
  if (kept !== undefined || !isPlain(value)) {
    return (kept ?? { value }).value ?? undefined;
  }
  const entries = Object.entries(value);
  const said = entries
    .map(([key, item]) => [key, keptOf(`${name}.${key}`, item, keep)] as const)
    .filter(([, item]) => item !== undefined);
  return said.length === 0 && entries.length > 0 ? undefined : Object.fromEntries(said);
}

/** Whether the value is a plain object, and not an image, a table or other media. */
export function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  return isObject(value) && !('_type' in value);
}
