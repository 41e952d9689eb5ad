import type { RecordPieces } from './history-record.ts';
import type { LinePieces } from './line-writer.ts';

/** A key with a value per row, or a key and the JSON value that all rows of a shape share. */
export type Field = string | readonly [key: string, json: string];

/** The fields of a row, and encoded parts that are cached for all rows with the same fields. */
export interface Shape {
  readonly fields: readonly Field[];
  /** Number of values per row. */
  readonly length: number;
  /** `line` and `record` are made when they are first needed; a run needs at most one of them at a time. */
  line: LinePieces | undefined;
  record: RecordPieces | undefined;
  /** Identifies the shape in the thread that encodes rows; -1: the thread does not know it. */
  place: number;
}

/**
 * Rows of a run's history: their shapes, and the values of all rows in one flat list, as many per row as its shape has. An
 * object per row would cost more than all other work on it.
 */
export interface Rows {
  readonly shapes: readonly Shape[];
  /** Finite numbers. NaN stands for the next item of `texts`, so that the array holds only numbers. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly numberCount: number;
  /** Other values, as JSON. */
  readonly texts: readonly string[];
}

/** Rows that are still being added. */
export interface RowList extends Rows {
  readonly shapes: Shape[];
  readonly texts: string[];
  /** Has spare capacity beyond `numberCount`. */
  numbers: Float64Array<ArrayBuffer>;
  numberCount: number;
}

/** Numbers of a typical row: a latency, and those that `endRow` adds. */
const numbersOfMost = 4;

/** @param expected approximate number of rows that will be added. */
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

/** Ends a row with room for the values of `stampKeys`. The first is the row's time in Unix ms until `stampRows`. */
export function endRow(rows: RowList, shape: Shape, at: number): void {
  addNumber(rows, at);
  addNumber(rows, 0);
  addNumber(rows, 0);
  rows.shapes.push(shape);
}

/** Read position in rows: the index of the next row, and where its values begin. */
export interface Cursor {
  row: number;
  number: number;
  text: number;
}

export function startOfRows(): Cursor {
  return { row: 0, number: 0, text: 0 };
}

/** Rows that are sent together. The same object is sent again until all of them have arrived. */
export interface Batch {
  readonly rows: Rows;
  /** Summary keys that these rows set, with their values, even if unchanged. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** The summary before these changes. */
  readonly summary: ReadonlyMap<string, unknown>;
}

/** Returns the rows from this index on. */
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

/** The last field must have a value per row. */
export function shapeOf(fields: readonly Field[]): Shape {
  const { length } = fields.filter((field) => typeof field === 'string');
  return { fields, length, line: undefined, record: undefined, place: -1 };
}
