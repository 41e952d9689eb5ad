import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { createFolder } from '@toolweaver/analytics-core/backend';
import { failure, messageOf, systemCode } from './failure.ts';

/** Together with the longest suffix that SQLite appends, these are the 512 bytes that its system layer takes. */
const maxPathBytes = 504;

/** Ensures that there is a readable and writable file at the path. */
export function ensureFile(path: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) {
      // A device or a pipe would accept data and keep none.
      throw new Error(found.isDirectory() ? 'it is a directory' : 'it is no file');
    }
    if (Buffer.byteLength(path) > maxPathBytes && process.platform !== 'win32') {
      throw new Error(`it is longer than the ${maxPathBytes} bytes that SQLite takes`);
    }
    if (found === undefined) {
      createFolder(dirname(path), 0o700);
      createPrivately(path);
    }
    // SQLite would open a file without write permission for reading.
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (found !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') {
      // Another process has just set it aside.
      ensureFile(path);
      return;
    }
    const advice = /^(EACCES|EPERM|EROFS)$/.test(systemCode(error))
      ? 'check who may write the file and its folder, or choose another path'
      : 'choose the path of a file';
    throw failure('INVALID_CONFIG', `${path} cannot be written (${messageOf(error)}): ${advice}`, error);
  }
}

/** Begins the file in the place of one that root has set aside, for the same owner, who could not write to a file of root's. */
export function keepOwner(path: string, before: string): void {
  if (process.geteuid?.() === 0) {
    try {
      createPrivately(path, statSync(before));
    } catch {
      // Without room for a file: whoever opens the database next creates it.
    }
  }
}

/**
 * Creates an empty file for the owner only: SQLite would apply the umask, and gives `-wal` and `-shm` the mode of the file. The
 * file is linked into place because opening and closing an existing database other than through SQLite releases the locks that
 * this process holds on it.
 */
function createPrivately(path: string, owner?: Pick<Stats, 'uid' | 'gid'>): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    chmodSync(draft, 0o600);
    if (owner !== undefined) {
      chownSync(draft, owner.uid, owner.gid);
    }
    linkSync(draft, path);
  } catch {
    if (!existsSync(path)) {
      // A file system without links.
      closeSync(openSync(path, 'a', 0o600));
      if (owner !== undefined) {
        chownSync(path, owner.uid, owner.gid);
      }
    }
  } finally {
    unlinkSync(draft);
  }
}
