import { AnalyticsError } from './errors.ts';
import type { JsonObject } from './event.ts';
import { parseUuid } from './id.ts';
import { isNestedWithin, maxJsonBytes, maxJsonDepth, safeJson } from './json.ts';
import { cleanId, cleanText } from './text.ts';
import { describeThrown } from './thrown.ts';

// Checks of single event fields. Each returns the clean value or throws; null, undefined and '' mean "not given".

export function refuse(field: string, message: string): never {
  throw new AnalyticsError('INVALID_EVENT', `${field} ${message}`, { problems: [{ field, message }] });
}

/** A short description that runs no code of the value's. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

export function requiredText(value: unknown, field: string): string {
  const text = optionalText(value, field);
  if (text === undefined || isBlank(text)) {
    refuse(field, `must be a text that is not blank, got ${describe(value)}`);
  }
  return text;
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // Nearly all begin with visible ASCII: trimming them takes longer than all else that is checked of them.
  return !(first > 0x20 && first < 0x7f) && text.trim() === '';
}

export function optionalText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  if (typeof value !== 'string') {
    refuse(field, `must be a text, got ${describe(value)}`);
  }
  return cleanId(value);
}

/** Text of people or programs that may have lines. */
export function optionalLines(value: unknown, field: string, maxLength: number): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  if (typeof value !== 'string') {
    refuse(field, `must be a text, got ${describe(value)}`);
  }
  return cleanText(value, maxLength, true);
}

export function optionalUuid(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  const uuid = typeof value === 'string' ? parseUuid(value) : undefined;
  return uuid ?? refuse(field, `must be a UUID, got ${describe(value)}`);
}

export function requiredNumber(value: unknown, field: string, min: number, max: number, whole: boolean): number {
  if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))) {
    // Adding 0 turns -0 into 0.
    return value + 0;
  }
  const kind = whole ? 'a whole number' : 'a finite number';
  return refuse(field, `must be ${kind}${rangeText(min, max)}, got ${describe(value)}`);
}

function rangeText(min: number, max: number): string {
  if (max < Number.MAX_SAFE_INTEGER) {
    return ` from ${min} to ${max}`;
  }
  return min === -Number.MAX_VALUE ? '' : ` >= ${min}`;
}

export function optionalNumber(value: unknown, field: string, min = 0): number | undefined {
  return value === undefined || value === null ? undefined : requiredNumber(value, field, min, Number.MAX_VALUE, false);
}

export function optionalWhole(value: unknown, field: string, min = 0): number | undefined {
  return value === undefined || value === null
    ? undefined
    : requiredNumber(value, field, min, Number.MAX_SAFE_INTEGER, true);
}

export function requiredFlag(value: unknown, field: string): boolean {
  return typeof value === 'boolean' ? value : refuse(field, `must be true or false, got ${describe(value)}`);
}

export function optionalFlag(value: unknown, field: string): boolean | undefined {
  return value === undefined || value === null ? undefined : requiredFlag(value, field);
}

export function choice<T extends string>(value: unknown, field: string, choices: readonly T[]): T {
  return choices.includes(value as T)
    ? (value as T)
    : refuse(field, `must be one of ${choices.join(', ')}, got ${describe(value)}`);
}

// What is spread is checked for being an object first: a text would spread into as many fields as it has characters.

export function requiredObject(value: unknown, field: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(field, `must be an object, got ${describe(value)}`);
}

export function optionalObject(value: unknown, field: string): Record<string, unknown> {
  return value === undefined || value === null ? {} : requiredObject(value, field);
}

/** @throws AnalyticsError `INVALID_EVENT`, or `TOO_LARGE` above 16 KiB. */
export function optionalJson(value: unknown, field: string): JsonObject | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const object = requiredObject(value, field);
  let text: string;
  try {
    text = safeJson(object);
  } catch (thrown) {
    const { type, message } = describeThrown(thrown);
    return refuse(field, `must be plain JSON data: ${message?.split('\n')[0] ?? type}`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > maxJsonBytes) {
    const message = `must be at most ${maxJsonBytes} bytes of JSON, got ${bytes}`;
    throw new AnalyticsError('TOO_LARGE', `${field} ${message}`, { problems: [{ field, message }] });
  }
  const copy: JsonObject = JSON.parse(text);
  return isNestedWithin(copy, maxJsonDepth)
    ? copy
    : refuse(field, `must not be nested more than ${maxJsonDepth} levels deep`);
}
