// The encoding of roll-ups in blobs: whole numbers take as many bytes as they need, most of them one or two.

export interface ByteWriter {
  /** Writes a whole number from 0 to 2⁵³. */
  whole(value: number): void;
  /** Writes a whole number of either sign, less than 2⁵² in size. */
  signed(value: number): void;
  /** Writes any number; compact if it is whole, not negative and less than 2⁵². */
  number(value: number): void;
  bytes(values: Uint8Array): void;
  take(): Uint8Array;
}

export function byteWriter(): ByteWriter {
  let bytes = Buffer.allocUnsafe(1024);
  let view = viewOf(bytes);
  let length = 0;

  function reserve(size: number): void {
    if (length + size > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, length + size));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
      view = viewOf(bytes);
    }
  }

  function whole(value: number): void {
    reserve(8);
    let rest = value;
    while (rest >= 2 ** 31) {
      bytes[length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    // Bit shifts are faster, but limited to 32 bits.
    while (rest >= 0x80) {
      bytes[length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[length++] = rest;
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
      view.setFloat64(length, value, true);
      length += 8;
    },
    bytes(values) {
      reserve(values.length);
      bytes.set(values, length);
      length += values.length;
    },
    take() {
      const taken = bytes.subarray(0, length);
      bytes = Buffer.allocUnsafe(1024);
      view = viewOf(bytes);
      length = 0;
      return taken;
    },
  };
}

export interface ByteReader {
  whole(): number;
  signed(): number;
  number(): number;
  /** Returns a view, not a copy. */
  bytes(length: number): Uint8Array;
  done(): boolean;
}

export function byteReader(bytes: Buffer): ByteReader {
  const view = viewOf(bytes);
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
      return view.getFloat64(at - 8, true);
    },
    bytes(length) {
      at += length;
      return bytes.subarray(at - length, at);
    },
    done: () => at >= bytes.length,
  };
}

/** A `DataView` reads and writes numbers several times as fast as a `Buffer`. */
function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
