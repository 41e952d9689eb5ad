import type { Clock } from './client.ts';
import { requiredNumber } from './values/check.ts';
import { describe } from './values/describe.ts';

/** The longest delay of a Node timer, about 25 days. A longer one would fire at once, with a warning on stderr. */
export const maxTimerMs: number = 2 ** 31 - 1;

/** The system's clock. Looks up the globals at each call, so that fake timers of a test take effect. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, maxTimerMs)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

const methods = ['now', 'monotonic', 'setTimeout', 'clearTimeout'] as const;

/** What is wrong with the option `clock`, as a message that follows its name; else undefined. */
export function clockProblem(clock: unknown): string | undefined {
  return clock === undefined || methods.every((method) => typeof Object(clock)[method] === 'function')
    ? undefined
    : `must have the methods ${methods.join(', ')}, got ${describe(clock)}`;
}

/**
 * Guards a clock of the user. If its `monotonic()` throws or returns no number, the time is NaN, and what needs a duration is refused.
 * Timers that it fails to set or clear are left to the system's clock.
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
        return clock.setTimeout(callback, Math.min(delayMs, maxTimerMs)) ?? {};
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

/** The last ms of the year 2099: a later time was meant in other units, such as microseconds. */
export const maxTime = 4_102_444_799_999;

/**
 * What is wrong with a Unix time in ms that looks like seconds (of 2001 to 2286; in ms, January to April 1970), as a message that
 * follows its name; else undefined.
 */
export function secondsProblem(time: number): string | undefined {
  return time >= 1e9 && time < 1e10 ? `must be in milliseconds, got ${time}, which looks like seconds` : undefined;
}

/** Returns a time that an event may have, in whole ms; undefined for anything else. */
export function toTime(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= maxTime ? Math.trunc(value) : undefined;
}

/**
 * A clock for backends that always need a time; by default the system's. If the given clock's `now()` throws or returns a time
 * outside 1970 to 2099, its last valid one is returned (at first, the system's); if `monotonic()` fails, it stands still.
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
        // Like an invalid time.
      }
      return last;
    },
    monotonic() {
      lastMonotonic = guarded.monotonic() || lastMonotonic;
      return lastMonotonic;
    },
  };
}
