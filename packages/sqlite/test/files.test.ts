import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SqliteOptions, sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { run } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query, value } from './support/rows.ts';

const openWithUmask = new URL('./fixtures/open-with-umask.ts', import.meta.url);
const modules = new URL('./fixtures/modules.ts', import.meta.url);

/** What `sqlite()` refuses the options with. */
async function refusal(options: SqliteOptions): Promise<{ code: string; fields: string[]; message: string }> {
  const error = await sqlite(options).then(
    () => {
      throw new Error('it was accepted');
    },
    (thrown) => thrown,
  );
  const fields = (error.problems ?? []).map(({ field }: { field: string }) => field);
  return { code: error.code, fields, message: error.message };
}

const executions = (path: string): unknown => value(path, 'SELECT count(*) FROM executions');

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the path', () => {
  test('may start with ~, and its directories are made', async () => {
    const home = testFolder();
    vi.stubEnv('HOME', home);
    const backend = await open({ path: '~/a/b/c.db' });
    await backend.write([execution()]);
    expect(executions(join(home, 'a/b/c.db'))).toBe(1);
    expect(backend.settings['path']).toBe(join(home, 'a/b/c.db'));
  });

  test.each([[{}], [{ path: '' }], [{ path: ' ' }], [{ path: undefined }]])(
    'is ~/.toolweaver/analytics.db for %j',
    async (options) => {
      const home = testFolder();
      vi.stubEnv('HOME', home);
      const backend = await open(options);
      await backend.write([execution()]);
      expect(executions(join(home, '.toolweaver/analytics.db'))).toBe(1);
    },
  );

  test('may be relative, and is fixed at the start', async () => {
    const folder = testFolder();
    const before = process.cwd();
    process.chdir(folder);
    const backend = await open({ path: 'my data ✓/~x/%41?.db' });
    process.chdir(before);
    await backend.write([execution()]);
    expect(executions(join(folder, 'my data ✓/~x/%41?.db'))).toBe(1);
  });

  test('may be a symbolic link, also to a file that is not there yet', async () => {
    const folder = testFolder();
    symlinkSync(join(folder, 'real.db'), join(folder, 'link.db'));
    const backend = await open({ path: join(folder, 'link.db') });
    await backend.write([execution()]);
    expect(executions(join(folder, 'real.db'))).toBe(1);
  });

  test('may be an empty file', async () => {
    const path = join(testFolder(), 'empty.db');
    writeFileSync(path, '');
    const backend = await open({ path });
    await backend.write([execution()]);
    expect(executions(path)).toBe(1);
  });

  test('may be :memory:, which keeps everything until it is closed', async () => {
    const backend = await open({ path: ':memory:' });
    expect(backend.writeSync).toBeUndefined();
    await backend.write([execution(), execution()]);
    await backend.check?.(AbortSignal.timeout(5000));
    expect((await backend.reader?.summary())?.executions).toBe(2);
    expect(existsSync(':memory:')).toBe(false);
  });
});

describe('modes', () => {
  test.each(['000', '022', '077', '277'])('are for the owner alone under umask %s', async (umask) => {
    const path = join(testFolder(), 'made/deep/analytics.db');
    const { stdout, stderr } = await run(openWithUmask, [path, umask]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      '.': '700',
      'analytics.db': '600',
      'analytics.db-shm': '600',
      'analytics.db-wal': '600',
    });
  });

  test('of a directory that was there stay as they are', async () => {
    const folder = join(testFolder(), 'shared');
    mkdirSync(folder, { mode: 0o755 });
    const { stdout } = await run(openWithUmask, [join(folder, 'analytics.db'), '022']);
    expect(JSON.parse(stdout)).toMatchObject({ '.': '755', 'analytics.db': '600' });
  });
});

describe('refuses at the start, saying why,', () => {
  test('a directory', async () => {
    const path = testFolder();
    expect(await refusal({ path })).toEqual({
      code: 'INVALID_CONFIG',
      fields: ['path'],
      message: expect.stringContaining(`${path} cannot be written (it is a directory): choose the path of a file`),
    });
  });

  test('a path that cannot be made', async () => {
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    for (const path of [join(file, 'x.db'), '/proc/nowhere/x.db', `/tmp/${'x'.repeat(300)}.db`]) {
      expect(await refusal({ path })).toMatchObject({ code: 'INVALID_CONFIG', fields: ['path'] });
    }
  });

  test('what is no database, and leaves it alone', async () => {
    const path = join(testFolder(), 'notes.txt');
    const notes = 'not a database, but long enough to have a header of sixteen bytes\n'.repeat(100);
    writeFileSync(path, notes);
    const { code, message } = await refusal({ path });
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain(`${path} is not an SQLite database: move it away, or choose another path`);
    expect(readFileSync(path, 'utf8')).toBe(notes);
  });

  test('the database of another program, and leaves it alone', async () => {
    const path = join(testFolder(), 'other.db');
    const other = new Database(path);
    other.exec('CREATE TABLE contacts (name TEXT)');
    other.close();
    const before = readFileSync(path);
    const { code, message } = await refusal({ path });
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain(`${path} is the database of another program: choose another path`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a newer schema, and leaves it alone', async () => {
    const path = join(testFolder(), 'newer.db');
    await (await sqlite({ path })).close?.();
    const newer = new Database(path);
    newer.pragma('user_version = 1000');
    newer.close();
    const before = query(path, 'SELECT * FROM sqlite_schema');
    const { code, message } = await refusal({ path });
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain('newer version of @toolweaver/analytics-sqlite');
    expect(message).toContain('1000');
    expect(query(path, 'SELECT * FROM sqlite_schema')).toEqual(before);
    expect(value(path, 'PRAGMA user_version')).toBe(1000);
  });

  test('wrong options, all at once', async () => {
    const options = {
      path: 'file:analytics.db?mode=ro',
      name: ' ',
      busyTimeoutMs: -1,
      synchronous: 'off',
      retentionDays: Number.NaN,
      maxBytes: 1000,
      onNotice: 'print',
    };
    expect(await refusal(options as never)).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['path', 'name', 'onNotice', 'maxBytes', 'retentionDays', 'busyTimeoutMs', 'synchronous'],
    });
  });

  test('a Node that better-sqlite3 would crash', async () => {
    const napi = Object.getOwnPropertyDescriptor(process.versions, 'napi') as PropertyDescriptor;
    Object.defineProperty(process.versions, 'napi', { ...napi, value: '9' });
    onTestFinished(() => void Object.defineProperty(process.versions, 'napi', napi));
    expect(await refusal({ path: ':memory:' })).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('needs Node 22.14 or later'),
    });
  });
});

test('the settings are shown', async () => {
  const path = join(testFolder(), 'analytics.db');
  const settings = { path, synchronous: 'normal', busyTimeoutMs: 1234, retentionDays: 90, maxBytes: 2_000_000 } as const;
  const backend = await open({ ...settings, name: 'store' });
  expect(backend.name).toBe('store');
  expect(backend.settings).toEqual(settings);
});

test.each([
  ['full', 2],
  ['normal', 1],
] as const)('a connection writes a log, with synchronous = %s', async (synchronous, level) => {
  const path = join(testFolder(), 'analytics.db');
  const db = await openForWriting(Database, { path, busyTimeoutMs: 1000, synchronous });
  onTestFinished(() => void db.close());
  expect(db.pragma('synchronous', { simple: true })).toBe(level);
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
});

test('the main thread loads neither better-sqlite3 nor kysely', async () => {
  const { stdout, stderr } = await run(modules, [join(testFolder(), 'analytics.db')]);
  expect(stderr).toBe('');
  const loaded = JSON.parse(stdout) as string[];
  expect(loaded.some((url) => url.endsWith('/sqlite.ts'))).toBe(true);
  expect(loaded.filter((url) => /better-sqlite3|kysely/.test(url))).toEqual([]);
});
