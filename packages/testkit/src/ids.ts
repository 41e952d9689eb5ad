import { show } from './matchers.ts';

/** 2026-01-01T00:00:00Z: the timestamp of deterministic ids, and the default start of a fake clock. */
export const startOfTests: number = Date.UTC(2026, 0, 1);

/**
 * Returns a function that makes the same ids in every run: valid version 7 UUIDs in ascending order. `series` is a whole
 * number from 0 to 4095. Two series share no id; the event builders use 4095.
 */
export function deterministicIds(series = 0): () => string {
  if (!Number.isInteger(series) || series < 0 || series > 0xfff) {
    throw new RangeError(`series must be a whole number from 0 to 4095, got ${show(series)}`);
  }
  const time = startOfTests.toString(16).padStart(12, '0');
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${series.toString(16).padStart(3, '0')}-8000-`;
  let made = 0;
  return () => {
    made += 1;
    return head + made.toString(16).padStart(12, '0');
  };
}
