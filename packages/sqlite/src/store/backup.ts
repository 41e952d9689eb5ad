import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AnalyticsError, isAnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';

/** How far a backup has come. */
export interface BackupProgress {
  readonly writtenBytes: number;
  /** What the copy will take, about. */
  readonly totalBytes: number;
}

/** The file that a backup has made. */
export interface BackupReport {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
}

const progressMs = 200;

/**
 * Has `copy` write a file beside the given path, and gives it its name when it is complete and on the disk; a failure leaves
 * nothing behind. For the owner alone.
 */
export async function writeBackup(
  given: string,
  copy: (draft: string) => Promise<void>,
  onProgress?: (writtenBytes: number) => void,
): Promise<BackupReport> {
  const path = resolve(given);
  await refuseExisting(path);
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
  const watch =
    onProgress &&
    setInterval(() => {
      stat(draft).then(
        ({ size }) => onProgress(size),
        () => {},
      );
    }, progressMs);
  try {
    await createDraft(draft);
    await copy(draft);
    await sync(draft);
    await giveName(draft, path);
    await sync(dirname(path));
    return { path, bytes: (await stat(path)).size };
  } catch (error) {
    throw isAnalyticsError(error) ? error : toWriteError(error, path);
  } finally {
    clearInterval(watch);
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function giveName(draft: string, path: string): Promise<void> {
  try {
    // Unlike a rename, it never replaces a file that has come meanwhile.
    await link(draft, path);
  } catch {
    await refuseExisting(path);
    // A file system without links.
    await rename(draft, path);
  }
}

function toWriteError(error: unknown, path: string): AnalyticsError {
  const { code, message } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new AnalyticsError(isFull ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE', `${path} cannot be written (${message})`, {
    cause: error,
  });
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) {
    throw configError([{ field: 'path', message: `${path} is there already: choose another path, or remove it` }]);
  }
}

/** SQLite copies into an empty file, which keeps its mode. */
async function createDraft(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.chmod(0o600);
    } finally {
      await file.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw configError([
      { field: 'path', message: `cannot be written (${reason}): choose the path of a file in a folder that is there` },
    ]);
  }
}

async function sync(path: string): Promise<void> {
  // Windows cannot open a folder.
  const file = await open(path, 'r').catch(() => undefined);
  try {
    await file?.sync().catch(() => {});
  } finally {
    await file?.close();
  }
}
