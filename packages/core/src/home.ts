import { homedir } from 'node:os';
import { join } from 'node:path';
import { configError } from './errors.ts';

/**
 * Returns the path with the home directory in place of a leading `~`, which nobody else expands outside of a shell. `hint` follows
 * the advice to give the path in full.
 * @throws AnalyticsError `INVALID_CONFIG` about `field` where this user has no home directory.
 */
export function expandHome(path: string, field: string, hint = ''): string {
  // Only `~` by itself: shells read `~name` as the home of another user.
  if (!/^~(?=[\\/]|$)/.test(path)) {
    return path;
  }
  let home: string;
  try {
    home = homedir();
  } catch {
    // The user of a container may have neither an entry in the password file nor `HOME`.
    throw configError([{ field, message: `must be given in full${hint}, as this user has no home directory` }]);
  }
  return join(home, path.slice(1));
}
