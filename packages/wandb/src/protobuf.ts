/** Encodes one protobuf message at a time: the few wire types that the transaction log needs. */
export interface ProtoWriter {
  /** A whole number, negative ones too; 0 is left out, as proto3 does. */
  int(field: number, value: number): void;
  flag(field: number, value: boolean): void;
  /** '' and undefined are left out. */
  text(field: number, value: string | undefined): void;
  /** A message that begins with `head`, the bytes of which are ready, and ends with a text, of which the tag is part of `head`. */
  entry(field: number, head: Uint8Array, text: string): void;
  /** Begins a message; what is written up to `close` is in it. */
  open(field: number): number;
  close(start: number): void;
  /** Always there, also when `write` writes nothing. */
  message(field: number, write: () => void): void;
  /** The bytes since the last `take`; good until the next call of any method. */
  take(): Uint8Array;
}

export function createProtoWriter(): ProtoWriter {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
      buffer.copy(larger, 0, 0, at);
      buffer = larger;
    }
  }

  function varint(value: number): void {
    while (value > 127) {
      buffer[at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    buffer[at++] = value;
  }

  /** Writes a short text that is ASCII; a call into the system takes longer than that. */
  function ascii(text: string): boolean {
    if (text.length > 64) {
      return false;
    }
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 127) {
        return false;
      }
      buffer[at + index] = unit;
    }
    at += length;
    return true;
  }

  function negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) {
      buffer[at++] = Number(rest & 127n) | 128;
    }
    buffer[at++] = Number(rest);
  }

  function open(field: number): number {
    reserve(20);
    varint(field * 8 + 2);
    at += 1;
    return at;
  }

  /** Writes the length of what begins at `start`, in front of it. */
  function prefixLength(start: number): void {
    const length = at - start;
    if (length < 128) {
      buffer[start - 1] = length;
      return;
    }
    const more = length < 16_384 ? 1 : length < 2_097_152 ? 2 : length < 268_435_456 ? 3 : 4;
    reserve(more);
    buffer.copyWithin(start + more, start, at);
    at = start - 1;
    varint(length);
    at = start + more + length;
  }

  return {
    int(field, value) {
      if (value !== 0) {
        reserve(20);
        varint(field * 8);
        if (value < 0) {
          negative(value);
        } else {
          varint(value);
        }
      }
    },
    flag(field, value) {
      if (value) {
        reserve(20);
        varint(field * 8);
        buffer[at++] = 1;
      }
    },
    text(field, value) {
      if (value !== undefined && value !== '') {
        reserve(20 + value.length * 3);
        varint(field * 8 + 2);
        const start = ++at;
        at += buffer.write(value, start, 'utf8');
        prefixLength(start);
      }
    },
    // Written for speed: a row of a run's history has a dozen of them.
    entry(field, head, text) {
      const headLength = head.length;
      reserve(40 + headLength + text.length * 3);
      varint(field * 8 + 2);
      const start = ++at;
      for (let index = 0; index < headLength; index += 1) {
        buffer[at + index] = head[index] as number;
      }
      at += headLength;
      const textStart = ++at;
      if (!ascii(text)) {
        at = textStart + buffer.write(text, textStart, 'utf8');
      }
      prefixLength(textStart);
      prefixLength(start);
    },
    open,
    close: prefixLength,
    message(field, write) {
      const start = open(field);
      write();
      prefixLength(start);
    },
    take() {
      const bytes = buffer.subarray(0, at);
      at = 0;
      return bytes;
    },
  };
}

/** One field of bytes. */
export function lengthDelimited(tag: number, bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>= 7) {
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.of(tag, ...length, rest), bytes]);
}
