import type { Clock } from '../../packages/core/src/index.ts';

/** A clock that runs `factor` times as fast. Network traffic takes as long as ever. */
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
