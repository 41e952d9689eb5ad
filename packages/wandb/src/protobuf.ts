/** Encodes one protobuf message at a time: the few wire types that the transaction log needs. */
export interface ProtoWriter {
  /** A whole number, negative ones too; 0 is left out, as proto3 does. */
  int(field: number, value: number): void;
  flag(field: number, value: boolean): void;
  /** '' and undefined are left out. */
  text(field: number, value: string | undefined): void;
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

  function negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) {
      buffer[at++] = Number(rest & 127n) | 128;
    }
    buffer[at++] = Number(rest);
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
    message(field, write) {
      reserve(20);
      varint(field * 8 + 2);
      const start = ++at;
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
