// The key of an execution: its time in ms, then a tail of its id. Rows are thus in order of time, windows of time are ranges of
// the key, and what is delivered twice meets itself; where others spend an index on each.

/** 2²¹ executions can share a ms; the time's 42 bits last until the year 2109. */
export const tailBits = 21;
const tailMask = (1 << tailBits) - 1;
/** The last ms that a key can hold. */
export const latestMs: number = 2 ** (63 - tailBits) - 1;

/** The last bits of an id of 16 bytes. Ids of version 7 count up there within a ms: keys rise, too. */
export function tailOf(id: Uint8Array): number {
  const byte = (at: number): number => id[at] as number;
  return ((byte(13) << 16) | (byte(14) << 8) | byte(15)) & tailMask;
}

/** Where to look next when another execution of the same ms has the tail. */
export function nextTail(tail: number): number {
  return (tail + 1) & tailMask;
}

/** Whether a time in ms fits into a key. */
export function isTime(at: number): boolean {
  return at >= 0 && at <= latestMs;
}

/** The nearest ms from a time on that an execution can have. */
export function msFrom(at: number): number {
  return Math.min(Math.max(Math.ceil(at), 0), latestMs);
}

/** The first key that an execution from a time on can have. */
export function firstKey(at: number): bigint {
  return BigInt(msFrom(at)) << BigInt(tailBits);
}
