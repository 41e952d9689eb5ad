import { escapeText, jsonText } from '../json-text.ts';
import { copyInto, enlarged } from './copy.ts';
import { maxNumberBytes, writeNumber } from './digits.ts';

/** The whole summary of a run as a JSON text inside a JSON text, with the quotes around it, each time anew. */
export interface SummaryWriter {
  /** @param changes to what `summary` holds; undefined takes a key out. */
  write(summary: ReadonlyMap<string, unknown>, changes: ReadonlyMap<string, unknown>): Uint8Array;
}

const startBytes = 16 * 1024;

/** Straight into bytes, as there are thousands of keys, most of them with a number, and they are sent with every batch. */
export function createSummaryWriter(): SummaryWriter {
  /** Keys with their colon: they are the same each time. */
  const keys = new Map<string, Uint8Array>();
  let buffer = Buffer.allocUnsafe(startBytes);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes > buffer.length) {
      buffer = enlarged(buffer, at, bytes);
    }
  }

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
    // Also for what stands around it.
    reserve(head.length + (tail?.length ?? maxNumberBytes) + 4);
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
