import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import workerThreads, { type Worker } from 'node:worker_threads';
import { exportEvents } from '@toolweaver/analytics-sqlite';
import { execution, ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { isBusy, toFailure } from '../src/failure.ts';
import { schemaVersion } from '../src/identity.ts';
import { start } from './support/child.ts';
import { testFolder } from './support/folder.ts';
import { open, openClient } from './support/open.ts';
import { value } from './support/rows.ts';

const holdLock = new URL('./fixtures/hold-lock.ts', import.meta.url);

/** The threads started from now on. */
function startedThreads(): Worker[] {
  const threads: Worker[] = [];
  const watch = (worker: Worker): void => void threads.push(worker);
  process.on('worker', watch);
  onTestFinished(() => void process.off('worker', watch));
  return threads;
}

function failNextThread(): void {
  const { Worker } = workerThreads;
  const replace = (by: unknown): void => {
    Object.assign(workerThreads, { Worker: by });
    syncBuiltinESMExports();
  };
  onTestFinished(() => replace(Worker));
  replace(function fail() {
    replace(Worker);
    throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
  });
}

test('several backends of one process may start at once on a new file', async () => {
  const path = join(testFolder(), 'fresh.db');
  const backends = await Promise.all(['a', 'b', 'c', 'd'].map((name) => open({ path, name })));
  await Promise.all(backends.map((backend) => backend.write(Array.from({ length: 3000 }, () => execution()))));
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(12_000);
  expect(value(path, 'PRAGMA user_version')).toBe(schemaVersion);
});

test('while another process holds the lock the event loop goes on, and nothing is lost', async () => {
  const path = join(testFolder(), 'locked.db');
  const analytics = await openClient({ path });
  const other = start(holdLock, [path]);
  await other.says('locked');
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
    // A loop that waited for the lock would never come to this.
    if (ticks === 50) {
      other.process.stdin?.write('let go\n');
    }
  }, 10);
  onTestFinished(() => clearInterval(ticking));
  for (let number = 0; number < 20_000; number += 1) {
    analytics.recordSkillExecution({ skillId: 'patient', success: true });
  }
  expect(await analytics.flush({ timeoutMs: 60_000 })).toMatchObject({ ok: true });
  expect(ticks).toBeGreaterThanOrEqual(50);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(20_000);
  ledgerHolds(analytics.stats());
});

test('a lock that lasts longer than the timeout fails the write as one to try again', async () => {
  const path = join(testFolder(), 'locked.db');
  const backend = await open({ path, busyTimeoutMs: 50 });
  const lock = new Database(path);
  onTestFinished(() => void lock.close());
  lock.exec('BEGIN IMMEDIATE');
  const events = [execution()];
  await expect(backend.write(events)).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    backend: 'sqlite',
    message: expect.stringContaining(`sqlite: ${path} is locked by another process (SQLITE_BUSY`),
  });
  await expect(backend.check?.(new AbortController().signal)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  expect(() => backend.writeSync?.(events)).toThrow(/locked by another process/);
  lock.exec('ROLLBACK');
  await backend.write(events);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});

test('a report sees what was written before it, and takes no lock that a writer needs', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, busyTimeoutMs: 200 });
  for (let round = 1; round <= 20; round += 1) {
    await backend.write([execution()]);
    const [summary] = await Promise.all([backend.reader?.summary(), backend.write([execution()])]);
    expect(summary?.executions).toBeGreaterThanOrEqual(round * 2 - 1);
  }
});

test('a large batch is handed over in slices, one in each turn of the loop', async () => {
  let turn = 0;
  const turns: number[] = [];
  const watch = (worker: Worker): void => {
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message) => {
      if (message.request.op === 'write') {
        turns.push(turn);
      }
      post(message);
    };
  };
  process.on('worker', watch);
  onTestFinished(() => void process.off('worker', watch));
  const backend = await open({ path: join(testFolder(), 'analytics.db') });
  const batch = Array.from({ length: 16_384 }, () => execution());
  let written = false;
  const writing = Promise.resolve(backend.write(batch)).then(() => {
    written = true;
  });
  // Refilling the array of the caller's changes nothing.
  batch.fill(execution());
  while (!written) {
    await setImmediate();
    turn += 1;
  }
  await writing;
  expect(turns.length).toBeGreaterThan(16);
  // The first is handed over by the call itself, in the turn of the second.
  expect(new Set(turns).size).toBe(turns.length - 1);
  expect((await backend.reader?.summary())?.executions).toBe(16_384);
});

test('when the thread dies the write fails as one to try again, and the next one starts a new thread', async () => {
  const path = join(testFolder(), 'analytics.db');
  const threads = startedThreads();
  const backend = await open({ path });
  const [writer] = threads;
  const events = Array.from({ length: 16_384 }, () => execution());
  const writing = backend.write(events);
  await writer?.terminate();
  await expect(writing).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  await backend.write(events);
  await backend.check?.(new AbortController().signal);
  expect(threads).toHaveLength(2);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(16_384);
});

test('when no thread can be started the write fails as one to try again, and nothing is lost', async () => {
  const path = join(testFolder(), 'analytics.db');
  const threads = startedThreads();
  const errors: string[] = [];
  const analytics = await openClient(
    { path },
    { retry: { minDelayMs: 1 }, onError: ({ message }) => void errors.push(message) },
  );
  await threads[0]?.terminate();
  failNextThread();
  analytics.recordSkillExecution({ skillId: 'patient', success: true });
  expect(await analytics.flush({ timeoutMs: 60_000 })).toMatchObject({ ok: true });
  expect(errors).toEqual([expect.stringContaining('sqlite: its thread cannot be started (EAGAIN)')]);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
  ledgerHolds(analytics.stats());
});

test('when no thread can be started an export says so', async () => {
  const path = join(testFolder(), 'analytics.db');
  await (await open({ path })).close?.();
  failNextThread();
  await expect(exportEvents({ path, target: join(testFolder(), 'all.jsonl') })).rejects.toMatchObject({
    name: 'AnalyticsError',
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringContaining('its thread cannot be started (EAGAIN)'),
  });
});

test('closing does not wait for a lock', async () => {
  const path = join(testFolder(), 'locked.db');
  const backend = await open({ path, busyTimeoutMs: 60_000 });
  const lock = new Database(path);
  onTestFinished(() => void lock.close());
  lock.exec('BEGIN IMMEDIATE');
  const writing = Promise.resolve(backend.write([execution()])).then(
    () => 'written',
    (error) => error.code,
  );
  const checking = backend.check?.(new AbortController().signal).catch((error) => error.code);
  await setTimeout(50);
  await backend.close?.();
  expect(await writing).toBe('BACKEND_UNAVAILABLE');
  expect(await checking).toBe('BACKEND_UNAVAILABLE');
  lock.exec('ROLLBACK');
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(0);
  await expect(backend.write([execution()])).rejects.toMatchObject({ code: 'CLOSED' });
  // Nothing else of it is left to be rejected later.
  await expect(backend.write([{ ...execution(), type: 'unknown' } as never])).rejects.toThrow();
});

test.each(['SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_PROTOCOL'])('a lock that others hold passes: %s', (code) => {
  const error = new Database.SqliteError('locking protocol', code);
  expect(isBusy(error)).toBe(true);
  expect(toFailure(error, 'a.db', false)).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});
