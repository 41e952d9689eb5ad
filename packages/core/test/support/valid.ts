import type { AnalyticsEvent } from '../../src/index.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;

/** What a backend may rely on in any event, whatever the host has said. */
export function isValid(event: AnalyticsEvent): boolean {
  const { id, at } = event;
  return uuid.test(id) && Number.isInteger(at) && at >= 0 && Object.values(event).every(isStorable);
}

function isStorable(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= 16_384 && value.isWellFormed() && !control.test(value);
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      if (value === null || value instanceof Uint8Array) {
        return true;
      }
      return (
        [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value)) &&
        Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item))
      );
    default:
      return false;
  }
}
