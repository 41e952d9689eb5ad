/**
 * Returns a function that makes UUIDv7 strings (RFC 9562, section 5.7) from whole Unix times in ms. They sort in the order in
 * which they were made. Within a millisecond, the last two bytes count up from a random start (section 6.2, method 2); if the
 * clock stands still or runs backwards, ids continue from the latest time.
 */
export function uuidV7Source(): (nowMs: number) => string {
  const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
  /** Filled in bulk, as getting random values takes longer than all the rest. */
  const random = new Uint16Array(512);
  let used = random.length;
  /** The first id of the latest row, written digit by digit: concatenating strings would take several times as long. */
  const first = Buffer.alloc(36, '-');
  let time = -1;
  let counter = 0xffff;
  /** All but the last byte of that id; the other ids of the row share it, which keeps them small. */
  let stem = '';

  function random16(): number {
    if (used === random.length) {
      crypto.getRandomValues(random);
      used = 0;
    }
    used += 1;
    return random[used - 1] as number;
  }

  /** Writes the lowest 16 bits of a number as four hex digits. */
  function write(value: number, at: number): void {
    for (let digit = 0; digit < 4; digit += 1) {
      first[at + digit] = '0123456789abcdef'.charCodeAt((value >> (12 - 4 * digit)) & 0xf);
    }
  }

  function startMillisecond(nowMs: number): string {
    time = nowMs;
    write(nowMs / 2 ** 32, 0);
    write(nowMs / 2 ** 16, 4);
    write(nowMs, 9);
    write((random16() & 0xfff) | 0x7000, 14);
    write((random16() & 0x3fff) | 0x8000, 19);
    write(random16(), 24);
    write(random16(), 28);
    // Leaves half of the range to count up.
    return startRow(random16() & 0x7fff);
  }

  function startRow(count: number): string {
    counter = count;
    write(count, 32);
    // A flat string, not a tree of parts, so that an id that is alone in its millisecond takes no more memory.
    const id = first.toString('latin1');
    stem = id.slice(0, -2);
    return id;
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

/** Returns the UUID in lower case, or undefined if the value is not a UUID. */
export function parseUuid(value: unknown): string | undefined {
  const lower = typeof value === 'string' ? value.toLowerCase() : '';
  return uuidPattern.test(lower) ? lower : undefined;
}
