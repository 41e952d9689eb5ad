// How roll-ups are kept in blobs: whole numbers take as many bytes as they need, most of them one or two.

export interface ByteWriter {
  /** Whole, from 0 up to 2⁵³. */
  whole(value: number): void;
  /** Whole, of either sign, of less than 2⁵² in size. */
  signed(value: number): void;
  /** Any number; small when it is whole, not negative, and of less than 2⁵². */
  number(value: number): void;
  take(): Uint8Array;
}

export function byteWriter(): ByteWriter {
  let bytes = Buffer.allocUnsafe(1024);
  let length = 0;

  function reserve(size: number): void {
    if (length + size > bytes.length) {
      const larger = Buffer.allocUnsafe(bytes.length * 2);
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
  }

  function whole(value: number): void {
    reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      bytes[length] = (rest % 0x80) | 0x80;
      length += 1;
      rest = Math.floor(rest / 0x80);
    }
    bytes[length] = rest;
    length += 1;
  }

  return {
    whole,
    signed: (value) => whole(value < 0 ? -2 * value - 1 : 2 * value),
    number(value) {
      if (Number.isInteger(value) && value >= 0 && value < 2 ** 52) {
        whole(2 * value);
        return;
      }
      whole(1);
      reserve(8);
      length = bytes.writeDoubleLE(value, length);
    },
    take() {
      const taken = bytes.subarray(0, length);
      bytes = Buffer.allocUnsafe(1024);
      length = 0;
      return taken;
    },
  };
}

export interface ByteReader {
  whole(): number;
  signed(): number;
  number(): number;
  done(): boolean;
}

export function byteReader(bytes: Buffer): ByteReader {
  let at = 0;

  function whole(): number {
    let byte = bytes[at++] as number;
    let value = byte & 0x7f;
    for (let factor = 0x80; byte >= 0x80; factor *= 0x80) {
      byte = bytes[at++] as number;
      value += (byte & 0x7f) * factor;
    }
    return value;
  }

  return {
    whole,
    signed() {
      const value = whole();
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    },
    number() {
      const value = whole();
      if (value !== 1) {
        return value / 2;
      }
      at += 8;
      return bytes.readDoubleLE(at - 8);
    },
    done: () => at >= bytes.length,
  };
}
