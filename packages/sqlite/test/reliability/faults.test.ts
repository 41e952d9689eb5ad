import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Random } from '../../../../test/support/random.ts';
import { inLanes, times, trial } from '../../../../test/support/trial.ts';
import { nodeArguments, startCommand } from '../support/child.ts';
import { testFolder } from '../support/folder.ts';
import { complete, numberedOf } from '../support/numbered.ts';
import { expectRollupsHold } from '../support/rollups.ts';
import { value } from '../support/rows.ts';

const program = new URL('../fixtures/record-through-faults.ts', import.meta.url);

/** What the kernel answers in place of doing it, and about how many of these calls the program makes. */
const faults = [
  ['pwrite64', 'EIO', 1_000],
  ['pwrite64', 'ENOSPC', 1_000],
  ['pread64', 'EIO', 90],
  ['fsync', 'EIO', 60],
  ['fsync', 'ENOSPC', 60],
  ['ftruncate', 'EIO', 3],
  ['openat', 'EMFILE', 4],
  ['openat', 'EIO', 4],
] as const;

/** Which calls it breaks: some in a row, or one now and then, from some time on; of each thread. Never all that a write makes. */
function when(calls: number, random: Random): string {
  const first = 1 + random.below(calls);
  return random.next() < 0.5
    ? `${first}..${first + random.below(8)}`
    : `${first}+${2 + Math.ceil(calls / 3) + random.below(calls)}`;
}

const quietly = ['-f', '--seccomp-bpf', '-qq'];

interface Outcome {
  readonly refusals: number;
  readonly recorded?: number;
  readonly acknowledged?: number;
  readonly retries?: number;
}

async function outcomeOf(command: string, args: readonly string[]): Promise<Outcome> {
  const { stdout, stderr, code } = await startCommand(command, args).ended;
  expect({ stderr, code }, args.join(' ')).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout);
}

trial('R10', 'calls of the system that fail now and then lose nothing', async ({ random, add, lacks }) => {
  const { status } = spawnSync('strace', [...quietly, '-o', '/dev/null', 'true']);
  if (status !== 0) {
    lacks('strace is not there, or may not trace');
  }
  const folder = testFolder();
  await inLanes(2, times(96, faults.length), async (number) => {
    const [call, error, calls] = faults[number % faults.length] as (typeof faults)[number];
    const path = join(folder, `${number}.db`);
    const seed = random.seed();
    const inject = `${call}:error=${error}:when=${when(calls, random)}`;
    const files = ['', '-wal', '-shm', '-journal'].flatMap((suffix) => ['-P', `${path}${suffix}`]);
    const traced = ['-e', `trace=${call}`, '-e', `inject=${inject}`, ...files, '-o', `${path}.trace`];
    const recorder = [process.execPath, ...nodeArguments(program), path, String(seed)] as const;
    let outcome = await outcomeOf('strace', [...quietly, ...traced, ...recorder]);
    add('refusedStarts', outcome.refusals);
    if (outcome.recorded === undefined) {
      // It could not start, time and again; whatever it left behind, it can once nothing fails.
      const [node, ...args] = recorder;
      outcome = await outcomeOf(node, args);
    }
    const { recorded = 0, acknowledged = 0, retries = 0 } = outcome;
    const stored = numberedOf(path, seed);
    add('cases');
    add(`${call}${error}`, Number(spawnSync('grep', ['-c', 'INJECTED', `${path}.trace`]).stdout));
    add('retries', retries);
    add('acknowledged', acknowledged);
    add('lost', Math.max(0, acknowledged - stored.numbers));
    expect(outcome, inject).toMatchObject({ delivered: recorded, queued: 0 });
    expect(stored, inject).toEqual(complete(recorded));
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    expectRollupsHold(path);
  });
});
