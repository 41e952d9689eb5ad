import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { configError } from '@toolweaver/analytics-core/backend';

/**
 * Returns the absolute path of a file; a leading `~` is the home directory.
 * @throws AnalyticsError `INVALID_CONFIG` where there is none.
 */
export function absolutePath(path: string): string {
  // Only `~` by itself: shells read `~name` as the home of another user.
  return /^~(?=$|[\\/])/.test(path) ? join(home(), path.slice(1)) : resolve(path);
}

function home(): string {
  try {
    return homedir();
  } catch {
    // The user of a container may have neither an entry in the password file nor `HOME`.
    const message =
      'must be given in full (ANALYTICS_DB_PATH is that of the database), as this user has no home directory';
    throw configError([{ field: 'path', message }]);
  }
}

/** What is wrong with the path of a database. Does not quote it: the URL of a server contains a password. */
export function pathProblem(path: string): string | undefined {
  if (/^(file:|[a-z][a-z\d+.-]*:\/\/)/i.test(path)) {
    return 'must be the path of a file, not a URL';
  }
  return path.includes('\0') ? 'must hold no NUL' : undefined;
}

/** Returns the absolute path of a database; `:memory:` stays as it is. */
export function databasePath(path: string): string {
  const given = path.trim() === '' ? '~/.toolweaver/analytics.db' : path;
  return given === ':memory:' ? given : absolutePath(given);
}
