import type { Clock } from '../../packages/core/src/index.ts';

/** A clock on which everything happens so many times sooner; what comes over a connection takes as long as ever. */
export function fastClock(factor: number): Clock {
  const started = Date.now();
  const monotonic = (): number => performance.now() * factor;
  const origin = monotonic();
  return {
    now: () => Math.floor(started + monotonic() - origin),
    monotonic,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / factor),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
}
