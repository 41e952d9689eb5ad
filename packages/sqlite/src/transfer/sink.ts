import { stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { createFile, isThere, type Refusals, toWriteError } from '../new-file.ts';

/** The target of an export. */
export interface Sink {
  /** Resolves when there is room for more; rejects with the signal's reason if it aborts first. */
  write(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
  /** Called when everything is written. */
  commit(): Promise<void>;
  /** Removes what was written, where that is possible. */
  discard(): Promise<void>;
}

/**
 * Writes a file, for its owner only, that gets its name when it is complete.
 * @throws AnalyticsError `INVALID_CONFIG` when the path is taken or cannot be written; its methods `STORAGE_FULL`, or
 *   `BACKEND_UNAVAILABLE`.
 */
export async function fileSink(path: string, overwrite: boolean, database: string): Promise<Sink> {
  await refuseTaken(path, overwrite, database);
  const { file, commit, discard } = await createFile(path, refusals, overwrite);
  return {
    write: (bytes) =>
      file.writeFile(bytes).catch((error: unknown) => {
        throw toWriteError(error, path);
      }),
    commit,
    discard,
  };
}

async function refuseTaken(path: string, overwrite: boolean, database: string): Promise<void> {
  const there = await identityOf(path);
  if (there !== undefined) {
    // A device or a pipe would be replaced instead of written to.
    if (!there.isFile) {
      throw refusal('must be the path of a file; give a stream for anything else');
    }
    for (const ending of ['', '-wal', '-shm']) {
      if ((await identityOf(`${database}${ending}`))?.identity === there.identity) {
        throw refusal('must not be the database itself');
      }
    }
  }
  if (!overwrite && (await isThere(path))) {
    throw refusals.isThere();
  }
}

async function identityOf(path: string): Promise<{ identity: string; isFile: boolean } | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && { identity: `${stats.dev}:${stats.ino}`, isFile: stats.isFile() };
}

const refusals: Refusals = {
  cannotBeWritten: (reason) => refusal(`cannot be written: ${reason}`),
  isThere: () => refusal('is there already: choose another path, or say overwrite'),
};

function refusal(message: string): AnalyticsError {
  return configError([{ field: 'target', message }]);
}

/** Writes to a stream of the caller, and does not end it. */
export function streamSink(stream: Writable): Sink {
  let isWriting = false;
  let isDiscarded = false;
  // Without a listener, an error of the stream would end the process. A stream emits it only after the failed write's callback.
  const hear = (): void => {};
  stream.on('error', hear);

  function release(): void {
    if (stream.destroyed && !stream.closed) {
      stream.once('close', () => stream.off('error', hear));
    } else {
      stream.off('error', hear);
    }
  }

  return {
    write: (bytes, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const closed = (): void =>
          settle(stream.errored ?? new Error('the stream was closed before everything was written'));
        const abort = (): void => settle(signal?.reason);
        function settle(error: unknown): void {
          stream.off('close', closed);
          signal?.removeEventListener('abort', abort);
          if (error === undefined || error === null) {
            resolve();
          } else {
            reject(error);
          }
        }
        stream.once('close', closed);
        signal?.addEventListener('abort', abort, { once: true });
        isWriting = true;
        stream.write(bytes, (error) => {
          isWriting = false;
          // Prefers the original error to the one that says the stream is destroyed.
          settle(error && (stream.errored ?? error));
          if (isDiscarded) {
            setImmediate(release);
          }
        });
      }),
    commit: async () => release(),
    async discard() {
      isDiscarded = true;
      if (!isWriting) {
        release();
      }
    },
  };
}
