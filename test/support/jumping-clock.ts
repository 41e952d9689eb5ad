import type { Analytics, Clock } from '../../packages/core/src/index.ts';
import type { Random } from './random.ts';

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
/** The last ms that an event may have: of the year 2099. */
export const lastAt: number = Date.UTC(2100) - 1;

type Jump = (now: number) => number;

/** What a wall clock may do. */
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
/** What is no time: then nobody can say when an event was. */
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
  /** How the wall clock differs from the machine's. */
  readonly state: string;
  /** Whether it shows a time that an event may have. */
  readonly isPossible: boolean;
  jump(): void;
  goOn(): void;
}

/** The machine's clock, but for the time of day, which goes wherever chance takes it. */
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
  /** Events that had a time, and those that had none. */
  readonly timed: number;
  readonly untimed: number;
  /** Of an execution, by a clock that only goes on. */
  readonly longestMs: number;
}

/** Records while the clock jumps: an execution with a jump in it, and one event that `alsoRecord` records, so many times. */
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
    // An execution is timed at its end.
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
