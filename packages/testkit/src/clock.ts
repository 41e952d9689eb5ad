// Imported, so that it stays real when a test runner fakes the global one.
import { setImmediate } from 'node:timers';
import type { Clock } from '@toolweaver/analytics-core';
import { startOfTests } from './ids.ts';
import { show } from './matchers.ts';

/** Options of `fakeClock`. */
export interface FakeClockOptions {
  /** The time at which the clock starts, as Unix time in ms. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number | undefined;
}

/** A clock that moves only when a test advances it. */
export interface FakeClock extends Clock {
  /**
   * Advances the clock by `ms` (>= 0). Timers fire when they are due, earliest first. Pending promises get their turn before,
   * between and after them, so timers that are set on the way fire too. Rejects with what a timer throws.
   *
   * A call made while another is under way begins when that one is done. So may a timer's callback call it, and wait for it:
   * the time that it adds passes after that of the call which fired the timer.
   */
  advance(ms: number): Promise<void>;
  /** The number of pending timers. */
  readonly timers: number;
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** Returns a clock that a test controls, for `createAnalytics({ clock })`. */
export function fakeClock({ startAt = startOfTests }: FakeClockOptions = {}): FakeClock {
  if (!Number.isFinite(startAt)) {
    throw new RangeError(`startAt must be Unix time in ms, got ${show(startAt)}`);
  }
  let elapsed = 0;
  const waiting = new Map<unknown, Timer>();
  /** Resolves when the calls of `advance()` so far are done: each has an end of its own, and two at once would turn time back. */
  let earlier = Promise.resolve();

  function nextUntil(end: number): [handle: unknown, timer: Timer] | undefined {
    let next: [unknown, Timer] | undefined;
    // Of timers due at the same time the one set first fires first: a Map keeps insertion order.
    for (const entry of waiting) {
      if (entry[1].due <= end && (next === undefined || entry[1].due < next[1].due)) {
        next = entry;
      }
    }
    return next;
  }

  async function pass(ms: number): Promise<void> {
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
  }

  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    setTimeout(callback, delayMs) {
      const handle = { unref: () => handle };
      // At least 1 ms, as in Node: a timer that keeps setting itself again with 0 ms would never let time pass.
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
      const done = earlier.then(() => pass(ms));
      earlier = done.catch(() => {});
      return done;
    },
    get timers() {
      return waiting.size;
    },
  };
}

/** Resolves after one turn of the event loop, when every promise that can settle has settled. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
