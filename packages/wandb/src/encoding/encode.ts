import { setImmediate } from 'node:timers/promises';
import { type Rows, startOfRows } from './batch.ts';
import { addHistory } from './history-record.ts';
import { createLineWriter } from './line-writer.ts';
import { createLogFrames } from './log-frame.ts';

// Encodes the rows of one batch. Yields to the event loop between slices, because it may run in the host's thread.

/** The longest line that the service accepts, and roughly the longest request. */
export const maxLineBytes = 10_383_360;
const maxRequestBytes = 10_485_760;
const sliceRows = 256;

/** The lines of one request. */
export interface LineGroup {
  readonly count: number;
  /** Index of the first row after the group. Rows that were left out count as part of the group. */
  readonly end: number;
  /** JSON strings, separated by commas. */
  readonly lines: Uint8Array<ArrayBuffer>;
}

export interface Lines {
  /** At least one. */
  readonly groups: readonly LineGroup[];
  /** Lengths of the lines that were left out because they are too long. */
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
      // The limit applies to the unescaped line, which is shorter.
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

/** Encodes rows as bytes of a transaction log, from `position` in the file on. `count`: number of records before. */
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
