import { withRoom } from './copy.ts';

/** Encodes one protobuf message at a time, with the few wire types that the transaction log needs. */
export interface ProtoWriter {
  /** Writes a whole number, which may be negative; 0 is left out, as in proto3. */
  int(field: number, value: number): void;
  flag(field: number, value: boolean): void;
  /** '' and undefined are left out. */
  text(field: number, value: string | undefined): void;
  /** Begins a nested message, which `close` ends. */
  open(field: number): number;
  close(start: number): void;
  /** Writes a nested message, even if `write` writes nothing. */
  message(field: number, write: () => void): void;
  /** Returns the bytes since the last `take`, which are valid until the next call of any method. */
  take(): Uint8Array;
}

export function createProtoWriter(): ProtoWriter {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let at = 0;

  function reserve(bytes: number): void {
    buffer = withRoom(buffer, at, bytes);
  }

  function varint(value: number): void {
    at = writeVarint(buffer, at, value);
  }

  /** Writes the string if it is short and ASCII, and returns whether it did: faster than a native call. */
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

  /** Inserts the length of the bytes from `start` on before them. */
  function prefixLength(start: number): void {
    const length = at - start;
    if (length < 128) {
      buffer[start - 1] = length;
      return;
    }
    const more = varintBytes(length) - 1;
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
        if (!ascii(value)) {
          at = start + buffer.write(value, start, 'utf8');
        }
        prefixLength(start);
      }
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
  return Buffer.concat([Buffer.of(tag), lengthOf(bytes.length), bytes]);
}

/** A length as the prefix of a field. */
export function lengthOf(length: number): Uint8Array {
  const bytes = new Uint8Array(varintBytes(length));
  writeVarint(bytes, 0, length);
  return bytes;
}

/** Writes a whole number >= 0, and returns the end position. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) {
    bytes[end++] = (rest % 128) | 128;
  }
  bytes[end++] = rest;
  return end;
}

/** Number of bytes that `writeVarint` writes. */
export function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) {
    count += 1;
  }
  return count;
}

export const maxVarintBytes: number = varintBytes(Number.MAX_SAFE_INTEGER);
