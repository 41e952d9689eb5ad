import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { Exit } from '../../../../test/support/process-end.ts';
import { inLanes, times, trial } from '../../../../test/support/trial.ts';
import { type Receiver, startReceiver } from '../../../otlp/test/support/receiver.ts';
import { run, start } from '../../../sqlite/test/support/child.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { query, value } from '../../../sqlite/test/support/rows.ts';
import { callsOfPush, lastAccepted, offlineRuns } from '../support/everywhere.ts';
import { total } from '../support/figures.ts';

const recordEverywhere = new URL('../fixtures/record-everywhere.ts', import.meta.url);

/** How many there are, of how many numbers, and the highest number. */
interface Numbered {
  readonly rows: number;
  readonly numbers: number;
  readonly last: number;
}

const complete = (last: number): Numbered => ({ rows: last, numbers: last, last });

/** Numbers of what is in the file; of what is above `after` rows, which others have left there. */
function inDatabase(folder: string, after = 0): Numbered {
  const path = join(folder, 'analytics.db');
  const number = "attributes ->> 'number'";
  const sql = `SELECT count(*) AS rows, count(DISTINCT ${number}) AS numbers, coalesce(max(${number}), 0) AS last
    FROM (SELECT attributes FROM executions ORDER BY id LIMIT -1 OFFSET ?)`;
  const [found] = query(path, sql, after);
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  return found as unknown as Numbered;
}

/** The same of W&B's logs: by the duration, which is the number in ms. */
function inLogs(folder: string): Numbered[] {
  return offlineRuns(folder).map(({ rows }) => {
    const numbers = rows.map((row) => Math.round((row['count/duration'] as number) * 1000));
    return { rows: rows.length, numbers: new Set(numbers).size, last: Math.max(0, ...numbers) };
  });
}

async function receiverOfTrial(): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.stop());
  return receiver;
}

/** After these the rows are all there: SQLite and a log can be written to while the process goes. Every push tries the first ones. */
const orderly: readonly Exit[] = [
  { way: 'throw', code: 1, stderr: expect.stringContaining('uncaught') },
  { way: 'flush on signal', signal: 'SIGTERM', endsBy: 'SIGTERM' },
  { way: 'close', code: 0 },
  { way: 'end', code: 0 },
  { way: 'process.exit', code: 7 },
  { way: 'reject', code: 1, stderr: expect.stringContaining('unhandled') },
  { way: 'exit on signal', signal: 'SIGINT', code: 5 },
];
/** After these exactly what was acknowledged is there. */
const sudden: readonly Exit[] = [
  { way: 'signal', signal: 'SIGTERM', endsBy: 'SIGTERM' },
  { way: 'signal', signal: 'SIGKILL', endsBy: 'SIGKILL' },
  { way: 'abort', endsBy: 'SIGABRT', stderr: expect.anything() },
];

trial('R04', 'however a program with all backends ends, each has exactly what it promises', async ({ add }) => {
  const each = times(4_000, 300);
  const ends = [
    ...orderly.slice(0, times(orderly.length, 3)).map((exit) => ({ exit, rows: 2 * each })),
    ...sudden.slice(0, times(sudden.length, 1)).map((exit) => ({ exit, rows: each })),
  ];
  await inLanes(2, ends.length, async (at) => {
    const { exit, rows } = ends[at] as (typeof ends)[number];
    const { way, signal, code = null, endsBy = null, stderr = '' } = exit;
    const [folder, receiver] = [testFolder(), await receiverOfTrial()];
    const given = [folder, receiver.url, way, String(each), ...(signal === undefined ? [] : [signal])];
    const name = `${way} ${signal ?? ''}`;
    expect(await run(recordEverywhere, given), name).toEqual({ code, signal: endsBy, stdout: '', stderr });
    expect(inDatabase(folder), name).toEqual(complete(rows));
    expect(inLogs(folder), name).toEqual([complete(rows)]);
    // A request takes longer than a process that ends has: only who closes pushes what came after the last flush.
    const pushed = total(callsOfPush(lastAccepted(receiver.requests)));
    expect(pushed, name).toBe(way === 'close' ? 2 * each : each);
    add(rows === each ? 'suddenEnds' : 'orderlyEnds');
    add('rowsInDatabase', rows);
    add('rowsInLogs', rows);
    add('pushed', pushed);
  });
});

/** Enough for some batches. */
const maxLifeMs = 80;

trial('R01', 'kill -9 of a program with SQLite and W&B: both hold what was acknowledged', async ({ random, add }) => {
  const kills = times(100, 3);
  const receiver = await receiverOfTrial();
  const perFolder = times(4, 2);
  await inLanes(2, Math.ceil(kills / perFolder), async () => {
    const folder = testFolder();
    let before = 0;
    for (let round = 1; round <= perFolder; round += 1) {
      const runs = join(folder, String(round));
      const given = [folder, receiver.url, 'until killed', String(random.seed())];
      const child = start(recordEverywhere, given, { env: { ...process.env, RUNS: runs } });
      await child.says('\n');
      await setTimeout(random.next() * maxLifeMs);
      child.process.kill('SIGKILL');
      const { stdout, stderr } = await child.ended;
      expect(stderr).toBe('');
      // A line that was cut off acknowledges nothing.
      const acknowledged = Number(stdout.split('\n').at(-2));
      expect(acknowledged).toBeGreaterThan(0);
      const stored = inDatabase(folder, before);
      const logged = inLogs(runs);
      expect(stored).toEqual(complete(stored.last));
      expect(stored.last).toBeGreaterThanOrEqual(acknowledged);
      expect(logged).toEqual([complete(logged[0]?.last ?? 0)]);
      expect(logged[0]?.last).toBeGreaterThanOrEqual(acknowledged);
      add('kills');
      add('acknowledged', acknowledged);
      add('lost', Math.max(0, acknowledged - Math.min(stored.last, logged[0]?.last ?? 0)));
      add('storedUnacknowledged', stored.last - acknowledged);
      before += stored.rows;
    }
  });
});
