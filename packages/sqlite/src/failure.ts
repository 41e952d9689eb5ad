import type { ErrorCode } from '@toolweaver/analytics-core';
import { isDiskFull } from '@toolweaver/analytics-core/backend';

/** An error in a form that passes between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause?: unknown;
  /** Set when the database is damaged. */
  readonly damaged?: boolean;
}

const brand = Symbol('failure');

/** Creates an error whose message is shown to the user unchanged. */
export function failure(code: ErrorCode, message: string, cause?: unknown): Error {
  const known: Failure = { code, message, cause };
  return Object.assign(new Error(message, { cause }), { [brand]: known });
}

/** What to tell of a thrown value. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) {
    return thrown.message;
  }
  // Turning an object into a text may throw.
  return typeof thrown === 'string' ? thrown : `${typeof thrown} was thrown`;
}

/** The code of an SQLite error, e.g. `SQLITE_BUSY`; '' for other errors. */
function sqliteCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'SQLITE_ERROR' && (error as Error).message === 'unsupported file format') {
    // SQLite has no code of its own for this damage of the header.
    return 'SQLITE_CORRUPT';
  }
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/** The code of a system error, e.g. `EMFILE`; '' for other errors. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error && 'syscall' in error ? error.code : undefined;
  if (error instanceof Error && /too many open files/i.test(error.message)) {
    return 'EMFILE';
  }
  return typeof code === 'string' ? code : '';
}

/** `SQLITE_PROTOCOL`: a lock of the log was lost to others too often: https://www.sqlite.org/rescode.html#protocol */
const busy = /^SQLITE_(BUSY|LOCKED|PROTOCOL)/;

export function isBusy(error: unknown): boolean {
  return busy.test(sqliteCode(error));
}

export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(error));
}

/** Whether a new connection may help, as the error concerns the file or memory. */
export function isLost(error: unknown): boolean {
  return /^SQLITE_(IOERR|READONLY|CANTOPEN|NOMEM|PERM|AUTH)/.test(sqliteCode(error));
}

/** What SQLite errors mean and what to do about them, by the start of their code. */
const meanings: readonly (readonly [pattern: RegExp, code: ErrorCode, meaning: string])[] = [
  [busy, 'BACKEND_UNAVAILABLE', 'is locked by another process'],
  [/^SQLITE_FULL/, 'STORAGE_FULL', 'has no room left: free some disk space'],
  [/^SQLITE_IOERR/, 'BACKEND_UNAVAILABLE', 'cannot be read or written: check its disk'],
  [/^SQLITE_NOMEM/, 'BACKEND_UNAVAILABLE', 'cannot be used for lack of memory'],
  [/^SQLITE_READONLY/, 'BACKEND_UNAVAILABLE', 'cannot be written: check the permissions of the file and its directory'],
  [
    /^SQLITE_(CANTOPEN|PERM|AUTH)/,
    'BACKEND_UNAVAILABLE',
    'cannot be opened: check the permissions of the file and its directory, and how many files the process may open',
  ],
  [/^SQLITE_NOTADB/, 'BACKEND_UNAVAILABLE', 'is not an SQLite database: move it away, or choose another path'],
  [/^SQLITE_CORRUPT/, 'BACKEND_UNAVAILABLE', 'is damaged: save what can be read with the .recover command of sqlite3'],
  [/^SQLITE_CONSTRAINT/, 'EVENTS_REJECTED', 'refuses an event'],
  [/^SQLITE_TOOBIG/, 'TOO_LARGE', 'cannot hold an event of this size'],
];
/** Errors of the system, by their codes. */
const systemMeanings: readonly (readonly [pattern: RegExp, code: ErrorCode, meaning: string])[] = [
  [/^(EMFILE|ENFILE)$/, 'BACKEND_UNAVAILABLE', 'cannot be used, as too many files are open'],
  [/^E[A-Z]+$/, 'BACKEND_UNAVAILABLE', 'cannot be used'],
];
/** When a database is opened for the first time, these mean that the path is wrong. */
const wrongPath = /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH|NOTADB|CORRUPT)/;

/** Returns what an error means for the database at `path`; `starting` when it is opened for the first time. */
export function toFailure(error: unknown, path: string, starting: boolean): Failure {
  if (error instanceof Error && brand in error) {
    const known = error[brand] as Failure;
    return known.code === 'INVALID_CONFIG' && !starting ? { ...known, code: 'BACKEND_UNAVAILABLE' } : known;
  }
  const cause = error instanceof Error ? error : new Error(messageOf(error));
  const sqlite = sqliteCode(cause);
  const [, code, meaning] = meanings.find(([pattern]) => pattern.test(isDiskFull(cause) ? 'SQLITE_FULL' : sqlite)) ??
    systemMeanings.find(([pattern]) => pattern.test(systemCode(cause))) ?? [null, 'INTERNAL', 'cannot be used'];
  const reason = sqlite === '' ? cause.message : `${sqlite}: ${cause.message}`;
  return {
    code: starting && wrongPath.test(sqlite) ? 'INVALID_CONFIG' : code,
    message: `${path} ${meaning} (${reason})`,
    cause,
    ...(isDamage(error) && { damaged: true }),
  };
}
