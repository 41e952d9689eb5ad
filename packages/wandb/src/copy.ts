/** Shorter than a call into the engine takes to begin. */
const maxLoopBytes = 40;

/** Copies all of `source` to `at`, and returns where it ends. */
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
