import { closeSync, fsync, ftruncateSync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { newRows, type Rows } from '../encoding/batch.ts';
import { encodeRecords } from '../encoding/encode.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { createLogFrames, type LogFrames, logHeader } from '../encoding/log-frame.ts';
import { codeOf, messageOf } from '../failure.ts';
import { createRecords, type Records } from './records.ts';

/** A file of records that `wandb sync` reads. What was appended survives the end of the process, however it comes. */
export interface TransactionLog {
  /**
   * Appends the rows, and then what `encode` adds: all of it or nothing.
   * @throws AnalyticsError `STORAGE_FULL` or `BACKEND_UNAVAILABLE`; the next call overwrites what was left of it.
   */
  append(encode: (records: Records) => void, rows?: Rows): Promise<void>;
  /** The same for a process that is exiting. An `append` that was still encoding is void. */
  appendSync(encode: (records: Records) => void): void;
  /** Completes the writing that is under way, if there is one; tells whether it was that of these rows. */
  settleSync(rows?: Rows): boolean;
  /** Sees to it that the disk has everything. */
  sync(): Promise<void>;
  /** After what is under way. */
  close(): Promise<void>;
}

type Write = (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;
const writeSome: Write = promisify(write);

/** Makes a new file, for its owner alone. */
export function createTransactionLog(path: string, encodeRows: Encoder['records'] = encodeRecords): TransactionLog {
  const fd = openSync(path, 'wx', 0o600);
  let open = true;
  /** Where the next record goes, and its number. */
  let position = 0;
  let count = 0;
  /** Counts what makes an unfinished append void. */
  let epoch = 0;
  let underWay: { readonly parts: readonly Uint8Array[]; readonly count: number; readonly rows: Rows } | undefined;
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

  /** Of what could not be written whole: it takes room, and behind less than itself it would look like damage. */
  function cutRest(): void {
    try {
      ftruncateSync(fd, position);
    } catch {
      // What comes next goes over it.
    }
  }

  async function appendNext(encode: (records: Records) => void, rows: Rows, started: number): Promise<void> {
    const at = position;
    const header = headerAt(at);
    const history = await encodeRows(rows, at + header.length, count);
    const { frames, records } = encoder(at + header.length + history.length);
    records.count = count + rows.shapes.length;
    encode(records);
    if (epoch !== started || !open) {
      throw new AnalyticsError('CLOSED', 'the process is ending');
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
      count = current.count;
    }
  }

  return {
    append(encode, rows = newRows()) {
      const previous = latest;
      const started = epoch;
      const appended = (async () => {
        await previous.catch(() => {});
        try {
          await appendNext(encode, rows, started);
        } catch (error) {
          throw toStorageError(error, path);
        } finally {
          underWay = undefined;
        }
      })();
      latest = appended;
      return appended;
    },
    appendSync(encode) {
      this.settleSync();
      epoch += 1;
      const header = headerAt(position);
      const { frames, records } = encoder(position + header.length);
      records.count = count;
      encode(records);
      writeNow([header, frames.take()]);
      count = records.count;
    },
    settleSync(given) {
      if (underWay === undefined) {
        return false;
      }
      // The same bytes in the same place: whatever the other writing does, they are there once.
      const { parts, count: reached, rows } = underWay;
      writeNow(parts);
      underWay = undefined;
      count = reached;
      return rows === given;
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

/** What a file begins with. */
function headerAt(position: number): Uint8Array {
  return position === 0 ? logHeader : new Uint8Array();
}

export function toStorageError(error: unknown, path: string): AnalyticsError {
  if (error instanceof AnalyticsError) {
    return error;
  }
  const isFull = /^(ENOSPC|EDQUOT|EFBIG)$/.test(codeOf(error));
  const message = isFull
    ? `${path}: no room left; free some disk space`
    : `${path}: cannot be written: ${messageOf(error)}`;
  return new AnalyticsError(isFull ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE', message, { cause: error });
}
