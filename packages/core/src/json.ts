import type { JsonObject } from './event.ts';

/** 16 KiB, for attributes, run configurations and summaries. */
export const maxJsonBytes: number = 16 * 1024;

// In JSON text a lone surrogate or a control character can only stand as an escape; an escaped backslash is no escape of theirs.
const unsafeEscape = /\\\\|\\u(?:d[89a-f][0-9a-f]{2}|00[01][0-9a-f])/gi;

export interface JsonCopy {
  readonly value: JsonObject;
  /** Length of the JSON text. */
  readonly length: number;
}

/**
 * A copy of what JSON can hold of an object, safe to store anywhere.
 * @throws TypeError for a cycle, a BigInt or no object; whatever a `toJSON` or a getter throws.
 */
export function copyJson(object: object): JsonCopy {
  const text = JSON.stringify(object);
  if (text === undefined || text[0] !== '{') {
    throw new TypeError('must be an object');
  }
  const safe = text.replace(unsafeEscape, (found) => (found === '\\\\' ? found : '\\ufffd'));
  return { value: JSON.parse(safe), length: safe.length };
}
