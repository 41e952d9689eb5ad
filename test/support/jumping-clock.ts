import type { Analytics, Clock } from '../../packages/core/src/index.ts';
import type { Random } from './random.ts';

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
/** The latest time that an event may have: the last ms of 2099. */
export const lastAt: number = Date.UTC(2100) - 1;

type Jump = (now: number) => number;

/** Jumps after which the wall clock still shows a valid time. */
export const possible: Readonly<Record<string, Jump>> = {
  'goes on': (now) => now,
  'an hour forward': (now) => now + hourMs,
  'an hour back': (now) => now - hourMs,
  'a year forward': (now) => now + yearMs,
  'a year back': (now) => now - yearMs,
  'the beginning': () => 0,
  'a fraction': (now) => now + 0.75,
  'the end': () => lastAt,
};
/** Jumps to what is no valid time, so that events cannot be timed. */
const impossible: Readonly<Record<string, Jump>> = {
  'before the beginning': () => -1,
  'after the end': () => lastAt + 1,
  infinite: () => Number.POSITIVE_INFINITY,
  'no number': () => Number.NaN,
  throws() {
    throw new Error('no clock');
  },
};
const jumps = { ...possible, ...impossible };

export interface JumpingClock extends Clock {
  /** The current jump: how the wall clock differs from the machine's. */
  readonly state: string;
  /** Whether the wall clock shows a time that an event may have. */
  readonly isPossible: boolean;
  jump(): void;
  goOn(): void;
}

/** The machine's clock, except for the wall time, which jumps at random. */
export function jumpingClock(random: Random): JumpingClock {
  let state = 'goes on';
  return {
    now: () => (jumps[state] as Jump)(Date.now()),
    monotonic: () => performance.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    get state() {
      return state;
    },
    get isPossible() {
      return state in possible;
    },
    jump() {
      state = random.pick(Object.keys(jumps));
    },
    goOn() {
      state = 'goes on';
    },
  };
}

export interface Jumped {
  /** The number of events with a valid time; `untimed` counts the others. */
  readonly timed: number;
  readonly untimed: number;
  /** The longest duration of an execution, by a monotonic clock. */
  readonly longestMs: number;
}

/** Records while the clock jumps: in each round an execution with a jump in it, and an event by `alsoRecord`. */
export async function recordInJumps(
  clock: JumpingClock,
  analytics: Analytics,
  { count, jump, alsoRecord }: JumpsOptions,
): Promise<Jumped> {
  let [timed, untimed, longestMs] = [0, 0, 0];
  for (let left = count; left > 0; left -= 1) {
    jump();
    const began = performance.now();
    await analytics.trackOperation({ kind: 'tool', name: 'jumps' }, jump);
    longestMs = Math.max(longestMs, performance.now() - began);
    // An execution gets its time when it ends.
    if (clock.isPossible) {
      timed += 2;
    } else {
      untimed += 2;
    }
    await alsoRecord(left);
  }
  clock.goOn();
  return { timed, untimed, longestMs };
}

interface JumpsOptions {
  readonly count: number;
  readonly jump: () => void;
  alsoRecord(left: number): unknown;
}
