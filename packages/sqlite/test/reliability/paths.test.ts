import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createAnalytics, isAnalyticsError } from '@toolweaver/analytics-core';
import { type SqliteOptions, sqlite } from '@toolweaver/analytics-sqlite';
import { execution, ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { afterEach, expect, vi } from 'vitest';
import { trial } from '../../../../test/support/trial.ts';
import { nodeArguments, startCommand } from '../support/child.ts';
import { countedBy } from '../support/counted.ts';
import { patiently } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { open } from '../support/open.ts';
import { query, value } from '../support/rows.ts';

const recordAndExit = new URL('../fixtures/record-and-exit.ts', import.meta.url);
const home = process.cwd();

afterEach(() => {
  process.chdir(home);
  vi.unstubAllEnvs();
});

interface Case {
  readonly name: string;
  /** Given by the caller; the folder is the working directory, and the home. */
  readonly path: string | undefined;
  /** Where the file is to be, from the folder; nowhere when it is to be refused. */
  readonly file?: string;
  /** Part of what the refusal says. */
  readonly reason?: string;
  prepare?(folder: string): void;
}

const text = 'x'.repeat(100);
/** Folders below each other, to a path of about so many characters. */
const deep = (length: number): string => `${Array.from({ length: length / 100 }, () => text.slice(1)).join('/')}/a.db`;

const taken: readonly Case[] = [
  { name: 'none', path: undefined, file: '.toolweaver/analytics.db' },
  { name: 'empty', path: '', file: '.toolweaver/analytics.db' },
  { name: 'blank', path: ' ', file: '.toolweaver/analytics.db' },
  { name: 'of the home', path: '~/a/b/c.db', file: 'a/b/c.db' },
  { name: 'relative', path: 'a.db', file: 'a.db' },
  { name: 'relative, upwards', path: 'a/../b/./c.db', file: 'b/c.db' },
  {
    name: 'of odd characters',
    path: 'my data ✓/~x/%41?#&\'" \u{1f9f6}e\u0301.db',
    file: 'my data ✓/~x/%41?#&\'" \u{1f9f6}e\u0301.db',
  },
  { name: 'that begins like an option', path: '--help', file: '--help' },
  { name: 'of a file without a suffix', path: 'data', file: 'data' },
  { name: 'as long as SQLite takes', path: deep(300), file: deep(300) },
  {
    name: 'of an empty file',
    path: 'empty.db',
    file: 'empty.db',
    prepare: (folder) => writeFileSync(join(folder, 'empty.db'), ''),
  },
  {
    name: 'of a symbolic link to a file that is not there yet',
    path: 'link.db',
    file: 'real.db',
    prepare: (folder) => symlinkSync(join(folder, 'real.db'), join(folder, 'link.db')),
  },
  {
    name: 'through a symbolic link to a folder',
    path: 'link/a.db',
    file: 'real/a.db',
    prepare(folder) {
      mkdirSync(join(folder, 'real'), 0o700);
      symlinkSync('real', join(folder, 'link'));
    },
  },
];

const refused: readonly Case[] = [
  { name: 'of a directory', path: '.', reason: 'it is a directory' },
  { name: 'of a directory, with a slash', path: 'made/', prepare: (folder) => mkdirSync(join(folder, 'made')) },
  { name: 'below a file', path: 'file/a.db', prepare: (folder) => writeFileSync(join(folder, 'file'), 'notes') },
  { name: 'below what cannot be written', path: '/proc/nowhere/a.db' },
  { name: 'of a device without room', path: '/dev/full' },
  { name: 'of a device that forgets', path: '/dev/null', reason: 'it is no file' },
  { name: 'of a pipe', path: 'pipe', prepare: (folder) => spawnSync('mkfifo', [join(folder, 'pipe')]) },
  { name: 'of a name that is too long', path: `${'x'.repeat(300)}.db` },
  { name: 'longer than SQLite takes', path: deep(900), reason: 'it is longer than the 504 bytes that SQLite takes' },
  { name: 'longer than the system takes', path: deep(5000) },
  { name: 'as a URI', path: 'file:a.db?mode=ro' },
  { name: 'of the home of somebody', path: '~nobody/c.db', reason: 'other homes than ~ are not replaced' },
  { name: 'of a variable', path: '$HOME/c.db', reason: 'variables and other homes than ~ are not replaced' },
  { name: 'with a NUL', path: 'a\0.db' },
  { name: 'of links in a circle', path: 'one', prepare: circle },
  {
    name: 'of a link to below a file',
    path: 'link',
    prepare: (folder) => symlinkSync('/etc/hostname/a.db', join(folder, 'link')),
  },
];

function circle(folder: string): void {
  symlinkSync(join(folder, 'two'), join(folder, 'one'));
  symlinkSync(join(folder, 'one'), join(folder, 'two'));
}

function enter({ prepare }: Case): string {
  const folder = realpathSync(testFolder());
  process.chdir(folder);
  vi.stubEnv('HOME', folder);
  prepare?.(folder);
  return folder;
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

trial('R11', 'every path is used as it is meant, or refused with a reason', async ({ add }) => {
  for (const one of taken) {
    const folder = enter(one);
    const options: SqliteOptions = { path: one.path };
    const backend = await sqlite(options);
    const analytics = createAnalytics({ backends: [backend] });
    // It is fixed at the start.
    process.chdir(home);
    analytics.recordSkillExecution({ skillId: 'a', success: true });
    expect(await analytics.flush(patiently), one.name).toMatchObject({ ok: true });
    const file = join(folder, one.file as string);
    expect(value(file, 'SELECT count(*) FROM executions'), one.name).toBe(1);
    if (one.prepare === undefined) {
      expect(backend.settings['path'], one.name).toBe(file);
      const parent = dirname(file);
      expect([mode(file), mode(`${file}-wal`)], one.name).toEqual(['600', '600']);
      expect(parent === folder || mode(parent) === '700', one.name).toBe(true);
    }
    await analytics.close();
    ledgerHolds(analytics.stats());
    expect(existsSync(`${file}-wal`), one.name).toBe(false);
    add('taken');
  }
  for (const one of refused) {
    const folder = enter(one);
    const before = filesIn(folder);
    const error = await sqlite({ path: one.path }).then(
      async (backend) => {
        await backend.close?.();
        return undefined;
      },
      (thrown) => thrown,
    );
    expect(isAnalyticsError(error) && error.code, `${one.name}: ${error}`).toBe('INVALID_CONFIG');
    expect(error.problems, one.name).toEqual([{ field: 'path', message: expect.stringContaining(one.reason ?? '') }]);
    expect(filesIn(folder), one.name).toEqual(before);
    add('refused');
  }
  const readOnly = await refusalOfReadOnlyDisk();
  add(readOnly === undefined ? 'notTried' : 'refused');
  expect(readOnly ?? 'INVALID_CONFIG').toContain('INVALID_CONFIG');
  expect(readOnly ?? 'EROFS').toContain('EROFS');

  const memory = createAnalytics({ backends: [await sqlite({ path: ':memory:' })] });
  memory.recordSkillExecution({ skillId: 'a', success: true });
  expect(await countedBy(memory)).toBe(1);
  await memory.close();
  expect(existsSync(':memory:')).toBe(false);
  add('taken');
});

/** Folders may have been made on the way to where no file could be. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

/** Undefined where no disk can be mounted. */
async function refusalOfReadOnlyDisk(): Promise<string | undefined> {
  const folder = testFolder();
  const mount = ['-Urm', 'sh', '-c', 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"', folder];
  if (spawnSync('unshare', [...mount, 'true']).status !== 0) {
    return undefined;
  }
  const program = [process.execPath, ...nodeArguments(recordAndExit), join(folder, 'a.db'), '1', 'end', 'queued'];
  const { code, stderr } = await startCommand('unshare', [...mount, ...program]).ended;
  expect(code).toBe(1);
  return stderr;
}

trial('R18', 'a database of a newer version is refused, and left alone', async ({ random, add }) => {
  const folder = testFolder();
  const whole = join(folder, 'whole.db');
  const first = await sqlite({ path: whole });
  await first.write([execution()]);
  await first.close?.();
  const own = value(whole, 'PRAGMA user_version') as number;
  for (const version of [own + 1, own + 2 + random.below(1_000), 2 ** 31 - 1]) {
    const path = join(folder, `${version}.db`);
    writeFileSync(path, readFileSync(whole));
    const older = await open({ path });
    const newer = new Database(path);
    newer.exec('ALTER TABLE execution_events RENAME TO all_events');
    newer.pragma(`user_version = ${version}`);
    newer.pragma('wal_checkpoint(TRUNCATE)');
    newer.close();
    // Also by who had it open when it was still known to it.
    await expect(older.write([execution()])).rejects.toMatchObject({ backend: 'sqlite' });
    expect(() => older.writeSync?.([execution()])).toThrow('newer version of @toolweaver/analytics-sqlite');
    await older.close?.();
    const bytes = readFileSync(path);
    const schema = query(path, 'SELECT * FROM sqlite_schema');
    await expect(sqlite({ path })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'path', message: expect.stringContaining(`its schema has version ${version}`) }],
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(query(path, 'SELECT * FROM sqlite_schema')).toEqual(schema);
    expect(readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([]);
    add('refused');
  }
});
