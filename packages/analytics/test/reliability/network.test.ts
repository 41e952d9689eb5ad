import { spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { createAnalytics } from '@toolweaver/analytics';
import { expect } from 'vitest';
import type { Random } from '../../../../test/support/random.ts';
import { times, trial } from '../../../../test/support/trial.ts';
import { faultyServer } from '../../../otlp/test/support/faults.ts';
import { nodeArguments, startCommand } from '../../../sqlite/test/support/child.ts';
import { testFolder } from '../../../sqlite/test/support/folder.ts';
import { callsEverywhere, type Everywhere, everywhere } from '../support/everywhere.ts';
import { total } from '../support/figures.ts';

const recordPartitioned = new URL('../fixtures/record-partitioned.ts', import.meta.url);
/** As root of a namespace of its own, which needs no rights where it is allowed. */
const ownNetwork = ['-rn', '--'];

trial(
  'R33',
  'a network that goes away and comes back: what was recorded meanwhile arrives, once',
  async ({ add, lacks }) => {
    if (spawnSync('unshare', [...ownNetwork, 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
      lacks('needs Linux, iproute2, and the right to make a network');
    }
    const [partitions, partitionMs] = [times(20, 2), times(5_000, 1_500)];
    const program = [process.execPath, ...nodeArguments(recordPartitioned)];
    const args = [testFolder(), `${partitions}`, `${partitionMs}`];
    const { stdout, stderr, code } = await startCommand('unshare', [...ownNetwork, ...program, ...args]).ended;
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const { ok, well, unwell, accepted, delivered, pushed, steps } = JSON.parse(stdout);
    expect({ ok, pushed, steps, delivered }).toEqual({
      ok: true,
      pushed: accepted,
      steps: [accepted, accepted],
      delivered: [accepted, accepted],
    });
    // It really was away, and they said so.
    expect(well).toEqual(Array(2 * partitions).fill(true));
    expect(unwell).toEqual(Array(2 * partitions).fill(false));
    add('partitions', partitions);
    add('partitionSeconds', (partitions * partitionMs) / 1000);
    add('executions', accepted);
  },
);

const latencyMs = 250;
/** After five failures nobody waits for a backend any more, and after eight a run of W&B goes on offline: chance alone gets there, too. */
const maxLossesInRow = 3;

/**
 * A way to a server that takes its time in both directions, and of ten times that something is sent loses the connection in three: before,
 * within or after an answer.
 */
async function badWay(random: Random, port: () => number, onLoss: () => void): Promise<string> {
  let lossesInRow = 0;
  const slowly = (from: Socket, to: Socket, onArrival = () => {}): void => {
    from.on('data', (chunk) =>
      setTimeout(() => {
        if (to.writable) {
          to.write(chunk);
          onArrival();
        }
      }, latencyMs),
    );
    from.on('close', () => setTimeout(() => to.destroy(), latencyMs));
  };
  const { url } = await faultyServer((near) => {
    const far = connect(port(), '127.0.0.1').on('error', () => {});
    slowly(near, far);
    slowly(far, near, () => {
      lossesInRow = 0;
    });
    near.on('data', () => {
      if (random.next() < 0.3) {
        setTimeout(lose, random.next() * 4 * latencyMs);
      }
    });
    function lose(): void {
      if (!near.destroyed && lossesInRow < maxLossesInRow) {
        lossesInRow += 1;
        onLoss();
        near.resetAndDestroy();
      }
    }
  });
  return url;
}

trial(
  'R33',
  'a network that is slow and loses connections: what was recorded arrives, once',
  async ({ random, add, watch }) => {
    const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);
    let place: Everywhere | undefined;
    const onLoss = (): void => add('connectionsLost');
    const toReceiver = await badWay(random, () => portOf(place?.receiver.url), onLoss);
    const toService = await badWay(random, () => portOf(place?.service?.url), onLoss);
    place = await everywhere({
      otlp: { endpoint: toReceiver, pushIntervalMs: 1_000, timeoutMs: 1_000 },
      wandb: { mode: 'online', baseUrl: toService, timeoutMs: 5_000, offlineAfterMs: 3_600_000 },
    });
    const retry = { minDelayMs: 20, maxDelayMs: 500, maxAttempts: 1_000 };
    const analytics = watch(createAnalytics({ backends: place.backends, retry, onError() {} }));
    let accepted = 0;
    for (let left = times(40, 4); left > 0; left -= 1) {
      for (let more = random.below(500); more > 0; more -= 1) {
        analytics.recordToolInvocation({ toolName: 'tool', success: more % 3 > 0, latencyMs: more });
        accepted += 1;
      }
      await analytics.flush({ timeoutMs: 60_000 });
    }
    // A push gives up after some attempts, and says so: what it said is in the next one.
    for (let looks = 100; looks > 0 && !(await analytics.flush({ timeoutMs: 60_000 })).ok; looks -= 1) {
      add('flushesThatFailed');
    }
    const counted = Object.entries(await callsEverywhere(place)).map(([name, calls]) => [name, total(calls)]);
    expect(counted).toEqual(['sqlite', 'prometheus', 'otlp', 'wandb'].map((name) => [name, accepted]));
    add('executions', accepted);
  },
);
