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
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly numberCount: number;
  /** JSON texts. */
  readonly texts: readonly string[];
}

/** Rows that are still being added. */
export interface RowList extends Rows {
  readonly shapes: Shape[];
  readonly texts: string[];
  /** With room for more, which `numberCount` does not count. */
  numbers: Float64Array<ArrayBuffer>;
  numberCount: number;
}

/** A latency, and what `endRow` adds. */
const numbersOfMost = 4;

/** @param expected rows that will be added, about. */
export function newRows(expected = 1): RowList {
  return { shapes: [], texts: [], numbers: new Float64Array(expected * numbersOfMost), numberCount: 0 };
}

export function addNumber(rows: RowList, value: number): void {
  if (rows.numberCount === rows.numbers.length) {
    const larger = new Float64Array(rows.numberCount * 2 + numbersOfMost);
    larger.set(rows.numbers);
    rows.numbers = larger;
  }
  rows.numbers[rows.numberCount++] = value;
}

export function addText(rows: RowList, text: string): void {
  addNumber(rows, Number.NaN);
  rows.texts.push(text);
}

/** Ends a row with the keys that all of them end with, of which the first is its time in Unix ms until the row gets its number. */
export function endRow(rows: RowList, shape: Shape, at: number): void {
  addNumber(rows, at);
  addNumber(rows, 0);
  addNumber(rows, 0);
  rows.shapes.push(shape);
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
  /** The summary's keys that these rows set, and their values; also those that stay as they were. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** The summary before these changes. */
  readonly summary: ReadonlyMap<string, unknown>;
}

/** The rows from this place on. */
export function rowsFrom({ shapes, numbers, numberCount, texts }: Rows, start: number): Rows {
  const skipped = shapes.slice(0, start).reduce((sum, { length }) => sum + length, 0);
  const skippedTexts = numbers.subarray(0, skipped).filter(Number.isNaN).length;
  return {
    shapes: shapes.slice(start),
    numbers: numbers.subarray(skipped),
    numberCount: numberCount - skipped,
    texts: texts.slice(skippedTexts),
  };
}

/** The last field must be one of which each row has its own value. */
export function shapeOf(fields: readonly Field[]): Shape {
  const { length } = fields.filter((field) => typeof field === 'string');
  return { fields, length, line: undefined, record: undefined, place: -1 };
}
