import { requiredNumber } from './values/check.ts';

const belowOne = 1 - Number.EPSILON / 2;

/** Chance from the user's source, and from the machine's where that fails or gives something else than 0 <= x < 1. */
export function guardedRandom(random: () => number): () => number {
  return () => {
    try {
      return requiredNumber(random(), 'random', 0, belowOne, false);
    } catch {
      return Math.random();
    }
  };
}
