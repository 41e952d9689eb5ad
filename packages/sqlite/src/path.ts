import { resolve } from 'node:path';
import { expandHome, type OptionChecks } from '@toolweaver/analytics-core/backend';

/**
 * Returns the absolute path of a file; a leading `~` is the home directory.
 * @throws AnalyticsError `INVALID_CONFIG` where there is none.
 */
export function absolutePath(path: string): string {
  return resolve(expandHome(path, 'path', ' (ANALYTICS_DB_PATH is that of the database)'));
}

/** What is wrong with the path of a database. Does not quote it: the URL of a server contains a password. */
export function pathProblem(path: string): string | undefined {
  if (/^(file:|[a-z][a-z\d+.-]*:\/\/)/i.test(path)) {
    return 'must be the path of a file, not a URL';
  }
  // Only shells replace these, and a folder of that name would be made.
  if (/^(\$[\w{]|~[\w-])/.test(path)) {
    return 'must be a path as it is: variables and other homes than ~ are not replaced';
  }
  return path.includes('\0') ? 'must hold no NUL' : undefined;
}

/** Checks the option `path` of a database. A blank one counts as not given, and gives ''. */
export function checkPath(check: OptionChecks, path: string | undefined): string {
  const isBlank = typeof path === 'string' && path.trim() === '';
  const given = check.text('path', isBlank ? undefined : path) ?? '';
  const wrong = pathProblem(given);
  if (wrong !== undefined) {
    check.problem('path', wrong);
  }
  return given;
}

/** Returns the absolute path of a database; `:memory:` stays as it is. */
export function databasePath(path: string): string {
  const given = path === '' ? '~/.toolweaver/analytics.db' : path;
  return given === ':memory:' ? given : absolutePath(given);
}
