import { types } from 'node:util';

/**
 * The bytes of a text in UTF-8, of a value as JSON, or of a typed array. Undefined for anything else, such as a stream. Never
 * throws.
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

/** Of the values that have a size; undefined if none has. */
export function sumOfBytes(values: readonly unknown[]): number | undefined {
  const sizes = values.map(bytesOf).filter((size) => size !== undefined);
  return sizes.length === 0 && values.length > 0 ? undefined : sizes.reduce((total, size) => total + size, 0);
}

function isData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return value === null || typeof value === 'number' || typeof value === 'boolean';
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null || 'toJSON' in value;
}
