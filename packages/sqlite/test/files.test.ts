import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SqliteOptions, sqlite } from '@toolweaver/analytics-sqlite';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { run } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';

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
  test('what is no database, and leaves it alone', async () => {
    const path = join(testFolder(), 'notes.txt');
    const notes = 'not a database, but long enough to have a header of sixteen bytes\n'.repeat(100);
    writeFileSync(path, notes);
    const { code, message } = await refusal({ path });
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain(`${path} is not an SQLite database: move it away, or choose another path`);
    expect(readFileSync(path, 'utf8')).toBe(notes);
  });

  test('a drive that is not there', async () => {
    const none = Object.assign(new Error('ENOENT: no such drive'), { code: 'ENOENT' });
    vi.resetModules();
    vi.doMock('node:fs', async (original) => ({
      ...(await original<typeof import('node:fs')>()),
      statSync: () => undefined,
      existsSync: () => false,
      mkdirSync: () => {
        throw none;
      },
    }));
    onTestFinished(() => {
      vi.doUnmock('node:fs');
      vi.resetModules();
    });
    const { openForWriting } = await import('../src/database.ts');
    const config = { path: '/folder/analytics.db', busyTimeoutMs: 0, synchronous: 'full' } as const;
    await expect(openForWriting(Database, config)).rejects.toThrow(
      '/folder/analytics.db cannot be written (ENOENT: no such drive)',
    );
  });

  test.each([
    ['another program', 'contacts', 'another program: choose another path'],
    [
      'the Python original',
      'skill_usage',
      "ToolWeaver's Python analytics, whose default path is the same: move it away, or set ANALYTICS_DB_PATH. To import it,",
    ],
  ])('the database of %s, and leaves it alone', async (_whose, table, expected) => {
    const path = join(testFolder(), 'other.db');
    const other = new Database(path);
    other.exec(`CREATE TABLE ${table} (name TEXT)`);
    other.close();
    const before = readFileSync(path);
    const { code, message } = await refusal({ path });
    expect(code).toBe('INVALID_CONFIG');
    expect(message).toContain(`${path} is the database of ${expected}`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('the URL of a server, without the password in it', async () => {
    for (const path of ['postgres://user:secret@db.example/analytics', 'sqlite:///analytics.db']) {
      const { code, message } = await refusal({ path });
      expect([code, message]).toEqual(['INVALID_CONFIG', expect.stringContaining('not a URL')]);
      expect(message).not.toContain('secret');
    }
  });

  test.each(['$HOME/analytics.db', '~nobody/analytics.db'])('%s, which only a shell replaces', async (path) => {
    const { code, message } = await refusal({ path });
    expect([code, message]).toEqual(['INVALID_CONFIG', expect.stringContaining('must be a path as it is')]);
    expect(message).toContain('variables and other homes than ~ are not replaced');
  });

  test('a folder that is a link to nowhere', async () => {
    const folder = join(testFolder(), 'volume');
    symlinkSync('/nowhere', folder);
    const { message } = await refusal({ path: join(folder, 'analytics.db') });
    expect(message).toContain(`(the link ${folder} leads nowhere): choose the path of a file`);
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
      fields: ['path', 'name', 'maxBytes', 'retentionDays', 'onNotice', 'busyTimeoutMs', 'synchronous'],
    });
  });

  test('a wait for locks that SQLite cannot count', async () => {
    expect(await refusal({ path: ':memory:', busyTimeoutMs: 2 ** 31 })).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['busyTimeoutMs'],
    });
    const backend = await open({ path: join(testFolder(), 'analytics.db'), busyTimeoutMs: 2 ** 31 - 1 });
    expect(await backend.reader.summary()).toMatchObject({ executions: 0 });
  });

  test('a Node that better-sqlite3 would crash', async () => {
    const napi = Object.getOwnPropertyDescriptor(process.versions, 'napi') as PropertyDescriptor;
    Object.defineProperty(process.versions, 'napi', { ...napi, value: '9' });
    onTestFinished(() => void Object.defineProperty(process.versions, 'napi', napi));
    expect(await refusal({ path: ':memory:' })).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('needs Node 22.18 or later'),
    });
  });
});

test('the settings are shown', async () => {
  const path = join(testFolder(), 'analytics.db');
  const settings = {
    path,
    synchronous: 'normal',
    busyTimeoutMs: 1234,
    retentionDays: 90,
    maxBytes: 2_000_000,
  } as const;
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
