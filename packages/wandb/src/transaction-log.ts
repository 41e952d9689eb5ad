import { closeSync, fsync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { AnalyticsError } from '@toolweaver/analytics-core';
import { codeOf, messageOf } from './failure.ts';
import { createLogFrames, type LogFrames, logHeader } from './log-frame.ts';
import { createRecords, type Records } from './records.ts';

/** A file of records that `wandb sync` reads. What was appended survives the end of the process, however it comes. */
export interface TransactionLog {
  /**
   * Appends what `encode` adds, all of it or nothing.
   * @throws AnalyticsError `STORAGE_FULL` or `BACKEND_UNAVAILABLE`; the next call overwrites what was left of it.
   */
  append(encode: (records: Records) => void | Promise<void>): Promise<void>;
  /** The same for a process that is exiting. An `append` that was still encoding is void. */
  appendSync(encode: (records: Records) => void): void;
  /** Completes the writing that is under way, if there is one; false when there is none. */
  settleSync(): boolean;
  /** Sees to it that the disk has everything. */
  sync(): Promise<void>;
  /** After what is under way. */
  close(): Promise<void>;
}

interface Encoder {
  readonly frames: LogFrames;
  readonly records: Records;
}

type Write = (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;
const writeSome: Write = promisify(write);

/** Makes a new file, for its owner alone. */
export function createTransactionLog(path: string): TransactionLog {
  const fd = openSync(path, 'wx', 0o600);
  let open = true;
  /** Where the next record goes, and its number. */
  let position = 0;
  let count = 0;
  /** Counts what makes an unfinished append void. */
  let epoch = 0;
  let underWay: { readonly bytes: Buffer; readonly count: number } | undefined;
  let latest: Promise<unknown> = Promise.resolve();

  /** Of `append`, again and again. */
  const held = createEncoder();

  function createEncoder(): Encoder {
    const frames = createLogFrames();
    return { frames, records: createRecords(frames) };
  }

  function begin({ frames, records }: Encoder): void {
    frames.reset(position + (position === 0 ? logHeader.length : 0));
    records.count = count;
  }

  function bytesOf({ frames }: Encoder): Buffer {
    return position === 0 ? Buffer.concat([logHeader, frames.take()]) : frames.take();
  }

  function writeNow(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    }
    position += bytes.length;
  }

  async function appendNext(encode: (records: Records) => void | Promise<void>, started: number): Promise<void> {
    const { records } = held;
    begin(held);
    await encode(records);
    if (epoch !== started || !open) {
      throw new AnalyticsError('CLOSED', 'the process is ending');
    }
    const bytes = bytesOf(held);
    const at = position;
    const current = { bytes, count: records.count };
    underWay = current;
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await writeSome(fd, bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
    if (underWay === current) {
      position = at + bytes.length;
      count = current.count;
    }
  }

  return {
    append(encode) {
      const previous = latest;
      const started = epoch;
      const appended = (async () => {
        await previous.catch(() => {});
        try {
          await appendNext(encode, started);
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
      // That of `append` may still be read from.
      const encoder = createEncoder();
      begin(encoder);
      encode(encoder.records);
      try {
        writeNow(bytesOf(encoder));
        count = encoder.records.count;
      } catch (error) {
        throw toStorageError(error, path);
      }
    },
    settleSync() {
      if (underWay === undefined) {
        return false;
      }
      // The same bytes in the same place: whatever the other writing does, they are there once.
      const { bytes, count: reached } = underWay;
      underWay = undefined;
      writeNow(bytes);
      count = reached;
      return true;
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
