import { isPromise } from 'node:util/types';

/** A short description that runs no code of the value's. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return quote(value);
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  if (typeof value === 'object' && value !== null) {
    // The usual mistake with what is to be awaited first.
    return isPromise(value) ? 'a promise: await it' : 'an object';
  }
  return ['function', 'symbol', 'bigint'].includes(typeof value) ? `a ${typeof value}` : String(value);
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
