import type { JsonValue } from '../events/event.ts';

/** 16 KiB in UTF-8, for attributes, run configurations and summaries. */
export const maxJsonBytes: number = 16 * 1024;
/** Well below the limits of stores and parsers, which begin at a thousand levels. */
export const maxJsonDepth = 100;

// In JSON, lone surrogates and most control characters appear only as escapes. Escaped backslashes are matched as well, so that
// what follows one is not taken for an escape. Tabs and line breaks stay.
const unsafe = /\\\\|\\u(?:d[89a-f][0-9a-f]{2}|00[01][0-9a-f])|\\[bf]|[\u007f-\u009f]/gi;

/**
 * Serialises what JSON can hold of an object, to a string that is safe to store anywhere.
 * @throws TypeError for a cycle, a BigInt or no object; whatever a `toJSON` or a getter throws.
 */
export function safeJson(object: object): string {
  const text = JSON.stringify(object);
  if (text === undefined || text[0] !== '{') {
    throw new TypeError('must be an object');
  }
  return text.replace(unsafe, (found) => (found === '\\\\' ? found : '\ufffd'));
}

/** True if objects and arrays are nested at most `levels` deep. */
export function isNestedWithin(value: JsonValue, levels: number): boolean {
  return (
    typeof value !== 'object' ||
    value === null ||
    (levels > 0 && Object.values(value).every((item) => isNestedWithin(item, levels - 1)))
  );
}
