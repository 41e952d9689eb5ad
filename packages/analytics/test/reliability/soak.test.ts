import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { trial } from '../../../../test/support/trial.ts';
import { startReceiver } from '../../../otlp/test/support/receiver.ts';
import { nodeArguments, startCommand } from '../../../sqlite/test/support/child.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { value } from '../../../sqlite/test/support/rows.ts';
import { callsOfPush, lastAccepted, offlineRuns } from '../support/everywhere.ts';
import { total } from '../support/figures.ts';

const recordSteadily = new URL('../fixtures/record-steadily.ts', import.meta.url);
const minutes = Number(process.env['SOAK_MINUTES'] ?? 0);
/**
 * V8 lets the space for young objects of each thread grow in steps of a megabyte or more, long after the program has warmed up, and each
 * looks like a leak. Here it has its largest size from the start, that of the threads of SQLite; a leak would be in old objects
 * or outside of V8.
 */
const fixedYoungSpace = ['--min-semi-space-size=8', '--max-semi-space-size=8'];
/** Before this, what a program takes to warm up looks like growth. */
const leastMinutesToJudge = 30;

interface Sample {
  readonly minute: number;
  readonly rssMB: number;
}

/** By which the second half of the samples grows, by least squares. */
function growthIn10Minutes(samples: readonly Sample[]): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const [middle, level] = [mean(half.map(({ minute }) => minute)), mean(half.map(({ rssMB }) => rssMB))];
  const slope =
    mean(half.map(({ minute, rssMB }) => (minute - middle) * (rssMB - level))) /
    mean(half.map(({ minute }) => (minute - middle) ** 2));
  return slope * 10;
}

trial(
  'R22',
  '2000 executions a second into all backends for some minutes, after one of 8000: nothing is dropped, and memory does not grow',
  async ({ add, most, skip }) => {
    if (minutes === 0) {
      skip('takes as long as asked for: --soak <minutes>');
    }
    const folder = testFolder();
    const receiver = await startReceiver();
    onTestFinished(() => receiver.stop());
    const command = [...fixedYoungSpace, ...nodeArguments(recordSteadily), folder, receiver.url, String(minutes)];
    const { stdout, stderr, code } = await startCommand(process.execPath, command).ended;
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const { ok, recorded, stats, memory } = JSON.parse(stdout);
    const growth = growthIn10Minutes(memory);
    add('minutes', minutes);
    add('executions', recorded);
    add('pushes', receiver.requests.length);
    most('rssMB', Math.round(memory.at(-1).rssMB));
    add('rssKBGrowthIn10Minutes', Math.round(growth * 1024));
    expect(ok).toBe(true);
    for (const name of ['sqlite', 'prometheus', 'otlp', 'wandb']) {
      expect({ name, ...stats[name] }).toMatchObject({ name, delivered: recorded, queued: 0 });
      add('retries', stats[name].retries);
    }
    const path = join(folder, 'analytics.db');
    expect(value(path, 'SELECT count(*) FROM executions')).toBe(recorded);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    expect(total(callsOfPush(lastAccepted(receiver.requests)))).toBe(recorded);
    const [logged] = offlineRuns(folder);
    expect(logged?.summary['summary/total_operations']).toBe(recorded);
    expect(minutes < leastMinutesToJudge || growth < 1, `grows by ${growth} MB in 10 minutes`).toBe(true);
  },
  (minutes + 10) * 60_000,
);
