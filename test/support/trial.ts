import { beforeEach, describe, type TestContext, test } from 'vitest';
import type { Analytics } from '../../packages/core/src/index.ts';
import { ledgerHolds } from '../../packages/testkit/src/matchers.ts';
import { pinnedSeeds } from './pinned-seeds.ts';
import { type Random, seededRandom } from './random.ts';

// A trial puts backends through one kind of failure, as often as asked, and counts the outcomes. The counts are part of the
// test's result, where `scripts/reliability.mjs` finds them. Trials with the same id and name are merged, wherever they are.

export interface Trial {
  /** The source of everything random in a trial, so that its seed repeats the trial. */
  readonly random: Random;
  /** Adds to a figure of the report. */
  add(figure: string, by?: number): void;
  /** Raises a figure of the report to this value if it is lower. */
  most(figure: string, value: number): void;
  /** Checks a client's ledger at the end of the trial, and again once the client is closed. */
  watch(analytics: Analytics): Analytics;
  /** Ends the trial as skipped, because it cannot run here. */
  skip(reason: string): never;
  /** Skips the trial because a tool is missing, which is a failure on Linux if `REQUIRE_PEERS` is 1. */
  lacks(tool: string): never;
}

interface TrialRecord {
  readonly id: string;
  readonly name: string;
  /** Undefined if nothing depends on chance. */
  readonly seed?: number;
  readonly counts: Record<string, number>;
  /** Names of counts that are maxima, which are not added up over several trials. */
  readonly peaks: string[];
  skipped?: string;
}

declare module 'vitest' {
  interface TaskMeta {
    trial?: TrialRecord;
  }
}

const isFull: boolean = process.env['RELIABILITY'] === 'full';
/** Ends trials that hang; no other trial takes as long. */
const timeoutMs = isFull ? 3_600_000 : 600_000;

/** Chooses how often to repeat what depends on chance: `full` for a release, `quick` for every push. */
export function times<T>(full: T, quick: T): T {
  return isFull ? full : quick;
}

/** Tries a new seed and the pinned ones, or only `SEED`, which repeats a trial exactly. */
export function trial(id: string, name: string, body: (trial: Trial) => Promise<void>, leastTimeoutMs = 0): void {
  const { SEED } = process.env;
  if (SEED !== undefined) {
    trialOfSeed(id, name, body, leastTimeoutMs, Number(SEED));
    return;
  }
  for (const seed of [Math.floor(Math.random() * 2 ** 32), ...(pinnedSeeds[id] ?? [])]) {
    trialOfSeed(id, name, body, leastTimeoutMs, seed);
  }
}

function trialOfSeed(
  id: string,
  name: string,
  body: (trial: Trial) => Promise<void>,
  leastTimeoutMs: number,
  seed: number,
): void {
  test(`${id} ${name}`, { timeout: Math.max(timeoutMs, leastTimeoutMs) }, async ({ task, skip }: TestContext) => {
    const record: TrialRecord = { id, name, seed, counts: {}, peaks: [] };
    task.meta.trial = record;
    const { counts } = record;
    const watched: Analytics[] = [];
    const skipTrial = (reason: string): never => {
      record.skipped = reason;
      return skip(reason);
    };
    try {
      await body({
        random: seededRandom(seed),
        add(figure, by = 1) {
          counts[figure] = (counts[figure] ?? 0) + by;
        },
        most(figure, value) {
          counts[figure] = Math.max(counts[figure] ?? value, value);
          record.peaks.push(figure);
        },
        watch(analytics) {
          watched.push(analytics);
          return analytics;
        },
        skip: skipTrial,
        lacks(tool) {
          if (process.platform === 'linux' && process.env['REQUIRE_PEERS'] === '1') {
            throw new Error(`${tool}, and REQUIRE_PEERS is 1`);
          }
          return skipTrial(tool);
        },
      });
      await settle(watched);
    } catch (error) {
      if (error instanceof Error && record.skipped === undefined) {
        const again = `SEED=${seed} npm run reliability -- ${isFull ? '' : '--quick '}-t ${id}`;
        error.message = `${error.message}\nTo repeat: ${again}\nCounted so far: ${JSON.stringify(counts)}`;
      }
      throw error;
    }
  });
}

/** Asserts that these clients account for every event, both before and after they are closed. */
async function settle(clients: readonly Analytics[]): Promise<void> {
  for (const analytics of clients) {
    ledgerHolds(analytics.stats());
    await analytics.close({ timeoutMs: 0 });
    ledgerHolds(analytics.stats());
  }
}

/**
 * A trial whose cases are separate tests, which `body` defines: each is counted, and the figures that they add are summed.
 * Nothing in them depends on chance, and they do not run concurrently.
 */
export function trialOfTests(id: string, name: string, body: (add: Trial['add']) => void): void {
  describe(`${id} ${name}`, () => {
    let counts: Record<string, number> = {};
    const add: Trial['add'] = (figure, by = 1) => {
      counts[figure] = (counts[figure] ?? 0) + by;
    };
    beforeEach(({ task }) => {
      counts = { cases: 1 };
      task.meta.trial = { id, name, counts, peaks: [] };
    });
    body(add);
  });
}

/** Does something `count` times, at most `lanes` at once. */
export async function inLanes(
  lanes: number,
  count: number,
  body: (number: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (next < count) {
        const number = next;
        next += 1;
        await body(number, lane);
      }
    }),
  );
}
