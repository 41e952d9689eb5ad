import { withRoom } from './copy.ts';
import { crc32Of } from './crc32.ts';

const blockBytes = 32_768;
const headerBytes = 7;
const full = 1;
const first = 2;
const middle = 3;
const last = 4;

const startBytes = 64 * 1024;

/** Header of a transaction log: `:W&B`, a magic number, version 0. It is part of the first block. */
export const logHeader: Uint8Array = Uint8Array.of(0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00);

/** Encodes records as bytes of a transaction log, to be written at one position in the file. */
export interface LogFrames {
  add(record: Uint8Array): void;
  /** Position in the buffer where a record may be written in place, without a copy. */
  readonly start: number;
  /** Returns the buffer, with room for `bytes` from `end` on. It may be a new one, with the same content before `end`. */
  room(end: number, bytes: number): Buffer;
  /** Makes a record of the bytes from `start` up to `end`. */
  commit(end: number): void;
  /** Returns all bytes. The last call. */
  take(): Buffer<ArrayBuffer>;
}

/** Frames records like LevelDB's log format, with a plain CRC-32 over type and payload. `position` is that in the file. */
export function createLogFrames(position: number): LogFrames {
  let buffer = Buffer.allocUnsafe(startBytes);
  let at = 0;

  function room(end: number, bytes: number): Buffer {
    buffer = withRoom(buffer, end, bytes);
    return buffer;
  }

  /** Writes the header of a payload that is already in place. */
  function writeHeader(type: number, length: number): void {
    const end = at + headerBytes + length;
    buffer[at + 4] = length;
    buffer[at + 5] = length >>> 8;
    buffer[at + 6] = type;
    const sum = crc32Of(buffer, at + 6, end);
    buffer[at] = sum;
    buffer[at + 1] = sum >>> 8;
    buffer[at + 2] = sum >>> 16;
    buffer[at + 3] = sum >>> 24;
    at = end;
  }

  function add(record: Uint8Array): void {
    const pieces = Math.ceil(record.length / (blockBytes - headerBytes)) + 2;
    room(at, record.length + pieces * headerBytes * 2);
    let done = 0;
    let started = false;
    for (;;) {
      let left = blockBytes - ((position + at) % blockBytes);
      if (left < headerBytes) {
        buffer.fill(0, at, at + left);
        at += left;
        left = blockBytes;
      }
      const length = Math.min(left - headerBytes, record.length - done);
      const isLast = done + length === record.length;
      const type = started ? (isLast ? last : middle) : isLast ? full : first;
      buffer.set(type === full ? record : record.subarray(done, done + length), at + headerBytes);
      writeHeader(type, length);
      started = true;
      done += length;
      if (isLast) {
        return;
      }
    }
  }

  return {
    add,
    get start() {
      return at + headerBytes;
    },
    room,
    commit(end) {
      const length = end - at - headerBytes;
      if (length + headerBytes <= blockBytes - ((position + at) % blockBytes)) {
        writeHeader(full, length);
      } else {
        add(Uint8Array.prototype.slice.call(buffer, at + headerBytes, end));
      }
    },
    take: () => buffer.subarray(0, at),
  };
}
