import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execution, rating } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { schemaVersion } from '../src/identity.ts';
import { everyType } from './support/every-type.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { value } from './support/rows.ts';

const day = 86_400_000;

test('statistics() says what is in the file', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const [oldest, newest] = [Date.now() - 5 * day, Date.now()];
  await backend.write([
    ...everyType({ at: oldest }),
    execution({ at: newest, orgId: 'org-1' }),
    rating({ at: oldest }),
  ]);
  await backend.reader.listExecutions();
  expect(await backend.store.statistics()).toEqual({
    path,
    schemaVersion,
    sqliteVersion: value(path, 'SELECT sqlite_version()'),
    pageSizeBytes: 4096,
    fileBytes: statSync(path).size,
    walBytes: statSync(`${path}-wal`).size,
    usedBytes: ((value(path, 'PRAGMA page_count') as number) - (value(path, 'PRAGMA freelist_count') as number)) * 4096,
    freeBytes: (value(path, 'PRAGMA freelist_count') as number) * 4096,
    rows: {
      executions: 2,
      ratings: 2,
      healthScores: 1,
      toolkitEvents: 1,
      metrics: 1,
      artifacts: 1,
      runEvents: 1,
      runTotals: 0,
      recommendations: 0,
    },
    // Two hours and two days, one day also for the organisation.
    rollups: { hourly: 2, daily: 3, monthly: 1, waiting: 0 },
    oldestExecutionAt: oldest,
    newestExecutionAt: newest,
    deletedBefore: { executions: null, hours: null },
  });
});

test('statistics() of an empty database, in memory', async () => {
  const backend = await open({ path: ':memory:' });
  expect(await backend.store.statistics()).toMatchObject({
    path: ':memory:',
    fileBytes: 0,
    walBytes: 0,
    oldestExecutionAt: null,
    newestExecutionAt: null,
  });
});

test('statistics() counts while nothing is held up, however many ask', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(Array.from({ length: 5_000 }, () => execution()));
  const [first, second] = await Promise.all([
    backend.store.statistics(),
    backend.store.statistics(),
    backend.write([execution()]),
  ]);
  expect(first?.rows.executions).toBeGreaterThanOrEqual(5_000);
  expect(second?.rows.executions).toBeGreaterThanOrEqual(5_000);
});

test('checkIntegrity() finds a sound database sound', async () => {
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  await backend.write(everyType());
  expect(await backend.store.checkIntegrity()).toEqual({ ok: true, problems: [] });
  expect(await backend.store.checkIntegrity({ quick: true })).toEqual({ ok: true, problems: [] });
  const inMemory = await open({ path: ':memory:' });
  expect(await inMemory.store.checkIntegrity()).toEqual({ ok: true, problems: [] });
  await expect(backend.store.checkIntegrity({ quick: 1 as never })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
});

test('checkIntegrity() finds an index that says something else than its table, and quickly does not', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(Array.from({ length: 200 }, (_, at) => execution({ name: `tool ${at % 3}` })));
  // Another column under an index, behind SQLite's back.
  const db = new Database(path);
  db.unsafeMode();
  db.pragma('writable_schema = on');
  db.exec(
    `UPDATE sqlite_schema SET sql = replace(sql, '("subject")', '("success")') WHERE name = 'execution_events_subject'`,
  );
  db.close();
  const { ok, problems } = await backend.store.checkIntegrity();
  expect(ok).toBe(false);
  expect(problems[0]).toContain('execution_events_subject');
  expect(problems.length).toBeLessThanOrEqual(100);
});

test('checkIntegrity() finds damaged pages', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(Array.from({ length: 2_000 }, () => execution()));
  const db = new Database(path);
  db.pragma('wal_checkpoint(truncate)');
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'execution_events'").pluck().get() as number;
  db.close();
  const bytes = readFileSync(path);
  bytes.fill(0x5a, page * 4096 - 4000, page * 4096);
  writeFileSync(path, bytes);
  const { ok, problems } = await backend.store.checkIntegrity({ quick: true });
  expect(ok).toBe(false);
  expect(problems.join()).not.toBe('');
});

test('compact() returns free pages to the system', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  await backend.write(Array.from({ length: 16_000 }, () => execution({ at: Date.now() - 2 * day })));
  await backend.write([execution()]);
  await backend.store.prune({ retentionDays: 1 });
  const before = await backend.store.statistics();
  expect(before.freeBytes).toBeGreaterThan(1_000_000);
  const { freedBytes } = await backend.store.compact();
  const after = await backend.store.statistics();
  expect(freedBytes).toBe(before.freeBytes + before.usedBytes - after.usedBytes);
  expect(after).toMatchObject({ freeBytes: 0, walBytes: 0, fileBytes: after.usedBytes });
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});
