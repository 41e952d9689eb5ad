/** Up to this length, a loop is faster than a call of `set`. */
const maxLoopBytes = 40;

/** Copies `source` to `at`, and returns the end position. */
export function copyInto(bytes: Uint8Array, at: number, source: Uint8Array): number {
  const { length } = source;
  if (length > maxLoopBytes) {
    bytes.set(source, at);
  } else {
    for (let index = 0; index < length; index += 1) {
      bytes[at + index] = source[index] as number;
    }
  }
  return at + length;
}

/** Returns the buffer or, if it has no room for `bytes` after the first `used`, a larger one that begins with these. */
export function withRoom(buffer: Buffer<ArrayBuffer>, used: number, bytes: number): Buffer<ArrayBuffer> {
  if (used + bytes <= buffer.length) {
    return buffer;
  }
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes));
  buffer.copy(larger, 0, 0, used);
  return larger;
}
