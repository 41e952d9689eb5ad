import { stat } from 'node:fs/promises';
import type { AnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { createFile, isThere, type Refusals, toWriteError } from '../new-file.ts';
import { absolutePath } from '../path.ts';

/** The progress of a backup. */
export interface BackupProgress {
  readonly writtenBytes: number;
  /** The approximate size of the copy. */
  readonly totalBytes: number;
}

/** The file that a backup created. */
export interface BackupReport {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
}

const progressMs = 200;

/**
 * Has `copy` fill a file next to the given path, which gets its name when it is complete and on disk; a failure leaves nothing
 * behind. The file is for its owner only: SQLite copies into an empty file, which keeps its mode.
 */
export async function writeBackup(
  given: string,
  copy: (draft: string) => Promise<void>,
  onProgress?: (writtenBytes: number) => void,
): Promise<BackupReport> {
  const path = absolutePath(given);
  const refusals = refusalsOf(path);
  if (await isThere(path)) {
    throw refusals.isThere();
  }
  const { draft, commit, discard } = await createFile(path, refusals);
  const watch =
    onProgress &&
    setInterval(() => {
      stat(draft).then(
        ({ size }) => onProgress(size),
        () => {},
      );
    }, progressMs);
  try {
    await copy(draft);
    await commit();
    return { path, bytes: (await stat(path)).size };
  } catch (error) {
    throw toWriteError(error, path);
  } finally {
    clearInterval(watch);
    await discard();
  }
}

function refusalsOf(path: string): Refusals {
  const refusal = (message: string): AnalyticsError => configError([{ field: 'path', message }]);
  return {
    cannotBeWritten: (reason) =>
      refusal(`cannot be written (${reason}): choose the path of a file in a folder that is there`),
    isThere: () => refusal(`${path} is there already: choose another path, or remove it`),
  };
}
