import { setImmediate } from 'node:timers/promises';
import { type Rows, startOfRows } from './batch.ts';
import { addHistory } from './history-record.ts';
import { createLineWriter } from './line-writer.ts';
import { createLogFrames } from './log-frame.ts';

// What is made of the rows of one batch. The host's event loop gets its turn in between, wherever this runs.

/** The longest line that the service takes, and about the longest request. */
export const maxLineBytes = 10_383_360;
const maxRequestBytes = 10_485_760;
const sliceRows = 256;

/** Lines that one request sends. */
export interface LineGroup {
  readonly count: number;
  /** The place of the first row that comes after them; what was left out in between is behind it. */
  readonly end: number;
  /** JSON texts with commas between. */
  readonly lines: Uint8Array<ArrayBuffer>;
}

export interface Lines {
  /** One at least. */
  readonly groups: readonly LineGroup[];
  /** Lengths of the lines that no request can hold, which were left out. */
  readonly skippedBytes: readonly number[];
}

/** Groups the lines of rows into requests. */
export async function encodeLines(rows: Rows): Promise<Lines> {
  const writer = createLineWriter();
  const groups: LineGroup[] = [];
  const skippedBytes: number[] = [];
  let count = 0;
  let bytes = 0;
  const close = (end: number): void => {
    groups.push({ count, end, lines: writer.take() });
    count = 0;
    bytes = 0;
  };
  const cursor = startOfRows();
  while (cursor.row < rows.shapes.length) {
    if (cursor.row > 0 && cursor.row % sliceRows === 0) {
      await setImmediate();
    }
    const start = { ...cursor };
    const lineBytes = writer.add(rows, cursor);
    if (lineBytes > maxLineBytes) {
      // Inside another text it takes more than by itself.
      const bare = Buffer.byteLength(JSON.parse(`"${writer.undo(lineBytes)}"`));
      if (bare > maxLineBytes) {
        skippedBytes.push(bare);
        continue;
      }
      if (count > 0) {
        close(start.row);
      }
      writer.add(rows, start);
    } else if (bytes + lineBytes > maxRequestBytes && count > 0) {
      writer.undo(lineBytes);
      close(start.row);
      writer.add(rows, start);
    }
    count += 1;
    bytes += lineBytes;
  }
  close(cursor.row);
  return { groups, skippedBytes };
}

/** Rows as the bytes of a transaction log, from this position in the file on. `count`: records that come before. */
export async function encodeRecords(rows: Rows, position: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
  const frames = createLogFrames(position);
  const cursor = startOfRows();
  while (cursor.row < rows.shapes.length) {
    if (cursor.row > 0 && cursor.row % sliceRows === 0) {
      await setImmediate();
    }
    addHistory(frames, count + cursor.row + 1, rows, cursor);
  }
  return frames.take();
}
