import type { Clock } from '../../packages/core/src/index.ts';
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
