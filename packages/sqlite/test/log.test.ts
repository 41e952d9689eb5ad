import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalyticsError, AnalyticsEvent } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { artifact, execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { checkLog } from '../src/store/log.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { value } from './support/rows.ts';

const megabyte = 1024 * 1024;
const logSize = (path: string): number => statSync(`${path}-wal`).size;
const large = (megabytes: number): AnalyticsEvent[] =>
  Array.from({ length: megabytes }, () => artifact({ bytes: new Uint8Array(megabyte) }));

/** Another program that reads, and does not end. */
function startReading(path: string): () => void {
  const db = new Database(path, { readonly: true });
  onTestFinished(() => void db.close());
  db.exec('BEGIN');
  db.prepare('SELECT count(*) FROM executions').get();
  return () => void db.close();
}

test('checkLog() finds a log that has grown too far, and empties it as soon as nobody reads it', async () => {
  const path = join(testFolder(), 'analytics.db');
  const db = await openForWriting(Database, { path, busyTimeoutMs: 1000, synchronous: 'full' });
  onTestFinished(() => void db.close());
  const stopReading = startReading(path);
  db.exec('INSERT INTO probe (data) VALUES (zeroblob(2000000))');
  checkLog(db, path, 3 * megabyte);
  expect(() => checkLog(db, path, megabyte)).toThrow(`${path}-wal has grown to 2 MB`);
  // Writers need not wait for the checkpoint that could not be made.
  db.exec('DELETE FROM probe');
  stopReading();
  checkLog(db, path, megabyte);
  expect(logSize(path)).toBe(0);
});

test('a log that others keep from shrinking is told, and fails the health check until they end', async () => {
  const path = join(testFolder(), 'analytics.db');
  const notices: AnalyticsError[] = [];
  const backend = await open({ path, onNotice: (notice) => void notices.push(notice) });
  await backend.write([execution()]);
  const stopReading = startReading(path);
  for (let round = 0; round < 9; round += 1) {
    await backend.write(large(30));
  }
  const told = { code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(`${path}-wal has grown to 2`) };
  await expect(backend.check?.(new AbortController().signal)).rejects.toMatchObject(told);
  await vi.waitFor(
    async () => {
      await backend.write([execution()]);
      expect(notices).toEqual([expect.objectContaining(told)]);
    },
    { timeout: 120_000, interval: 300 },
  );
  stopReading();
  await backend.check?.(new AbortController().signal);
  expect(logSize(path)).toBe(0);
}, 180_000);

test('is emptied when nothing is written for a while', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(large(6));
  expect(logSize(path)).toBeGreaterThan(4 * megabyte);
  await vi.waitFor(() => expect(logSize(path)).toBe(0), { timeout: 120_000, interval: 200 });
  await backend.write([execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});

test('is emptied by closing, also while others have the database open', async () => {
  const path = join(testFolder(), 'analytics.db');
  const other = await open({ path, name: 'other' });
  await other.write([execution()]);
  const backend = await sqlite({ path });
  await backend.write(large(2));
  expect(logSize(path)).toBeGreaterThan(megabyte);
  await backend.close?.();
  expect(logSize(path)).toBe(0);
  await other.write([execution()]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(2);
});
