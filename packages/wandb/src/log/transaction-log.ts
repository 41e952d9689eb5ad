import { closeSync, fsync, ftruncateSync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { isDiskFull } from '@toolweaver/analytics-core/backend';
import { newRows, type Rows } from '../encoding/batch.ts';
import { encodeRecords } from '../encoding/encode.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { createLogFrames, type LogFrames, logHeader } from '../encoding/log-frame.ts';
import { messageOf } from '../failure.ts';
import { createRecords, type Records } from './records.ts';

/** A file of records that `wandb sync` reads. Appended records survive any end of the process. */
export interface TransactionLog {
  /**
   * Appends the rows, and then the records that `encode` adds: all of them or none.
   * @throws AnalyticsError `STORAGE_FULL` or `BACKEND_UNAVAILABLE`; the next call overwrites what was left of it.
   */
  append(encode: (records: Records) => void, rows?: Rows): Promise<void>;
  /** Synchronous `append`, for a process that is exiting. Cancels an `append` that is still encoding. */
  appendSync(encode: (records: Records) => void): void;
  /**
   * Completes the pending write, if there is one. Returns whether these rows have been appended, by this call or before; if not,
   * they never are.
   */
  settleSync(rows: Rows): boolean;
  /** Flushes the file to the disk. */
  sync(): Promise<void>;
  /** Closes the file after pending appends. */
  close(): Promise<void>;
}

const writeSome = promisify(write);

/** Creates a new file, accessible to its owner only. */
export function createTransactionLog(path: string, encodeRows: Encoder['records'] = encodeRecords): TransactionLog {
  const fd = openSync(path, 'wx', 0o600);
  let open = true;
  /** Position of the next record in the file; `count` is the number of the last one. */
  let position = 0;
  let count = 0;
  /** Incremented to cancel appends that are still encoding. */
  let epoch = 0;
  let underWay: { readonly parts: readonly Uint8Array[]; readonly count: number; readonly rows: Rows } | undefined;
  const appended = new WeakSet<Rows>();
  /** Rows that are not appended any more: who settled them has written what they stand for. */
  const takenOver = new WeakSet<Rows>();
  let latest: Promise<unknown> = Promise.resolve();

  function encoder(from: number): { readonly frames: LogFrames; readonly records: Records } {
    const frames = createLogFrames(from);
    return { frames, records: createRecords(frames) };
  }

  function writeNow(parts: readonly Uint8Array[]): void {
    let end = position;
    try {
      for (const bytes of parts) {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(fd, bytes, done, bytes.length - done, end + done);
        }
        end += bytes.length;
      }
    } catch (error) {
      throw toStorageError(error, path);
    }
    position = end;
  }

  /** Removes a partial write: it takes disk space, and its end would look like damage after a shorter write over it. */
  function cutRest(): void {
    try {
      ftruncateSync(fd, position);
    } catch {
      // The next append overwrites it.
    }
  }

  async function appendNext(encode: (records: Records) => void, rows: Rows, started: number): Promise<void> {
    const at = position;
    const header = headerAt(at);
    const history = await encodeRows(rows, at + header.length, count);
    const { frames, records } = encoder(at + header.length + history.length);
    records.count = count + rows.shapes.length;
    encode(records);
    if (epoch !== started || takenOver.has(rows) || !open) {
      throw new AnalyticsError('CLOSED', 'a synchronous write has come first');
    }
    const current = { parts: [header, history, frames.take()], count: records.count, rows };
    underWay = current;
    let end = at;
    try {
      for (const bytes of current.parts) {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await writeSome(fd, bytes, done, bytes.length - done, end + done);
          done += bytesWritten;
        }
        end += bytes.length;
      }
    } catch (error) {
      cutRest();
      throw error;
    }
    if (underWay === current) {
      position = end;
      finishWrite(current);
    }
  }

  function finishWrite(written: NonNullable<typeof underWay>): void {
    underWay = undefined;
    count = written.count;
    appended.add(written.rows);
  }

  function settle(): void {
    if (underWay !== undefined) {
      // Writes the same bytes at the same position, so it does not matter how far the other write gets.
      writeNow(underWay.parts);
      finishWrite(underWay);
    }
  }

  return {
    settleSync(rows) {
      settle();
      takenOver.add(rows);
      return appended.has(rows);
    },
    append(encode, rows = newRows()) {
      const previous = latest;
      const started = epoch;
      const done = (async () => {
        await previous.catch(() => {});
        try {
          await appendNext(encode, rows, started);
        } catch (error) {
          throw toStorageError(error, path);
        } finally {
          underWay = undefined;
        }
      })();
      latest = done;
      return done;
    },
    appendSync(encode) {
      settle();
      epoch += 1;
      const header = headerAt(position);
      const { frames, records } = encoder(position + header.length);
      records.count = count;
      encode(records);
      writeNow([header, frames.take()]);
      count = records.count;
    },
    async sync() {
      await latest.catch(() => {});
      await promisify(fsync)(fd);
    },
    async close() {
      if (open) {
        open = false;
        await latest.catch(() => {});
        closeSync(fd);
      }
    },
  };
}

/** The header, at the beginning of the file only. */
function headerAt(position: number): Uint8Array {
  return position === 0 ? logHeader : new Uint8Array();
}

export function toStorageError(error: unknown, path: string): AnalyticsError {
  if (error instanceof AnalyticsError) {
    return error;
  }
  const isFull = isDiskFull(error);
  const message = isFull
    ? `${path}: no room left; free some disk space`
    : `${path}: cannot be written: ${messageOf(error)}`;
  return new AnalyticsError(isFull ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE', message, { cause: error });
}
