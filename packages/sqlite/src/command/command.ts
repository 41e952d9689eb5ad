import { existsSync } from 'node:fs';
import { type CostGroup, type Env, isAnalyticsError } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { dayMs } from '../cell.ts';
import { openExisting } from '../database.ts';
import { checkRuntime, loadDriver } from '../driver.ts';
import { sqliteFromEnv } from '../env.ts';
import { absolutePath, databasePath } from '../path.ts';
import { type SqliteBackend, type SqliteOptions, sqlite } from '../sqlite.ts';
import { checkIntegrity, reportingDamage } from '../store/integrity.ts';
import { exportEvents, importEvents } from '../transfer/transfer.ts';
import { type CommandArguments, help, parseArguments } from './arguments.ts';
import { showCosts, showFailures, showReport, showRuns, showSummary } from './show.ts';

export interface Surroundings {
  readonly env: Env;
  readonly version: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person reads what `err` gets, and so wants to see progress. */
  readonly isWatched: boolean;
  /** Ends an export or import early. */
  readonly signal: AbortSignal;
}

interface Outcome {
  readonly report: object;
  readonly text: string;
  /** What a person should do now; then the exit code is 1. */
  readonly remainder?: string | undefined;
}

/** Runs the command that the arguments name, and returns the exit code. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, version, out, err } = surroundings;
  let command: CommandArguments;
  let settings: SqliteOptions;
  try {
    const parsed = parseArguments(args);
    if (parsed === 'help' || parsed === 'version') {
      out(parsed === 'help' ? help : `${version}\n`);
      return 0;
    }
    command = parsed;
    settings = sqliteFromEnv(env);
  } catch (error) {
    err(`${(error as Error).message}\nTry: npx @toolweaver/analytics-sqlite --help\n`);
    return 2;
  }
  try {
    const { report, text, remainder } = await perform(command, settings, surroundings);
    out(command.json ? `${JSON.stringify(report)}\n` : text);
    if (remainder !== undefined) {
      err(`${remainder}\n`);
    }
    return remainder === undefined ? 0 : 1;
  } catch (error) {
    err(`${messageOf(error)}\n`);
    return 1;
  }
}

async function perform(
  command: CommandArguments,
  settings: SqliteOptions,
  surroundings: Surroundings,
): Promise<Outcome> {
  const file = databasePath(command.path ?? settings.path ?? '');
  // Opening would create it.
  if (command.command !== 'import' && !existsSync(file)) {
    throw new Error(`There is no database ${file}; --db or ANALYTICS_DB_PATH says where it is`);
  }
  const progress = createProgress(surroundings);
  if (command.command === 'export') {
    return exportTo(command, file, progress, surroundings.signal);
  }
  if (command.command === 'check') {
    return check(file, command.quick);
  }
  const notices: string[] = [];
  // Without the limits of the environment: nothing is deleted that was not asked for.
  const backend = await sqlite({ path: file, onNotice: ({ message }) => notices.push(message) });
  try {
    const outcome = await ofOpen(command, backend, settings, progress, surroundings.signal);
    const remainders = [...notices, ...(outcome.remainder === undefined ? [] : [outcome.remainder])];
    return { ...outcome, remainder: remainders.length === 0 ? undefined : remainders.join('\n') };
  } finally {
    progress.end();
    await backend.close();
  }
}

/** Does not open it as a backend does, which would set a damaged file aside and begin a new one. */
async function check(path: string, quick: boolean): Promise<Outcome> {
  checkRuntime();
  const connect = await loadDriver();
  const report = reportingDamage(() => {
    const db = openExisting(connect, { path, synchronous: 'full', busyTimeoutMs: 5000 }, true);
    try {
      return checkIntegrity(db, quick);
    } finally {
      db.close();
    }
  });
  const text = report.ok ? 'The file is intact\n' : report.problems.map((problem) => `${problem}\n`).join('');
  const advice = 'The file is damaged: restore a backup, or save what can be read with: sqlite3 FILE .recover';
  return { report, text, remainder: report.ok ? undefined : advice };
}

async function exportTo(
  { subject, force, days }: CommandArguments,
  path: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const report = await exportEvents({
      path,
      target: subject,
      overwrite: force,
      from: since(days),
      onProgress: ({ events, total }) => progress.show(events, total),
      signal,
    });
    return plain({ path: absolutePath(subject), ...report });
  } finally {
    progress.end();
  }
}

async function ofOpen(
  { command, subject, days, by, limit = 20, keepDays, maxMegabytes, dryRun }: CommandArguments,
  backend: SqliteBackend,
  settings: SqliteOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Outcome> {
  const { store, reader } = backend;
  const from = since(days);
  switch (command) {
    case 'costs': {
      const report = await reader.getCosts({ by: by as CostGroup | undefined, days, limit });
      return { report, text: showCosts(report) };
    }
    case 'failures': {
      const report = await reader.listExecutions({ success: false, from, limit });
      return { report, text: showFailures(report.executions) };
    }
    case 'runs': {
      const report = await reader.listRuns({ from, limit });
      return { report, text: showRuns(report.runs) };
    }
    case 'stats':
      return plain(await store.statistics());
    case 'backup': {
      const onProgress = ({
        writtenBytes,
        totalBytes,
      }: {
        readonly writtenBytes: number;
        readonly totalBytes: number;
      }) => progress.show(writtenBytes, totalBytes);
      return plain(await store.backup(subject, { onProgress }));
    }
    case 'import': {
      const report = await importEvents(backend, subject, {
        onProgress: ({ bytes, totalBytes = 0 }) => progress.show(bytes, totalBytes),
        signal,
      });
      const { rejections, rejected } = report;
      const first = rejections.map(({ line, field, reason }) => `line ${line}: ${field} ${reason}`);
      const rest = rejected > first.length ? [`and ${rejected - first.length} more`] : [];
      return { ...plain(report), remainder: rejected === 0 ? undefined : [...first, ...rest].join('\n') };
    }
    case 'prune': {
      const isGiven = keepDays !== undefined || maxMegabytes !== undefined;
      const { retentionDays = 0, maxBytes = 0 } = isGiven
        ? { retentionDays: keepDays, maxBytes: maxMegabytes && maxMegabytes * 1024 * 1024 }
        : settings;
      if (retentionDays === 0 && maxBytes === 0) {
        throw new Error('prune needs --keep-days or --max-mb, or their variables; nothing was deleted');
      }
      return plain(await store.prune({ retentionDays, maxBytes, dryRun }));
    }
    case 'erase': {
      const report = await store.erase({ userId: subject, dryRun });
      const advice = 'Deleted, but its bytes are still in the file: run compact when no other program reads it';
      return { ...plain(report), remainder: report.purged === false ? advice : undefined };
    }
    case 'compact':
      return plain(await store.compact());
    default: {
      const report = await reader.summary({ days });
      return { report, text: showSummary(report) };
    }
  }
}

function since(days: number | undefined): number | undefined {
  return days === undefined ? undefined : Math.max(0, Date.now() - days * dayMs);
}

function plain(report: object): Outcome {
  return { report, text: showReport(report) };
}

interface Progress {
  show(done: number, total: number): void;
  /** Clears the line. */
  end(): void;
}

function createProgress({ err, isWatched }: Surroundings): Progress {
  let shown = '';
  return {
    show(done, total) {
      const text = total > 0 ? `${Math.floor((100 * done) / total)} %` : `${done}`;
      if (isWatched && text !== shown) {
        err(`\r${text.padEnd(shown.length)}`);
        shown = text;
      }
    },
    end() {
      if (shown !== '') {
        err(`\r${' '.repeat(shown.length)}\r`);
        shown = '';
      }
    },
  };
}

/** The names that fields of options have on the command line. */
const flags: Readonly<Record<string, string>> = {
  path: '--db or FILE',
  source: 'FILE',
  target: 'FILE',
  format: 'FILE',
  userId: 'USER',
  retentionDays: '--keep-days',
  maxBytes: '--max-mb',
  days: '--days',
  by: '--by',
  limit: '--limit',
};

function messageOf(error: unknown): string {
  if (isAnalyticsError(error) && error.problems.length > 0) {
    const problems = error.problems.map(({ field, message }) => ({ field: flags[field] ?? field, message }));
    const { message } = configError(problems);
    return message.replace('Invalid analytics options: ', '').replace('say overwrite', 'use --force');
  }
  return error instanceof Error ? error.message : String(error);
}
