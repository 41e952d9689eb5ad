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

/** Returns a larger buffer with the first `used` bytes of this one, and room for `bytes` more. */
export function enlarged(buffer: Buffer<ArrayBuffer>, used: number, bytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes));
  buffer.copy(larger, 0, 0, used);
  return larger;
}
