import type { JsonValue } from '../events/event.ts';

/** 16 KiB in UTF-8, for attributes, run configurations and summaries. */
export const maxJsonBytes: number = 16 * 1024;
/** Stores and parsers have bounds of their own, from a thousand levels on. */
export const maxJsonDepth = 100;

// In JSON text a lone surrogate and most control characters can only stand as an escape; an escaped backslash is no escape
// of theirs. Tabs and line breaks stay.
const unsafe = /\\\\|\\u(?:d[89a-f][0-9a-f]{2}|00[01][0-9a-f])|\\[bf]|[\u007f-\u009f]/gi;

/**
 * What JSON can hold of an object, as text that is safe to store anywhere.
 * @throws TypeError for a cycle, a BigInt or no object; whatever a `toJSON` or a getter throws.
 */
export function safeJson(object: object): string {
  const text = JSON.stringify(object);
  if (text === undefined || text[0] !== '{') {
    throw new TypeError('must be an object');
  }
  return text.replace(unsafe, (found) => (found === '\\\\' ? found : '\ufffd'));
}

/** True when nothing in it lies more than `levels` objects or lists deep. */
export function isNestedWithin(value: JsonValue, levels: number): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (levels > 0 && Object.values(value).every((item) => isNestedWithin(item, levels - 1)))
  );
}
