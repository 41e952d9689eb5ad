import type { Clock } from './client.ts';

/** What a timer of Node can hold: about 25 days. A longer delay would fire at once, with a warning on stderr. */
const maxDelayMs = 2 ** 31 - 1;

/** The machine's time. Looked up at each call, so that a test's fake timers are honoured. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, maxDelayMs)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
