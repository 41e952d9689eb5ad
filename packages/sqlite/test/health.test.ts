import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { value } from './support/rows.ts';

const probe = async (backend: Backend): Promise<void> => backend.check?.(new AbortController().signal);

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(`${path}${suffix}`, { force: true });
  }
}

test('check() writes, and leaves nothing behind', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const logged = (): number => statSync(`${path}-wal`).size;
  const before = logged();
  await probe(backend);
  expect(logged()).toBeGreaterThan(before);
  expect(value(path, 'SELECT count(*) FROM probe')).toBe(0);
});

test('a deleted database is noticed by check(), and begun anew', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write([execution()]);
  removeDatabase(path);
  await expect(probe(backend)).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringContaining(`${path} was deleted or replaced`),
  });
  await probe(backend);
  await backend.write([execution(), execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(2);
  expect((await backend.reader?.summary())?.executions).toBe(2);
});

test('nothing is written into a database that is deleted or replaced meanwhile', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const backend = await open({ path });
  await backend.write([execution()]);
  expect((await backend.reader?.summary())?.executions).toBe(1);
  removeDatabase(path);
  await backend.write([execution(), execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(2);
  expect((await backend.reader?.summary())?.executions).toBe(2);

  const moved = join(folder, 'moved.db');
  for (const suffix of ['', '-wal', '-shm']) {
    renameSync(`${path}${suffix}`, `${moved}${suffix}`);
  }
  await backend.write([execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
  expect(value(moved, 'SELECT count(*) FROM executions')).toBe(2);
});

test('a folder that is deleted meanwhile is made anew', async () => {
  const folder = join(testFolder(), 'made/deep');
  const path = join(folder, 'analytics.db');
  const notices: unknown[] = [];
  const backend = await open({ path, onNotice: ({ message }) => void notices.push(message) });
  rmSync(folder, { recursive: true });
  await backend.write([execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
  expect(notices).toEqual([expect.stringContaining(`${path} was deleted or replaced`)]);
});

test('a database replaced by that of another program is not touched', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  removeDatabase(path);
  const other = new Database(path);
  onTestFinished(() => void other.close());
  other.exec('CREATE TABLE contacts (name TEXT)');
  await expect(backend.write([execution()])).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringContaining('is the database of another program'),
  });
  expect(other.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(1);
});

test('writeSync() makes no new database in the place of a deleted one', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  removeDatabase(path);
  expect(() => backend.writeSync?.([execution()])).toThrow(`sqlite: ${path} was deleted`);
  expect(existsSync(path)).toBe(false);
});

test('check() ends when it is called off', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, busyTimeoutMs: 1000 });
  const lock = new Database(path);
  onTestFinished(() => void lock.close());
  lock.exec('BEGIN IMMEDIATE');
  const controller = new AbortController();
  const checking = backend.check?.(controller.signal);
  controller.abort();
  await expect(checking).rejects.toMatchObject({ code: 'TIMEOUT', backend: 'sqlite' });
  await expect(backend.check?.(controller.signal)).rejects.toMatchObject({ code: 'TIMEOUT' });
});
