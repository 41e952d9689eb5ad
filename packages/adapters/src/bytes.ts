import { types } from 'node:util';

/**
 * How many bytes of UTF-8 a text has, how many a value has as JSON, or how many a typed array holds. Undefined for what is none of
 * these, such as a stream. Never throws.
 */
export function bytesOf(value: unknown): number | undefined {
  if (typeof value === 'string') {
    return Buffer.byteLength(value);
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return value.byteLength;
  }
  try {
    return isData(value) ? Buffer.byteLength(JSON.stringify(value)) : undefined;
  } catch {
    return undefined;
  }
}

function isData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return value === null || typeof value === 'number' || typeof value === 'boolean';
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null || 'toJSON' in value;
}
