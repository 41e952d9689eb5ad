/**
 * Makes UUIDv7 strings (RFC 9562, section 5.7) that sort in the order they were made, from whole Unix times in ms. Within a
 * millisecond the last two bytes count up from a random start (section 6.2, method 2); when the clock stands still or runs
 * backwards, ids go on from the latest time given.
 */
export function uuidV7Source(): (nowMs: number) => string {
  const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
  let time = -1;
  let counter = 0xffff;
  /** All but the last two bytes. */
  let head = '';
  /** All but the last byte of the first id of a row: the others share it, which keeps them small. */
  let stem = '';

  function startMillisecond(nowMs: number): string {
    time = nowMs;
    const stamp = nowMs.toString(16).padStart(12, '0');
    // From its version on, a random UUID differs from what is wanted only in that version, 4.
    const random = crypto.randomUUID();
    head = `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${random.slice(15, 32)}`;
    // Half of the range is left to count up in.
    return startRow(Number.parseInt(random.slice(32), 16) & 0x7fff);
  }

  function startRow(count: number): string {
    counter = count;
    // Written and read back, so that it is one flat string instead of a tree of all its parts. An id that stays alone in its
    // millisecond takes no more memory than that.
    const first = Buffer.from(`${head}${count.toString(16).padStart(4, '0')}`, 'latin1').toString('latin1');
    stem = first.slice(0, -2);
    return first;
  }

  return (nowMs) => {
    if (nowMs > time) {
      return startMillisecond(nowMs);
    }
    if (counter === 0xffff) {
      return startMillisecond(time + 1);
    }
    if ((counter & 0xff) === 0xff) {
      return startRow(counter + 1);
    }
    counter += 1;
    return stem + hex[counter & 0xff];
  };
}

const uuidPattern = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The UUID in lower case, or undefined if the value is none. */
export function parseUuid(value: unknown): string | undefined {
  const lower = typeof value === 'string' ? value.toLowerCase() : '';
  return uuidPattern.test(lower) ? lower : undefined;
}
