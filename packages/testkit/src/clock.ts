// By name, so that they stay real when a test runner fakes the global ones.
import { setImmediate } from 'node:timers';
import type { Clock } from '@toolweaver/analytics-core';
import { startOfTests } from './ids.ts';
import { show } from './matchers.ts';

/** The time at which a fake clock starts. */
export interface FakeClockOptions {
  /** Unix time in ms. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number | undefined;
}

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` (>= 0) pass. Timers fire when they are due, earliest first; before, between and after them everything that
   * waits for a promise gets its turn, so timers that are set on the way fire too. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void>;
  /** How many timers are waiting. */
  readonly timers: number;
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** Time in a test's own hands, for `createAnalytics({ clock })`. */
export function fakeClock({ startAt = startOfTests }: FakeClockOptions = {}): FakeClock {
  if (!Number.isFinite(startAt)) {
    throw new RangeError(`startAt must be Unix time in ms, got ${show(startAt)}`);
  }
  let elapsed = 0;
  const waiting = new Map<unknown, Timer>();

  function nextUntil(end: number): [handle: unknown, timer: Timer] | undefined {
    let next: [unknown, Timer] | undefined;
    // Among equals the first one wins: a Map keeps the order in which they were set.
    for (const entry of waiting) {
      if (entry[1].due <= end && (next === undefined || entry[1].due < next[1].due)) {
        next = entry;
      }
    }
    return next;
  }

  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    setTimeout(callback, delayMs) {
      const handle = { unref: () => handle };
      // At least 1 ms, as in Node: a timer that sets itself again at 0 ms would never let time pass.
      waiting.set(handle, { due: elapsed + Math.max(1, Number.isNaN(delayMs) ? 1 : delayMs), callback });
      return handle;
    },
    clearTimeout(handle) {
      waiting.delete(handle);
    },
    async advance(ms) {
      if (!(Number.isFinite(ms) && ms >= 0)) {
        throw new RangeError(`ms must be a finite number >= 0, got ${show(ms)}`);
      }
      const end = elapsed + ms;
      await turn();
      for (let next = nextUntil(end); next !== undefined; next = nextUntil(end)) {
        const [handle, { due, callback }] = next;
        waiting.delete(handle);
        elapsed = due;
        callback();
        await turn();
      }
      elapsed = end;
    },
    get timers() {
      return waiting.size;
    },
  };
}

/** One turn of the event loop: every promise that can settle has done so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
