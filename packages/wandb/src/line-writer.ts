import { escapeText, type Shape } from './batch.ts';

/** Collects rows as lines of JSON, each of them a JSON text, with commas between. */
export interface LineWriter {
  /** Adds the row of which the values begin at `from`; returns how many bytes it took, without what stands around a line. */
  add(shape: Shape, values: readonly (number | string)[], from: number): number;
  /** Takes the last line out again; `bytes` is what `add` returned. */
  undo(bytes: number): Uint8Array;
  /** What was added since the last `take`. */
  take(): Uint8Array<ArrayBuffer>;
}

const maxKnown = 1_000;
const maxKnownLength = 100;

/** Straight into bytes: texts of a dozen pieces each would have to be put together, encoded and collected as garbage. */
export function createLineWriter(): LineWriter {
  let buffer = Buffer.alloc(64 * 1024);
  let at = 0;
  /** Texts that come again and again, like outcomes of executions. */
  const known = new Map<string, string>();
  /** Where the last line begins, with its comma. */
  let lastStart = 0;

  function reserve(bytes: number): void {
    if (at + bytes > buffer.length) {
      const larger = Buffer.alloc(Math.max(buffer.length * 2, at + bytes));
      buffer.copy(larger, 0, 0, at);
      buffer = larger;
    }
  }

  function escaped(text: string): string {
    let found = known.get(text);
    if (found === undefined) {
      found = escapeText(text);
      if (text.length < maxKnownLength && known.size < maxKnown) {
        known.set(text, found);
      }
    }
    return found;
  }

  function addNumber(value: number): void {
    const text = `${value}`;
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      buffer[at + index] = text.charCodeAt(index);
    }
    at += length;
  }

  return {
    add({ escaped: heads }, values, from) {
      reserve(4);
      lastStart = at;
      if (at > 0) {
        buffer[at++] = 44;
      }
      buffer[at++] = 34;
      const start = at;
      for (let index = 0; index < heads.length; index += 1) {
        const head = heads[index] as Uint8Array;
        const headLength = head.length;
        reserve(headLength + 40);
        for (let byte = 0; byte < headLength; byte += 1) {
          buffer[at + byte] = head[byte] as number;
        }
        at += headLength;
        const value = values[from + index] as number | string;
        if (typeof value === 'number') {
          addNumber(value);
        } else {
          const text = escaped(value);
          reserve(text.length * 3 + 40);
          at += buffer.write(text, at, 'utf8');
        }
      }
      buffer[at++] = 125;
      const end = at;
      buffer[at++] = 34;
      return end - start;
    },
    undo(bytes) {
      const line = buffer.subarray(at - 1 - bytes, at - 1);
      at = lastStart;
      return line;
    },
    take() {
      const bytes = new Uint8Array(at);
      bytes.set(buffer.subarray(0, at));
      at = 0;
      return bytes;
    },
  };
}
