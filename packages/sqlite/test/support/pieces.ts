import fc from 'fast-check';

/** The same in pieces, cut at any places. */
export function cut<T extends string | Uint8Array>(whole: T, places: readonly number[]): T[] {
  const ends = [...places.map((place) => place % (whole.length + 1)), whole.length].sort((one, other) => one - other);
  return ends.map((end, at) => whole.slice(ends[at - 1] ?? 0, end) as T);
}

export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });
