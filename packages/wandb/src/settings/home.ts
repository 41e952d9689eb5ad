import { homedir } from 'node:os';
import { join } from 'node:path';

/** Returns the path with the home directory in place of a leading `~`, which nobody else expands outside of a shell. */
export function expandHome(path: string): string {
  return /^~(?=[\\/]|$)/.test(path) ? join(homedir(), path.slice(1)) : path;
}
