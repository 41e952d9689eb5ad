import { lengthDelimited } from './protobuf.ts';

/** The keys of a row, and what is made of them once for all rows that have them. */
export interface Shape {
  readonly keys: readonly string[];
  /** What stands in front of each value in a line that is itself part of a JSON text. */
  readonly escaped: readonly Uint8Array[];
  /** What stands in front of each value in a record of the transaction log: the key (field 1), and the tag of the value (field 16). */
  readonly heads: readonly Uint8Array[];
}

/**
 * Lines of a run's history: their shapes, and their values one after another, for each line as many as its shape has keys. Values are
 * finite numbers, or JSON texts. Flat, because an object for each line would cost more than all else that is done for it.
 */
export interface Rows {
  readonly shapes: readonly Shape[];
  readonly values: readonly (number | string)[];
}

/** Rows that belong together: all of them arrive, and the same object is sent again until they did. */
export interface Batch {
  readonly rows: Rows;
  /** What becomes of the summary with these rows: changed keys and their new values. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** The whole summary, with the changes, as JSON text. */
  summaryText(): string;
}

export function shapeOf(keys: readonly string[]): Shape {
  return {
    keys,
    escaped: keys.map((key, at) => Buffer.from(escapeText(`${at === 0 ? '{' : ','}${JSON.stringify(key)}:`))),
    heads: keys.map(headOf),
  };
}

function headOf(key: string): Uint8Array {
  // A key may also be a path (field 2); that is the only way for it to be empty.
  return Buffer.concat([
    key === '' ? Buffer.of(0x12, 0) : lengthDelimited(0x0a, Buffer.from(key)),
    Buffer.of(0x82, 0x01),
  ]);
}

/** A text inside a JSON text, without the quotes around it. */
export function escapeText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
