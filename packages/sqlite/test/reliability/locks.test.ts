import { statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';
import { times, trial } from '../../../../test/support/trial.ts';
import { start } from '../support/child.ts';
import { countedBy } from '../support/counted.ts';
import { testFolder } from '../support/folder.ts';
import { complete, executionNumber, numberedOf } from '../support/numbered.ts';
import { openClient } from '../support/open.ts';
import { value } from '../support/rows.ts';

const holdLock = new URL('../fixtures/hold-lock.ts', import.meta.url);

trial('R14', 'another process holds the lock for 3 s: the event loop goes on, and nothing is lost', async (report) => {
  const lockMs = 3_000;
  const seed = report.random.seed();
  const path = join(testFolder(), 'locked.db');
  const analytics = await openClient({ path });
  const other = start(holdLock, [path, String(lockMs)]);
  await other.says('locked');

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const recordMs: number[] = [];
  let [turns, number, isHeld] = [0, 0, true];
  void other.ended.then(() => {
    isHeld = false;
  });
  // 20 000 in all, a few in each turn of the loop.
  while (isHeld || number < 20_000) {
    await setTimeout(5);
    turns += isHeld ? 1 : 0;
    for (const end = Math.min(number + 50, 20_000); number < end; ) {
      number += 1;
      const input = executionNumber(seed, number);
      const before = performance.now();
      analytics.record(input);
      recordMs.push(performance.now() - before);
    }
  }
  delay.disable();
  expect(await analytics.flush()).toMatchObject({ ok: true });
  expect(numberedOf(path, seed)).toEqual(complete(20_000));
  ledgerHolds(analytics.stats());
  // Not a measure of speed: it would be one or two had the loop waited for the lock.
  expect(turns).toBeGreaterThan(50);
  recordMs.sort((one, other) => one - other);
  report.add('rows', 20_000);
  report.add('turnsOfTheLoopMeanwhile', turns);
  report.most('longestStallMs', Math.round(delay.max / 1e6));
  report.most('recordP999Microseconds', Math.round((recordMs[Math.floor(recordMs.length * 0.999)] ?? 0) * 1000));
});

trial(
  'R15',
  'a lock that is held for long: the queue keeps its bound, and what is dropped is counted',
  async (report) => {
    const lockMs = times(60_000, 4_000);
    const [bound, recorded] = [1_000, 5_000];
    const seed = report.random.seed();
    const path = join(testFolder(), 'locked.db');
    const errors: string[] = [];
    const analytics = await openClient(
      { path, busyTimeoutMs: 200 },
      {
        maxQueueEvents: bound,
        retry: { minDelayMs: 50, maxDelayMs: 500, maxAttempts: 100_000 },
        onError: ({ code }) => void errors.push(code),
      },
    );
    const other = start(holdLock, [path, String(lockMs)]);
    await other.says('locked');
    for (let number = 1; number <= recorded; number += 1) {
      analytics.record(executionNumber(seed, number));
    }
    let isHeld = true;
    const released = other.ended.then(() => {
      isHeld = false;
    });
    while (isHeld) {
      const stats = analytics.stats();
      ledgerHolds(stats);
      expect(stats.backends['sqlite']?.queued).toBeLessThanOrEqual(bound);
      report.most('mostQueued', stats.backends['sqlite']?.queued ?? 0);
      await Promise.race([released, setTimeout(100)]);
    }
    // After many failures a flush does not wait for the next attempt.
    while (!(await analytics.flush()).ok) {
      await setTimeout(20);
    }
    const stats = analytics.stats().backends['sqlite'];
    expect(stats).toMatchObject({ accepted: recorded, delivered: bound, queued: 0 });
    expect(stats?.dropped).toMatchObject({ queue_full: recorded - bound, send_failed: 0 });
    // The oldest were kept.
    expect(numberedOf(path, seed)).toEqual(complete(bound));
    ledgerHolds(analytics.stats());
    report.add('lockMs', lockMs);
    report.add('rows', bound);
    report.add('dropped', recorded - bound);
    report.add('retries', stats?.retries ?? 0);
    report.add('errorsReported', errors.length);
  },
);

trial('R19', 'a reader that does not end lets the log grow, and it is taken back afterwards', async (report) => {
  const [largeBytes, limitBytes] = [1_000, 64 * 1024 * 1024];
  const rows = times(90_000, 15_000);
  const path = join(testFolder(), 'read.db');
  const logBytes = (): number => statSync(`${path}-wal`).size;
  const analytics = await openClient({ path });
  const text = 'x'.repeat(largeBytes);
  const write = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) {
      analytics.recordSkillExecution({ skillId: 'large', success: true, attributes: { text } });
      if (number % 1_000 === 999) {
        expect(await analytics.flush()).toMatchObject({ ok: true });
      }
    }
  };
  await write(1_000);
  const reader = new Database(path, { readonly: true });
  onTestFinished(() => void reader.close());
  reader.exec('BEGIN');
  const count = reader.prepare('SELECT count(*) FROM executions').pluck();
  expect(count.get()).toBe(1_000);
  await write(rows);
  report.most('logMBWithReader', Math.round(logBytes() / 1024 / 1024));
  // More than a checkpoint would leave: the reader did hold it up.
  expect(logBytes()).toBeGreaterThan(times(limitBytes, 17 * 1024 * 1024));
  // It still sees what it saw at its start, and others see everything.
  expect(count.get()).toBe(1_000);
  expect(await countedBy(analytics)).toBe(rows + 1_000);
  reader.exec('COMMIT');
  await write(10_000);
  report.most('logMBAfterwards', Math.round(logBytes() / 1024 / 1024));
  expect(logBytes()).toBeLessThanOrEqual(limitBytes + 4 * 1024 * 1024);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(rows + 11_000);
  expect(analytics.stats().backends['sqlite']?.dropped.queue_full).toBe(0);
  expect(await analytics.close()).toMatchObject({ ok: true });
  ledgerHolds(analytics.stats());
  reader.close();
  report.add('rows', rows + 11_000);
});
