import { escapeText, jsonText } from '../json-text.ts';
import { copyInto, withRoom } from './copy.ts';
import { maxNumberBytes, writeNumber } from './digits.ts';

/** Writes the whole summary of a run as JSON inside a JSON string, including its quotes. */
export interface SummaryWriter {
  /** @param changes applied to `summary`; undefined removes a key. */
  write(summary: ReadonlyMap<string, unknown>, changes: ReadonlyMap<string, unknown>): Uint8Array;
}

const startBytes = 16 * 1024;

/** Writes bytes directly: there may be thousands of keys, mostly with numbers, and every batch sends all of them. */
export function createSummaryWriter(): SummaryWriter {
  /** Cache of encoded keys with their colon. */
  const keys = new Map<string, Uint8Array>();
  let buffer = Buffer.allocUnsafe(startBytes);
  let at = 0;

  function keyBytes(key: string): Uint8Array {
    let bytes = keys.get(key);
    if (bytes === undefined) {
      bytes = Buffer.from(escapeText(`${JSON.stringify(key)}:`));
      keys.set(key, bytes);
    }
    return bytes;
  }

  function add(key: string, value: unknown): void {
    const isNumber = typeof value === 'number';
    const text = isNumber ? undefined : jsonText(value);
    if (!isNumber && text === undefined) {
      return;
    }
    const head = keyBytes(key);
    const tail = text === undefined ? undefined : Buffer.from(escapeText(text));
    // Includes room for the characters around it.
    buffer = withRoom(buffer, at, head.length + (tail?.length ?? maxNumberBytes) + 4);
    if (at > 2) {
      buffer[at++] = 44;
    }
    at = copyInto(buffer, at, head);
    at = tail === undefined ? writeNumber(buffer, at, value as number) : copyInto(buffer, at, tail);
  }

  return {
    write(summary, changes) {
      buffer[0] = 34;
      buffer[1] = 123;
      at = 2;
      for (const [key, value] of summary) {
        const change = changes.get(key);
        add(key, change === undefined && !changes.has(key) ? value : change);
      }
      for (const [key, value] of changes) {
        if (!summary.has(key)) {
          add(key, value);
        }
      }
      buffer[at++] = 125;
      buffer[at++] = 34;
      return Uint8Array.prototype.slice.call(buffer, 0, at);
    },
  };
}
