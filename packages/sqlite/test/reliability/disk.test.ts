import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';
import { type Trial, trial } from '../../../../test/support/trial.ts';
import { openForWriting } from '../../src/database.ts';
import { createEncoder } from '../../src/encode.ts';
import { toFailure } from '../../src/failure.ts';
import { createWriter } from '../../src/writer.ts';
import { type Ended, nodeArguments, startCommand } from '../support/child.ts';
import { testFolder } from '../support/folder.ts';
import { complete, executionNumber, numberedOf } from '../support/numbered.ts';
import { expectRollupsHold } from '../support/rollups.ts';
import { value } from '../support/rows.ts';

const program = new URL('../fixtures/record-through-trouble.ts', import.meta.url);
const recorded = 3_000;

/** A shell command in a namespace of its own with a new disk of this size, which needs no rights where it is allowed. */
const withDisk = (size: string, folder: string, command: string): [string, string[]] => [
  'unshare',
  ['-Urm', 'sh', '-c', `mount -t tmpfs -o size=${size} tmpfs "$0" && ${command}`, folder],
];

trial('R07', 'a full disk holds deliveries up, and loses nothing once it has room', async (report) => {
  if (spawnSync(...withDisk('1m', '/mnt', 'true')).status !== 0) {
    report.skip('no disk can be mounted here: unshare -Urm fails');
  }
  const folder = testFolder();
  // What the program leaves behind goes with its disk, so it is copied out.
  const [command, args] = withDisk('24m', folder, '"$@" && cp "$0"/*.db "$KEPT"');
  const kept = testFolder();
  const child = startCommand(command, [...args, process.execPath, ...nodeArguments(program), folder, 'full disk'], {
    env: { ...process.env, KEPT: kept },
  });
  const outcome = outcomeOf(await child.ended, report);
  expect(outcome).toMatchObject({
    okMeanwhile: false,
    healthMeanwhile: 'STORAGE_FULL',
    answerMeanwhile: 0,
    ok: true,
    healthy: true,
    patient: { delivered: recorded, queued: 0, dropped: {} },
    hasty: { delivered: 0, queued: 0, dropped: { storage_full: recorded } },
  });
  expect(outcome.patient.errors[0]).toContain('has no room left: free some disk space');
  expectWhole(kept);
});

trial(
  'R09',
  'a limit on the size of files holds deliveries up, and loses nothing once it is lifted',
  async (report) => {
    if (spawnSync('prlimit', ['--fsize=unlimited:', 'true']).status !== 0) {
      report.skip('prlimit is not there');
    }
    const folder = testFolder();
    const args = [...nodeArguments(program), folder, 'file size'];
    const outcome = outcomeOf(await startCommand(process.execPath, args).ended, report);
    expect(outcome).toMatchObject({
      okMeanwhile: false,
      ok: true,
      healthy: true,
      patient: { delivered: recorded, queued: 0, dropped: {} },
      hasty: { delivered: 0, queued: 0, dropped: { send_failed: recorded } },
    });
    expect(outcome.patient.errors[0]).toContain('cannot be read or written: check its disk');
    expectWhole(folder);
  },
);

trial('R20', 'without a free file descriptor nothing breaks, and nothing is lost', async (report) => {
  const folder = testFolder();
  const limited = ['-c', 'ulimit -n 100 && exec "$@"', 'sh', process.execPath, ...nodeArguments(program)];
  const outcome = outcomeOf(await startCommand('sh', [...limited, folder, 'open files']).ended, report);
  expect(outcome).toMatchObject({
    ok: true,
    healthy: true,
    patient: { delivered: recorded, queued: 0, dropped: {} },
  });
  // What is new needs descriptors, and says so instead of ending the process.
  expect(outcome.anotherMeanwhile).not.toBe('opened');
  expectWhole(folder);
});

interface Outcome {
  readonly answerMeanwhile: unknown;
  readonly anotherMeanwhile: unknown;
  readonly recoveryMs: number;
  readonly patient: { readonly retries: number; readonly errors: readonly string[] };
}

function outcomeOf({ stdout, stderr }: Ended, { add, most }: Trial): Outcome {
  expect(stderr).toBe('');
  const outcome: Outcome = JSON.parse(stdout);
  add('rows', recorded);
  add('retries', outcome.patient.retries);
  add('errorsReported', outcome.patient.errors.length);
  most('recoveryMs', outcome.recoveryMs);
  // However often it was tried, the host hears of it once a minute and kind.
  expect(outcome.patient.errors.length).toBeLessThanOrEqual(5);
  return outcome;
}

function expectWhole(folder: string): void {
  const path = join(folder, 'patient.db');
  expect(numberedOf(path, 0)).toEqual(complete(recorded));
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  expectRollupsHold(path);
}

trial(
  'R08',
  'a database that may not grow refuses whole batches, and takes them once it may',
  async ({ random, add }) => {
    const path = join(testFolder(), 'small.db');
    const config = { path, busyTimeoutMs: 1000, synchronous: 'full' } as const;
    // In this thread, as nobody else gets at the connection.
    const db = await openForWriting(Database, config);
    onTestFinished(() => void db.close());
    const writer = createWriter(db, config);
    const analytics = createAnalytics({
      backends: [
        {
          name: 'sqlite',
          delivery: { maxEvents: 100, maxDelayMs: 5 },
          settings: {},
          async write(events) {
            try {
              writer.write([createEncoder().slice(events, 0, events.length)]);
            } catch (error) {
              const { code, message, cause } = toFailure(error, path, false);
              throw new AnalyticsError(code, message, { cause });
            }
          },
        },
      ],
      retry: { minDelayMs: 1, maxDelayMs: 5, maxAttempts: 100_000 },
    });
    onTestFinished(async () => void (await analytics.close({ timeoutMs: 0 })));
    const pages = (): number => db.pragma('page_count', { simple: true }) as number;
    const each = 1_000;
    for (let round = 0; round < 20; round += 1) {
      db.pragma(`max_page_count = ${pages() + random.below(40)}`);
      // Of a run of its own, whose name is new: what a batch that failed has named must be forgotten with it.
      const seed = random.seed();
      for (let number = 1; number <= each; number += 1) {
        analytics.record(executionNumber(seed, number));
      }
      const full = await analytics.flush({ timeoutMs: 100 });
      const stored = numberedOf(path, seed);
      // Whole batches, in order.
      expect(stored).toEqual(complete(stored.last));
      expect(stored.last % 100).toBe(0);
      expect(analytics.stats().backends['sqlite']?.delivered).toBe(round * each + stored.last);
      add('timesFull', Number(!full.ok));
      db.pragma('max_page_count = 1000000');
      while (!(await analytics.flush()).ok) {
        await setTimeout(5);
      }
      expect(numberedOf(path, seed)).toEqual(complete(each));
      add('rows', each);
    }
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    expectRollupsHold(path);
    ledgerHolds(analytics.stats());
    expect(Object.values(analytics.stats().backends['sqlite']?.dropped ?? {}).every((dropped) => dropped === 0)).toBe(
      true,
    );
  },
);
