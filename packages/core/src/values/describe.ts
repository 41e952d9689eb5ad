import { isPromise } from 'node:util/types';

/** True for an object with fields: no array, and no promise, which must be awaited first. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value);
}

/** Describes a refused value. Swallows the rejection of a refused promise, which nobody else would handle. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return quote(value);
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  if (isPromise(value)) {
    value.catch(() => {});
    return 'a promise: await it';
  }
  if (isObject(value)) {
    return value instanceof Date ? 'a Date' : 'an object';
  }
  return ['function', 'symbol', 'bigint'].includes(typeof value) ? `a ${typeof value}` : String(value);
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

export function eventCount(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}
