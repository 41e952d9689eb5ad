import { onTestFinished } from 'vitest';

/** The reasons of rejections that nobody handles, until the end of the test: outside of one, the first ends the process. */
export function noteUnhandled(): readonly unknown[] {
  const reasons: unknown[] = [];
  const note = (reason: unknown): void => void reasons.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return reasons;
}
