import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';
import { type Trial, times, trial } from '../../../../test/support/trial.ts';
import { openForWriting } from '../../src/database.ts';
import { createEncoder } from '../../src/encode.ts';
import { toFailure } from '../../src/failure.ts';
import { createWriter } from '../../src/writer.ts';
import { type Ended, nodeArguments, startCommand } from '../support/child.ts';
import { deliverAll } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { complete, executionNumber, numberedOf } from '../support/numbered.ts';
import { expectRollupsHold } from '../support/rollups.ts';
import { value } from '../support/rows.ts';

const fewFiles = new URL('../fixtures/few-files.ts', import.meta.url);
const program = new URL('../fixtures/record-through-trouble.ts', import.meta.url);
const recorded = 3_000;

/** A shell command in a namespace of its own with a new disk of this size, which needs no rights where it is allowed. */
const withDisk = (size: string, folder: string, command: string): [string, string[]] => [
  'unshare',
  ['-Urm', 'sh', '-c', `mount -t tmpfs -o size=${size} tmpfs "$0" && ${command}`, folder],
];

trial('R07', 'a full disk holds deliveries up, and loses nothing once it has room', async (report) => {
  if (spawnSync(...withDisk('1m', '/mnt', 'true')).status !== 0) {
    report.lacks('no disk can be mounted here: unshare -Urm fails');
  }
  const folder = testFolder();
  // What the program leaves behind goes with its disk, so it is copied out.
  const [command, args] = withDisk('24m', folder, '"$@" && cp "$0"/*.db "$KEPT"');
  const kept = testFolder();
  const startedMs = performance.now();
  const child = startCommand(command, [...args, process.execPath, ...nodeArguments(program), folder, 'full disk'], {
    env: { ...process.env, KEPT: kept },
  });
  const outcome = outcomeOf(await child.ended, startedMs, report);
  expect(outcome).toMatchObject({
    okMeanwhile: false,
    healthMeanwhile: 'STORAGE_FULL',
    answerMeanwhile: 0,
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
      report.lacks('prlimit is not there');
    }
    const folder = testFolder();
    const args = [...nodeArguments(program), folder, 'file size'];
    const startedMs = performance.now();
    const outcome = outcomeOf(await startCommand(process.execPath, args).ended, startedMs, report);
    expect(outcome).toMatchObject({
      okMeanwhile: false,
      healthy: true,
      patient: { delivered: recorded, queued: 0, dropped: {} },
      hasty: { delivered: 0, queued: 0, dropped: { send_failed: recorded } },
    });
    expect(outcome.patient.errors[0]).toContain('cannot be read or written: check its disk');
    expectWhole(folder);
  },
);

/** With 32 descriptors a program can write, and has too few for the thread that reads; with 64 it can do both. */
const descriptors = [32, 64] as const;

trial('R20', 'without a free file descriptor nothing breaks, and nothing is lost', async ({ add }) => {
  for (const limit of descriptors) {
    const seen = new Set<string>();
    for (const left of times([0, 1, 3, 5, 7, 9, 11, 13, 15], [0, 7])) {
      const path = join(testFolder(), 'analytics.db');
      const limited = ['-c', `ulimit -n ${limit} && exec "$@"`, 'sh', process.execPath, ...nodeArguments(fewFiles)];
      const { code, stdout, stderr } = await startCommand('sh', [...limited, path, String(left)]).ended;
      expect({ limit, left, code, stderr }).toEqual({ limit, left, code: 0, stderr: '' });
      const { atStart, meanwhile, answers, errors, ...outcome } = JSON.parse(stdout);
      // What was recorded while nothing could be opened is there.
      expect(outcome).toEqual({ stored: 1, lost: 0 });
      expect(limit === 64 ? ['ok'] : ['ok', 'BACKEND_UNAVAILABLE']).toEqual(expect.arrayContaining(answers));
      // Whoever asks is told, in codes of ours.
      const told: readonly string[] = [atStart, ...meanwhile];
      expect(['ok', 'BACKEND_UNAVAILABLE', 'INVALID_CONFIG']).toEqual(expect.arrayContaining([...told]));
      for (const one of told) {
        seen.add(one);
      }
      // A flush of 300 ms runs out of time where the machine is busy.
      expect(['BACKEND_UNAVAILABLE', 'TIMEOUT']).toEqual(expect.arrayContaining(errors));
      add('programs');
      add('refusals', told.filter((one) => one !== 'ok').length);
    }
    // They did run short.
    expect(seen).toContain('BACKEND_UNAVAILABLE');
  }
});

interface Outcome {
  readonly answerMeanwhile: unknown;
  readonly recoveryMs: number;
  readonly patient: { readonly retries: number; readonly errors: readonly string[] };
}

/** What became of a program that began at this moment. */
function outcomeOf({ stdout, stderr }: Ended, startedMs: number, { add, most }: Trial): Outcome {
  expect(stderr).toBe('');
  const outcome: Outcome = JSON.parse(stdout);
  add('rows', recorded);
  add('retries', outcome.patient.retries);
  add('errorsReported', outcome.patient.errors.length);
  most('recoveryMs', outcome.recoveryMs);
  // Less than a second is usual; a machine may stand still for some.
  expect(outcome.recoveryMs).toBeLessThanOrEqual(20_000);
  // However often it was tried, the host hears of it twice a minute at most.
  const minutes = Math.ceil((performance.now() - startedMs) / 60_000);
  expect(outcome.patient.errors.length, outcome.patient.errors.join('\n')).toBeLessThanOrEqual(2 * minutes);
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
      await deliverAll(analytics);
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
