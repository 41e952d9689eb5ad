/** Deeper data is refused, because recursion is limited here and at the service. */
const maxDepth = 100;

/** Objects that would become empty ones, and what to do instead. */
const notData = [
  [Promise, 'a promise: await it'],
  [Map, 'a Map: use Object.fromEntries()'],
  [Set, 'a Set: use a list'],
  [Error, 'an Error: use its message'],
  [ArrayBuffer, 'an ArrayBuffer: use a Uint8Array'],
] as const;

/**
 * Returns the value as JSON. NaN and the infinities become bare tokens, which the service accepts, and a BigInt its digits.
 * Undefined for values that JSON cannot hold (a function, a symbol, undefined).
 * @throws TypeError for a cycle, more than 100 levels, a promise, a Map and the like; whatever a getter or a `toJSON` throws.
 */
export function jsonText(value: unknown, depth = 0): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value, depth);
    default:
      return undefined;
  }
}

function objectText(value: object, depth: number): string | undefined {
  if (depth >= maxDepth) {
    throw new TypeError(`must not be cyclic, nor nested more than ${maxDepth} levels deep`);
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return jsonText(value.toJSON(), depth + 1);
  }
  const [, problem] = notData.find(([type]) => value instanceof type) ?? [];
  if (problem !== undefined) {
    throw new TypeError(`must not be ${problem}`);
  }
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value)) {
    const items = Array.from(value as Iterable<unknown>, (item) => jsonText(item, depth + 1) ?? 'null');
    return `[${items.join()}]`;
  }
  const fields: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    const text = jsonText(item, depth + 1);
    if (text !== undefined) {
      fields.push(`${JSON.stringify(key)}:${text}`);
    }
  }
  return `{${fields.join()}}`;
}

/** Escapes a string for JSON, without the quotes around it. */
export function escapeText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Parses JSON, also with bare NaN or Infinity tokens, which become null. Undefined if it is not JSON. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) => (part[0] === '"' ? part : 'null')),
      );
    } catch {
      return undefined;
    }
  }
}

export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses JSON that should hold an object; anything else gives an empty one. */
export function parseObject(text: unknown): { readonly [key: string]: unknown } {
  const value = parseJson(text);
  return isObject(value) ? value : {};
}
