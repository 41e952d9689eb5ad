import { randomUUID } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnalyticsError, isAnalyticsError } from '@toolweaver/analytics-core';
import { isDiskFull } from '@toolweaver/analytics-core/backend';

/** A file, for its owner only, that gets its name when it is complete. */
interface NewFile {
  /** Its path until then. */
  readonly draft: string;
  readonly file: FileHandle;
  /** Syncs it to disk and gives it its name. */
  commit(): Promise<void>;
  /** Removes what was not committed. */
  discard(): Promise<void>;
}

/** The caller's errors for a path that cannot be used. */
export interface Refusals {
  cannotBeWritten(reason: string): AnalyticsError;
  isThere(): AnalyticsError;
}

/**
 * @throws AnalyticsError as `refusals` say; the methods `STORAGE_FULL`, or `BACKEND_UNAVAILABLE`, too.
 */
export async function createFile(path: string, refusals: Refusals, overwrite = false): Promise<NewFile> {
  const draft = `${path}.${randomUUID()}.partial`;
  const file = await open(draft, 'wx', 0o600).catch((error: Error) => {
    throw refusals.cannotBeWritten(error.message);
  });
  const created = {
    draft,
    file,
    async commit() {
      try {
        await file.sync();
        await file.close();
        await (overwrite ? rename(draft, path) : moveToFree(draft, path, refusals));
        await syncFolder(dirname(path));
      } catch (error) {
        throw toWriteError(error, path);
      }
    },
    async discard() {
      await file.close().catch(() => {});
      await rm(draft, { force: true }).catch(() => {});
    },
  };
  try {
    // The umask may have removed rights of the owner.
    await file.chmod(0o600);
  } catch (error) {
    await created.discard();
    throw toWriteError(error, path);
  }
  return created;
}

/** Unlike a rename, a link never replaces a file that was created meanwhile. */
async function moveToFree(draft: string, path: string, refusals: Refusals): Promise<void> {
  try {
    await link(draft, path);
  } catch {
    if (await isThere(path)) {
      throw refusals.isThere();
    }
    // A file system without links.
    await rename(draft, path);
    return;
  }
  await rm(draft, { force: true }).catch(() => {});
}

/** Whether there is anything at the path; a dangling link counts. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Converts an error; our own stay as they are. */
export function toWriteError(error: unknown, path: string): AnalyticsError {
  if (isAnalyticsError(error)) {
    return error;
  }
  const code = isDiskFull(error) ? 'STORAGE_FULL' : 'BACKEND_UNAVAILABLE';
  return new AnalyticsError(code, `${path} cannot be written: ${(error as Error).message}`, { cause: error });
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder.
  const folder = await open(path, 'r').catch(() => undefined);
  try {
    await folder?.sync().catch(() => {});
  } finally {
    await folder?.close();
  }
}
