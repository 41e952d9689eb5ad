import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { applicationId, schemaVersion } from '../src/identity.ts';
import { migrate } from '../src/migrate.ts';
import { migrations } from '../src/schema.ts';
import { run, start } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { migration, slowMigrations } from './support/migrations.ts';
import { query, value } from './support/rows.ts';

const migrateFixture = new URL('./fixtures/migrate.ts', import.meta.url);

function connect(): {
  db: Database.Database;
  path: string;
  to(...list: Parameters<typeof migrate>[2][number][]): void;
} {
  const path = join(testFolder(), 'analytics.db');
  const db = new Database(path);
  onTestFinished(() => void db.close());
  const config = { path, busyTimeoutMs: 1000, synchronous: 'full' } as const;
  return { db, path, to: (...list) => migrate(db, config, list) };
}

/** Which of the slow migrations are there, and whole. */
function state(path: string): { version: number; tables: unknown[] } {
  const version = value(path, 'PRAGMA user_version') as number;
  const tables = query(path, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid");
  return { version, tables: tables.map(({ name }) => name) };
}

function stateAfter(version: number): { version: number; tables: unknown[] } {
  const tables = Array.from({ length: version }, (_, at) => [`t${at}`, `t${at}_value`, `v${at}`]).flat();
  return { version, tables };
}

test('this version knows as many migrations as it says, and applies them all', async () => {
  expect(migrations).toHaveLength(schemaVersion);
  const path = join(testFolder(), 'analytics.db');
  const db = await openForWriting(Database, { path, busyTimeoutMs: 1000, synchronous: 'full' });
  db.close();
  expect(value(path, 'PRAGMA user_version')).toBe(schemaVersion);
  expect(value(path, 'PRAGMA application_id')).toBe(applicationId);
});

test('applies what is missing, in order, once', () => {
  const { db, to } = connect();
  const first = migration('CREATE TABLE a (x)', 'INSERT INTO a VALUES (1)');
  const second = migration('UPDATE a SET x = x + 1');
  const third = migration('UPDATE a SET x = x * 10');
  to(first);
  expect(db.pragma('user_version', { simple: true })).toBe(1);
  to(first, second, third);
  to(first, second, third);
  expect(db.prepare('SELECT x FROM a').pluck().get()).toBe(20);
  expect(db.pragma('user_version', { simple: true })).toBe(3);
  // An older program leaves a newer schema as it is.
  to(first);
  expect(db.pragma('user_version', { simple: true })).toBe(3);
});

test('one that fails leaves nothing of itself, and those before it', () => {
  const { path, to } = connect();
  const good = migration(
    'CREATE TABLE t0 (value)',
    'CREATE INDEX t0_value ON t0 (value)',
    'CREATE VIEW v0 AS SELECT 1',
  );
  const bad = migration('CREATE TABLE t1 (value)', 'INSERT INTO nowhere VALUES (1)');
  expect(() => to(good, bad)).toThrow('no such table: nowhere');
  expect(state(path)).toEqual(stateAfter(1));
});

test('8 processes at once apply each migration once', async () => {
  const path = join(testFolder(), 'analytics.db');
  const ends = await Promise.all(Array.from({ length: 8 }, () => run(migrateFixture, [path, '10'])));
  expect(ends).toEqual(ends.map(() => ({ code: 0, signal: null, stdout: 'started\ndone\n', stderr: '' })));
  expect(state(path)).toEqual(stateAfter(10));
  expect(value(path, 'SELECT rows FROM v9')).toBe(3000);
}, 180_000);

test('kill -9 at any moment leaves the schema of before or after a migration, never one between', async () => {
  const path = join(testFolder(), 'analytics.db');
  const kills = process.env['RELIABILITY'] === 'full' ? 100 : 5;
  const seen = new Set<number>();
  const begin = performance.now();
  await run(migrateFixture, [join(testFolder(), 'whole.db'), String(slowMigrations.length)]);
  const wholeMs = performance.now() - begin;
  // Chance may let a few kills find the same versions: it goes on until they have found three.
  for (let round = 0; round < kills || seen.size < 3; round += 1) {
    for (const suffix of ['', '-journal', '-wal', '-shm']) {
      rmSync(`${path}${suffix}`, { force: true });
    }
    const child = start(migrateFixture, [path, String(slowMigrations.length)]);
    await child.says('started');
    await setTimeout(Math.random() * wholeMs);
    child.process.kill('SIGKILL');
    await child.ended;
    if (!existsSync(path)) {
      continue;
    }
    // Whoever opens it next takes back what was cut off.
    new Database(path).exec('SELECT count(*) FROM sqlite_schema').close();
    const found = state(path);
    expect(found).toEqual(stateAfter(found.version));
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    seen.add(found.version);
  }
  expect(await run(migrateFixture, [path, String(slowMigrations.length)])).toMatchObject({ code: 0, stderr: '' });
  expect(state(path)).toEqual(stateAfter(slowMigrations.length));
}, 120_000);
