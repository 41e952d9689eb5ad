import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Exit } from '../../../../test/support/process-end.ts';
import { times, trial } from '../../../../test/support/trial.ts';
import { run, start } from '../support/child.ts';
import { testFolder } from '../support/folder.ts';
import { complete, numberedOf } from '../support/numbered.ts';
import { expectRollupsHold } from '../support/rollups.ts';
import { value } from '../support/rows.ts';

const recordAndExit = new URL('../fixtures/record-and-exit.ts', import.meta.url);
const recordUntilOutOfMemory = new URL('../fixtures/record-until-out-of-memory.ts', import.meta.url);
const holdLock = new URL('../fixtures/hold-lock.ts', import.meta.url);

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** After these everything is there, once: what was queued is written before the process goes. */
const orderly: readonly Exit[] = [
  { way: 'end', code: 0 },
  { way: 'process.exit', code: 7 },
  { way: 'throw', code: 1, stderr: expect.stringContaining('uncaught') },
  { way: 'throw to a handler', code: 3 },
  { way: 'reject', code: 1, stderr: expect.stringContaining('unhandled') },
  { way: 'close', code: 0 },
  ...signals.flatMap((signal): Exit[] => [
    { way: 'flush on signal', signal, endsBy: signal },
    { way: 'flush on signal and go on', signal, code: 0 },
    { way: 'exit on signal', signal, code: 5 },
  ]),
];
/** After these exactly what was acknowledged is there. */
const sudden: readonly Exit[] = [
  ...[...signals, 'SIGKILL' as const].map((signal): Exit => ({ way: 'signal', signal, endsBy: signal })),
  { way: 'abort', endsBy: 'SIGABRT', stderr: expect.anything() },
];

trial('R04', 'however a program ends, exactly what is promised is there', async ({ add }) => {
  const each = times(6_000, 300);
  const folder = testFolder();
  const ends = [
    ...orderly.map((exit) => ({ exit, when: 'underWay', stored: 3 * each })),
    ...sudden.map((exit) => ({ exit, when: 'queued', stored: each })),
  ];
  for (const [number, { exit, when, stored }] of ends.entries()) {
    const { way, signal, code = null, endsBy = null, stderr = '' } = exit;
    const path = join(folder, `${number}.db`);
    const given = [path, String(each), way, when, ...(signal === undefined ? [] : [signal])];
    const name = `${way} ${signal ?? ''}`;
    expect(await run(recordAndExit, given), name).toEqual({ code, signal: endsBy, stdout: '', stderr });
    expect(numberedOf(path, 0), name).toEqual(complete(stored));
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    add(stored === each ? 'suddenEnds' : 'orderlyEnds');
    add('rows', stored);
  }
});

trial('R05', 'a program that runs out of memory loses no more than its queue', async ({ random, add }) => {
  const folder = testFolder();
  for (let round = times(10, 1); round > 0; round -= 1) {
    const path = join(folder, `${round}.db`);
    const seed = random.seed();
    const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' };
    const { signal, code, stdout, stderr } = await run(recordUntilOutOfMemory, [path, String(seed)], { env });
    expect(stderr).toContain('out of memory');
    // Node aborts, or ends with the status of a shell whose command has.
    expect([signal, code]).toContain(signal === null ? 134 : 'SIGABRT');
    const acknowledged = Number(stdout.split('\n').at(-2));
    expect(acknowledged).toBeGreaterThan(0);
    const stored = numberedOf(path, seed);
    expect(stored).toEqual(complete(stored.last));
    expect(stored.last).toBeGreaterThanOrEqual(acknowledged);
    expect(stored.last).toBeLessThanOrEqual(acknowledged + 100);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    expectRollupsHold(path);
    add('crashes');
    add('acknowledged', acknowledged);
    add('lost', Math.max(0, acknowledged - stored.last));
  }
});

test('the last delivery waits for the lock of another process', async () => {
  const path = join(testFolder(), 'analytics.db');
  await run(recordAndExit, [path, '10', 'close', 'underWay']);
  const lock = start(holdLock, [path, '1000']);
  await lock.says('locked');
  expect(await run(recordAndExit, [path, '10', 'process.exit', 'queued'])).toMatchObject({ code: 7, stderr: '' });
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(50);
});
