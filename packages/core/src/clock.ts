import type { Clock } from './client.ts';
import { requiredNumber } from './values/check.ts';
import { describe } from './values/describe.ts';

/** What a timer of Node can hold: about 25 days. A longer delay would fire at once, with a warning on stderr. */
const maxDelayMs = 2 ** 31 - 1;

/** The machine's time. Looked up at each call, so that a test's fake timers are honoured. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, maxDelayMs)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

const methods = ['now', 'monotonic', 'setTimeout', 'clearTimeout'] as const;

/** What is wrong with the option `clock`, in words that follow its name. */
export function clockProblem(clock: unknown): string | undefined {
  return clock === undefined || methods.every((method) => typeof Object(clock)[method] === 'function')
    ? undefined
    : `must have the methods ${methods.join(', ')}, got ${describe(clock)}`;
}

/**
 * A clock of the user's. Where its `monotonic()` throws, or gives no number, it is NaN: how long something takes is unknown then. Timers
 * that it cannot set are the machine's.
 */
export function guardedClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    monotonic() {
      try {
        return requiredNumber(clock.monotonic(), 'monotonic', -Number.MAX_VALUE, Number.MAX_VALUE, false);
      } catch {
        return Number.NaN;
      }
    },
    setTimeout(callback, delayMs) {
      try {
        return clock.setTimeout(callback, delayMs) ?? {};
      } catch {
        return systemClock.setTimeout(callback, delayMs);
      }
    },
    clearTimeout(timer) {
      try {
        clock.clearTimeout(timer);
      } catch {
        systemClock.clearTimeout(timer);
      }
    },
  };
}

/** The last ms of the year 2099: what is later was meant in other units, such as microseconds. */
export const maxTime = 4_102_444_799_999;

/** What is wrong with a time in Unix ms that is one in seconds of 2001 to 2286; in ms these are weeks of 1970. In words that follow its name. */
export function secondsProblem(time: number): string | undefined {
  return time >= 1e9 && time < 1e10 ? `must be in milliseconds, got ${time}, which looks like seconds` : undefined;
}

/** A time that an event may have, in whole ms. Otherwise `undefined`. */
export function toTime(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= maxTime ? Math.trunc(value) : undefined;
}

/**
 * The clock of a backend that cannot do without time, by default the machine's. Where the given clock's `now()` throws or shows
 * no time of 1970 to 2099, it is the last one that it showed, at first the machine's; where `monotonic()` fails, that stands still.
 */
export function steadyClock(clock: Clock = systemClock): Clock {
  const guarded = guardedClock(clock);
  let last = Date.now();
  let lastMonotonic = 0;
  return {
    ...guarded,
    now() {
      try {
        last = toTime(clock.now()) ?? last;
      } catch {
        // As if it had shown no time.
      }
      return last;
    },
    monotonic() {
      lastMonotonic = guarded.monotonic() || lastMonotonic;
      return lastMonotonic;
    },
  };
}
