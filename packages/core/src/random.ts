import { requiredNumber } from './values/check.ts';

const belowOne = 1 - Number.EPSILON / 2;

/** Guards the user's `random`: if it throws or returns anything but 0 <= x < 1, `Math.random()` is used. */
export function guardedRandom(random: () => number): () => number {
  return () => {
    try {
      return requiredNumber(random(), 'random', 0, belowOne, false);
    } catch {
      return Math.random();
    }
  };
}
