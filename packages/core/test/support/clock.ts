import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/client.ts';

/** Lets everything run that waits for a promise only. */
export async function turn(): Promise<void> {
  await setImmediate();
}

export interface TestClock extends Clock {
  /** Lets `ms` pass; timers fire in the order in which they are due, promises are served between them. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an administrator does. */
  setWall(unixMs: number): void;
  /** Delays of the timers that wait, in the order they were set. */
  readonly timers: readonly { readonly dueInMs: number; readonly keepsAlive: boolean }[];
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
  keepsAlive: boolean;
}

/** A clock that moves only when told to. It starts at 2026-01-01T00:00:00Z. */
export function testClock(): TestClock {
  let wallMs = Date.UTC(2026, 0, 1);
  let elapsedMs = 0;
  const timers = new Set<Timer>();

  function moveTo(moment: number): void {
    wallMs += moment - elapsedMs;
    elapsedMs = moment;
  }

  return {
    now: () => wallMs,
    monotonic: () => elapsedMs,
    setTimeout(callback, delayMs) {
      const timer: Timer = { due: elapsedMs + delayMs, callback, keepsAlive: true };
      timers.add(timer);
      return Object.assign(timer, {
        unref() {
          timer.keepsAlive = false;
        },
      });
    },
    clearTimeout(timer) {
      timers.delete(timer as Timer);
    },
    setWall(unixMs) {
      wallMs = unixMs;
    },
    get timers() {
      return [...timers].map(({ due, keepsAlive }) => ({ dueInMs: due - elapsedMs, keepsAlive }));
    },
    async advance(ms) {
      const end = elapsedMs + ms;
      await turn();
      for (;;) {
        const [next] = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
        if (next === undefined) {
          break;
        }
        timers.delete(next);
        moveTo(Math.max(elapsedMs, next.due));
        next.callback();
        await turn();
      }
      moveTo(end);
    },
  };
}
