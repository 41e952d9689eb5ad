import { chmodSync, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and those above it, one by one: the `recursive` of Node's `mkdirSync` never ends where a file system takes none,
 * such as `/proc`. `mode` is that of the new folders, whatever the umask says; without one the umask decides.
 * @throws the error of the system, or one that names what is no folder, or a link that leads nowhere.
 */
export function createFolder(path: string, mode?: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) {
    if (!found.isDirectory()) {
      throw new Error(`${path} is no folder`);
    }
    return;
  }
  const parent = dirname(path);
  // A drive, which Windows may lack, is its own parent.
  if (parent !== path) {
    createFolder(parent, mode);
  }
  try {
    mkdirSync(path, mode);
    if (mode !== undefined) {
      chmodSync(path, mode);
    }
  } catch (error) {
    // Another process may have created it.
    if (!existsSync(path)) {
      const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
      throw isLink ? new Error(`the link ${path} leads nowhere`, { cause: error }) : error;
    }
  }
}
