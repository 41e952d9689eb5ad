import { escapeText } from '../json-text.ts';
import type { Cursor, Rows, Shape } from './batch.ts';
import { copyInto, withRoom } from './copy.ts';
import { maxNumberBytes, writeNumber } from './digits.ts';
import { stampKeys } from './run-state.ts';

/** The bytes before each value in a line, escaped because the line is itself a JSON string. */
export interface LinePieces {
  readonly pieces: readonly Uint8Array[];
  /** Total length of the pieces. */
  readonly bytes: number;
}

/** Collects rows as lines of JSON, each inside a JSON string, separated by commas. */
export interface LineWriter {
  /** Adds the row at the cursor, and advances it. Returns the length of the line in bytes, without quotes and comma. */
  add(rows: Rows, cursor: Cursor): number;
  /** Removes and returns the last line; `bytes` is what `add` returned. */
  undo(bytes: number): Uint8Array;
  /** Returns the bytes added since the last `take`, which no later call changes. */
  take(): Uint8Array<ArrayBuffer>;
}

const maxKnown = 1_000;
const maxKnownLength = 100;
const startBytes = 64 * 1024;

/** Writes bytes directly: strings of a dozen pieces each would have to be joined, encoded and garbage-collected. */
export function createLineWriter(): LineWriter {
  let buffer = Buffer.allocUnsafe(startBytes);
  let at = 0;
  /** Start of the bytes that were not taken yet. */
  let taken = 0;
  /** Cache of escaped strings, because many repeat, such as errors of executions. */
  const known = new Map<string, Uint8Array>();
  /** Start of the last line, including its comma. */
  let lastStart = 0;

  function escaped(text: string): Uint8Array {
    let found = known.get(text);
    if (found === undefined) {
      found = Buffer.from(escapeText(text));
      if (text.length < maxKnownLength && known.size < maxKnown) {
        known.set(text, found);
      }
    }
    return found;
  }

  return {
    add({ shapes, numbers, texts }, cursor) {
      const shape = shapes[cursor.row] as Shape;
      const { length } = shape;
      shape.line ??= linePieces(shape);
      const { pieces, bytes: pieceBytes } = shape.line;
      // Room for the whole row; longer texts add to it below.
      let room = pieceBytes + length * maxNumberBytes + 4;
      buffer = withRoom(buffer, at, room);
      lastStart = at;
      let end = at;
      if (end > taken) {
        buffer[end++] = 44;
      }
      buffer[end++] = 34;
      const start = end;
      const from = cursor.number;
      for (let index = 0; index < length; index += 1) {
        end = copyInto(buffer, end, pieces[index] as Uint8Array);
        const value = numbers[from + index] as number;
        if (Number.isNaN(value)) {
          const text = escaped(texts[cursor.text++] as string);
          room += text.length;
          buffer = withRoom(buffer, end, room);
          end = copyInto(buffer, end, text);
        } else {
          end = writeNumber(buffer, end, value);
        }
      }
      buffer[end++] = 125;
      buffer[end] = 34;
      at = end + 1;
      cursor.number = from + length;
      cursor.row += 1;
      return end - start;
    },
    undo(bytes) {
      const line = buffer.subarray(at - 1 - bytes, at - 1);
      at = lastStart;
      return line;
    },
    take() {
      const bytes = buffer.subarray(taken, at);
      taken = at;
      return bytes;
    },
  };
}

/** Shared by all shapes, so that the bytes stay in the CPU cache. */
const stampPieces: ReadonlyMap<string, Uint8Array> = new Map(
  stampKeys.map((key) => [key, Buffer.from(escapeText(`,${JSON.stringify(key)}:`))]),
);

function linePieces({ fields }: Shape): LinePieces {
  const pieces: Uint8Array[] = [];
  let text = '{';
  let comma = '';
  for (const field of fields) {
    if (typeof field !== 'string') {
      const [key, json] = field;
      text += `${comma}${JSON.stringify(key)}:${json}`;
    } else {
      const stamp = text === '' ? stampPieces.get(field) : undefined;
      pieces.push(stamp ?? Buffer.from(escapeText(`${text}${comma}${JSON.stringify(field)}:`)));
      text = '';
    }
    comma = ',';
  }
  return { pieces, bytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}
