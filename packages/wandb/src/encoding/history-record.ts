import type { Cursor, Rows, Shape } from './batch.ts';
import { copyInto } from './copy.ts';
import { maxNumberBytes, writeNumber } from './digits.ts';
import type { LogFrames } from './log-frame.ts';
import { lengthDelimited, lengthOf, maxVarintBytes, varintBytes, writeVarint } from './protobuf.ts';
import { stampKeys } from './run-state.ts';

/** The encoded bytes before each value in a record. */
export interface RecordPieces {
  readonly pieces: readonly RecordPiece[];
  /** Total length of the pieces. */
  readonly bytes: number;
}

interface RecordPiece {
  /** Complete items, then this item's tag, its length (one byte, still 0), `head`, and the value's length (likewise). */
  readonly bytes: Uint8Array;
  /** The key (field 1), and the tag of the value (field 16). */
  readonly head: Uint8Array;
  /** Position of the item's length in `bytes`. */
  readonly lengthAt: number;
  /** Whether one byte is enough for the length if the value is a number. */
  readonly isShort: boolean;
}

const historyTag = 0x12;
const itemTag = 0x0a;
const stepTag = 0x12;
const numberTag = 0x08;
/** Upper bound for the rest: the record's number, tag and length of the history, and the step. */
const aroundBytes = 6 + 3 * maxVarintBytes;

/**
 * Adds the row at the cursor, and advances it. Hot path, which runs for each execution: writes bytes at their final place and
 * creates no objects.
 */
export function addHistory(frames: LogFrames, recordNumber: number, rows: Rows, cursor: Cursor): void {
  const { numbers, texts } = rows;
  const shape = rows.shapes[cursor.row] as Shape;
  const { length } = shape;
  shape.record ??= recordPieces(shape);
  const { pieces, bytes: pieceBytes } = shape.record;
  const { start } = frames;
  // Room for the whole row; longer texts add to it below.
  let free = pieceBytes + length * maxNumberBytes + aroundBytes;
  let bytes = frames.room(start, free);
  bytes[start] = numberTag;
  let end = writeVarint(bytes, start + 1, recordNumber);
  bytes[end] = historyTag;
  // Nearly all rows have 128 to 16 383 bytes, so their length takes two.
  const lengthAt = end + 1;
  const historyStart = lengthAt + 2;
  end = historyStart;
  const from = cursor.number;
  for (let index = 0; index < length; index += 1) {
    const piece = pieces[index] as RecordPiece;
    const value = numbers[from + index] as number;
    if (piece.isShort && !Number.isNaN(value)) {
      const itemAt = end + piece.lengthAt;
      const valueAt = copyInto(bytes, end, piece.bytes);
      end = writeNumber(bytes, valueAt, value);
      bytes[valueAt - 1] = end - valueAt;
      bytes[itemAt] = end - itemAt - 1;
    } else {
      const text = Buffer.from(Number.isNaN(value) ? (texts[cursor.text++] as string) : `${value}`);
      free += text.length + 2 * maxVarintBytes;
      bytes = frames.room(end, free);
      end = writeItem(bytes, end, piece, text);
    }
  }
  const step = numbers[from + length - 1] as number;
  bytes[end] = stepTag;
  if (step === 0) {
    bytes[end + 1] = 0;
    end += 2;
  } else {
    bytes[end + 2] = numberTag;
    const stepEnd = writeVarint(bytes, end + 3, step);
    bytes[end + 1] = stepEnd - end - 2;
    end = stepEnd;
  }
  frames.commit(writeLength(bytes, lengthAt, historyStart, end));
  cursor.number = from + length;
  cursor.row += 1;
}

/** Writes an item whose lengths may take more than one byte. */
function writeItem(bytes: Buffer, at: number, { bytes: known, head, lengthAt }: RecordPiece, text: Buffer): number {
  const tagEnd = copyInto(bytes, at, known.subarray(0, lengthAt - 1));
  bytes[tagEnd] = itemTag;
  let end = writeVarint(bytes, tagEnd + 1, head.length + varintBytes(text.length) + text.length);
  end = copyInto(bytes, end, head);
  end = writeVarint(bytes, end, text.length);
  return copyInto(bytes, end, text);
}

/** Writes the length of the bytes from `start` to `end` into the two bytes before them. Moves them if it does not take two. */
function writeLength(bytes: Buffer, at: number, start: number, end: number): number {
  const length = end - start;
  if (length > 127 && length < 16_384) {
    bytes[at] = (length & 127) | 128;
    bytes[at + 1] = length >>> 7;
    return end;
  }
  bytes.copyWithin(at + varintBytes(length), start, end);
  return writeVarint(bytes, at, length) + length;
}

const maxShortHead = 127 - 1 - maxNumberBytes;
/** Shared by all shapes, so that the bytes stay in the CPU cache. */
const stampPieces: ReadonlyMap<string, RecordPiece> = new Map(stampKeys.map((key) => [key, pieceOf([], key)]));

function recordPieces({ fields }: Shape): RecordPieces {
  const pieces: RecordPiece[] = [];
  let items: Uint8Array[] = [];
  for (const field of fields) {
    if (typeof field !== 'string') {
      const [key, json] = field;
      const value = Buffer.from(json);
      items.push(lengthDelimited(itemTag, Buffer.concat([headOf(key), lengthOf(value.length), value])));
    } else {
      pieces.push((items.length === 0 ? stampPieces.get(field) : undefined) ?? pieceOf(items, field));
      items = [];
    }
  }
  return { pieces, bytes: pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

function pieceOf(items: readonly Uint8Array[], key: string): RecordPiece {
  const head = headOf(key);
  const bytes = Buffer.concat([...items, Buffer.of(itemTag, 0), head, Buffer.of(0)]);
  return { bytes, head, lengthAt: bytes.length - head.length - 2, isShort: head.length <= maxShortHead };
}

function headOf(key: string): Uint8Array {
  // A key may also be a path (field 2), which is the only form that allows an empty key.
  return Buffer.concat([
    key === '' ? Buffer.of(0x12, 0) : lengthDelimited(0x0a, Buffer.from(key)),
    Buffer.of(0x82, 0x01),
  ]);
}
