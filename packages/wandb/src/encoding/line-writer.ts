import { escapeText } from '../json-text.ts';
import type { Cursor, Rows, Shape } from './batch.ts';
import { copyInto, enlarged } from './copy.ts';
import { maxNumberBytes, writeNumber } from './digits.ts';
import { stampKeys } from './run-state.ts';

/** What stands in front of each value in a line that is itself part of a JSON text. */
export interface LinePieces {
  readonly pieces: readonly Uint8Array[];
  /** Of all of them. */
  readonly bytes: number;
}

/** Collects rows as lines of JSON, each of them a JSON text, with commas between. */
export interface LineWriter {
  /** Adds the row at the cursor, which moves on; returns how many bytes it took, without what stands around a line. */
  add(rows: Rows, cursor: Cursor): number;
  /** Takes the last line out again; `bytes` is what `add` returned. */
  undo(bytes: number): Uint8Array;
  /** The bytes of what was added since the last `take`; nobody writes into them any more. */
  take(): Uint8Array<ArrayBuffer>;
}

const maxKnown = 1_000;
const maxKnownLength = 100;
const startBytes = 64 * 1024;

/** Straight into bytes: texts of a dozen pieces each would have to be put together, encoded and collected as garbage. */
export function createLineWriter(): LineWriter {
  let buffer = Buffer.allocUnsafe(startBytes);
  let at = 0;
  /** Where what was not taken yet begins. */
  let taken = 0;
  /** Texts that come again and again, like errors of executions. */
  const known = new Map<string, Uint8Array>();
  /** Where the last line begins, with its comma. */
  let lastStart = 0;

  function reserve(end: number, bytes: number): void {
    if (end + bytes > buffer.length) {
      buffer = enlarged(buffer, end, bytes);
    }
  }

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
      // The room for what follows is kept free until the end.
      let room = pieceBytes + length * maxNumberBytes + 4;
      reserve(at, room);
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
          reserve(end, room);
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

/** The same bytes for all shapes, which are in the processor's cache then. */
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
