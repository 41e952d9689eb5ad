import type { RecordPieces } from './history-record.ts';
import type { LinePieces } from './line-writer.ts';

/** A key of which each row has a value of its own, or one of which all rows of a shape have the same JSON text. */
export type Field = string | readonly [key: string, json: string];

/** The fields of a row, and what is made of them once for all rows that have them. */
export interface Shape {
  readonly fields: readonly Field[];
  /** How many values of its own a row has. */
  readonly length: number;
  /** Each is made when it is first needed: a run has one of them at most. */
  line: LinePieces | undefined;
  record: RecordPieces | undefined;
  /** By which the thread that encodes rows knows it; -1: it does not. */
  place: number;
}

/**
 * Lines of a run's history: their shapes, and their values one after another, for each line as many as its shape has. Flat, because an object
 * for each line would cost more than all else that is done for it.
 */
export interface Rows {
  readonly shapes: readonly Shape[];
  /** Finite ones; NaN stands for the next of the texts, so that the list holds numbers and nothing else. */
  readonly numbers: ArrayLike<number>;
  /** JSON texts. */
  readonly texts: readonly string[];
}

/** Rows that are still being added. */
export interface RowList extends Rows {
  readonly shapes: Shape[];
  readonly numbers: number[];
  readonly texts: string[];
}

export function newRows(): RowList {
  return { shapes: [], numbers: [], texts: [] };
}

export function addText({ numbers, texts }: RowList, text: string): void {
  numbers.push(Number.NaN);
  texts.push(text);
}

/** How far rows were read: the place of the next row, and where its values begin. */
export interface Cursor {
  row: number;
  number: number;
  text: number;
}

export function startOfRows(): Cursor {
  return { row: 0, number: 0, text: 0 };
}

/** Rows that belong together: all of them arrive, and the same object is sent again until they did. */
export interface Batch {
  readonly rows: Rows;
  /** What becomes of the summary with these rows: changed keys and their new values. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** The whole summary, with the changes, as JSON text. */
  summaryText(): string;
}

/** The last field must be one of which each row has its own value. */
export function shapeOf(fields: readonly Field[]): Shape {
  const { length } = fields.filter((field) => typeof field === 'string');
  return { fields, length, line: undefined, record: undefined, place: -1 };
}
