// The key of an execution: its time in ms, then the tail of its id. So rows are in order of time, time windows are ranges of the
// key, and a repeated delivery conflicts with the first, without an index for either.

/** 2²¹ executions can share a ms; the time's 42 bits last until the year 2109. */
export const tailBits = 21;
const tailMask = (1 << tailBits) - 1;
/** The last ms that a key can hold. */
export const latestMs: number = 2 ** (63 - tailBits) - 1;

/** The last bits of a 16-byte id. UUIDs of version 7 may count up there within a ms, so keys rise, too. */
export function tailOf(id: Uint8Array): number {
  const byte = (at: number): number => id[at] as number;
  return ((byte(13) << 16) | (byte(14) << 8) | byte(15)) & tailMask;
}

/** The next tail to try if another execution of the same ms has this one. */
export function nextTail(tail: number): number {
  return (tail + 1) & tailMask;
}

/** Whether a time in ms fits into a key. */
export function isTime(at: number): boolean {
  return at >= 0 && at <= latestMs;
}

/** The first ms at or after a time that an execution can have. */
export function msFrom(at: number): number {
  return Math.min(Math.max(Math.ceil(at), 0), latestMs);
}

/** The first key that an execution at or after a time can have. */
export function firstKey(at: number): bigint {
  return BigInt(msFrom(at)) << BigInt(tailBits);
}
