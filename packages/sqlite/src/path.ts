import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The absolute path of a database; `:memory:` stays as it is. */
export function expandPath(path: string): string {
  const given = path.trim() === '' ? '~/.toolweaver/analytics.db' : path;
  if (given === ':memory:') {
    return given;
  }
  // Only a `~` that stands alone: shells read `~name` as the home of another.
  return /^~(?=$|[\\/])/.test(given) ? join(homedir(), given.slice(1)) : resolve(given);
}
