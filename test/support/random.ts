export interface Random {
  /** A number from 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(choices: readonly T[]): T;
  /** A seed for another source, such as that of a case or another process. */
  seed(): number;
}

/** Mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function whole(): number {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const next = (): number => whole() / 2 ** 32;
  const below = (end: number): number => Math.floor(next() * end);
  return { next, below, pick: (choices) => choices[below(choices.length)] as never, seed: whole };
}
