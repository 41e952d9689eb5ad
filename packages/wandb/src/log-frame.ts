import { crc32 } from 'node:zlib';

const blockBytes = 32_768;
const headerBytes = 7;
const full = 1;
const first = 2;
const middle = 3;
const last = 4;

/** What a transaction log begins with: `:W&B`, a magic number, version 0. The blocks count from its first byte. */
export const logHeader: Uint8Array = Uint8Array.of(0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00);

/** Collects records as the bytes of a transaction log, from this position in the file on. */
export interface LogFrames {
  add(record: Uint8Array): void;
  /** What was added since the last `take`, to be written where that ended. */
  take(): Buffer;
}

/** Frames records as LevelDB's log format does, with a plain CRC-32 over type and payload. */
export function createLogFrames(position: number): LogFrames {
  let end = position;
  let buffer = Buffer.allocUnsafe(64 * 1024);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
      buffer.copy(larger, 0, 0, at);
      buffer = larger;
    }
  }

  function chunk(type: number, payload: Uint8Array): void {
    const start = at;
    buffer[start + 6] = type;
    buffer.set(payload, start + headerBytes);
    at += headerBytes + payload.length;
    buffer.writeUInt32LE(crc32(buffer.subarray(start + 6, at)), start);
    buffer.writeUInt16LE(payload.length, start + 4);
    end += headerBytes + payload.length;
  }

  return {
    add(record) {
      const pieces = Math.ceil(record.length / (blockBytes - headerBytes)) + 2;
      reserve(record.length + pieces * headerBytes * 2);
      let done = 0;
      let started = false;
      for (;;) {
        let room = blockBytes - (end % blockBytes);
        if (room < headerBytes) {
          buffer.fill(0, at, at + room);
          at += room;
          end += room;
          room = blockBytes;
        }
        const length = Math.min(room - headerBytes, record.length - done);
        const isLast = done + length === record.length;
        const type = started ? (isLast ? last : middle) : isLast ? full : first;
        chunk(type, type === full ? record : record.subarray(done, done + length));
        started = true;
        done += length;
        if (isLast) {
          return;
        }
      }
    },
    take() {
      const bytes = Buffer.from(buffer.subarray(0, at));
      at = 0;
      return bytes;
    },
  };
}
