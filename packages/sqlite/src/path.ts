import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The absolute path of a file; a leading `~` is the home directory. */
export function absolutePath(path: string): string {
  // Only a `~` that stands alone: shells read `~name` as the home of another.
  return /^~(?=$|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : resolve(path);
}

/** The absolute path of a database; `:memory:` stays as it is. */
export function databasePath(path: string): string {
  const given = path.trim() === '' ? '~/.toolweaver/analytics.db' : path;
  return given === ':memory:' ? given : absolutePath(given);
}
