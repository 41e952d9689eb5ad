import { AnalyticsError, type ErrorCode } from '../errors.ts';
import type { ErrorInfo, JsonObject } from '../events/event.ts';
import { describe, isObject } from './describe.ts';
import { parseUuid } from './id.ts';
import { isNestedWithin, maxJsonBytes, maxJsonDepth, safeJson } from './json.ts';
import { rangeText } from './range.ts';
import { cleanText, maxIdLength, maxMessageLength } from './text.ts';
import { describeThrown } from './thrown.ts';

// Checks of single event fields. Each returns the clean value or throws; null, undefined and '' mean "not given".

export function refuse(field: string, message: string, code: ErrorCode = 'INVALID_EVENT'): never {
  throw new AnalyticsError(code, `${field} ${message}`, { problems: [{ field, message }] });
}

export function refuseValue(value: unknown, field: string, allowed: string): never {
  refuse(field, `must be ${allowed}, got ${describe(value)}`);
}

export function requiredText(value: unknown, field: string): string {
  const text = optionalText(value, field);
  if (text === undefined || isBlank(text)) {
    refuseValue(value, field, 'a non-blank string');
  }
  return text;
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // Nearly all strings begin with visible ASCII, and trimming takes longer than all other checks.
  return !(first > 0x20 && first < 0x7f) && text.trim() === '';
}

export function optionalText(
  value: unknown,
  field: string,
  maxLength: number = maxIdLength,
  lines = false,
): string | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  return typeof value === 'string' ? cleanText(value, maxLength, lines) : refuseValue(value, field, 'a string');
}

/** A string that may have several lines, written by people or programs. */
export function optionalLines(value: unknown, field: string, maxLength: number): string | undefined {
  return optionalText(value, field, maxLength, true);
}

export function optionalUuid(value: unknown, field: string): string | undefined {
  if ((value ?? '') === '') {
    return undefined;
  }
  return parseUuid(value) ?? refuseValue(value, field, 'a UUID');
}

export function requiredNumber(value: unknown, field: string, min: number, max: number, whole: boolean): number {
  if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))) {
    // Adding 0 turns -0 into 0.
    return value + 0;
  }
  const kind = whole ? 'whole ' : max === Number.MAX_VALUE ? 'finite ' : '';
  const bounds = {
    min: min === -Number.MAX_VALUE ? undefined : min,
    max: max < Number.MAX_SAFE_INTEGER ? max : undefined,
  };
  return refuseValue(value, field, `a ${kind}number${rangeText(bounds)}`);
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
  return typeof value === 'boolean' ? value : refuseValue(value, field, 'true or false');
}

export function optionalFlag(value: unknown, field: string): boolean | undefined {
  return value === undefined || value === null ? undefined : requiredFlag(value, field);
}

export function choice<T extends string>(value: unknown, field: string, choices: readonly T[]): T {
  return choices.includes(value as T) ? (value as T) : refuseValue(value, field, `one of ${choices.join(', ')}`);
}

// Inputs are checked to be objects before they are spread: a string would spread into one field per character.

export function requiredObject(value: unknown, field: string, allowed = 'an object'): Record<string, unknown> {
  return isObject(value) ? (value as Record<string, unknown>) : refuseValue(value, field, allowed);
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
    return refuse(field, `must be JSON data: ${message?.split('\n')[0] ?? type}`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > maxJsonBytes) {
    refuse(field, `must be at most ${maxJsonBytes} bytes of JSON, got ${bytes}`, 'TOO_LARGE');
  }
  const copy: JsonObject = JSON.parse(text);
  return isNestedWithin(copy, maxJsonDepth) ? copy : refuse(field, `must be at most ${maxJsonDepth} levels deep`);
}

/** Takes an `ErrorInfo` or any thrown value. An object with a text as `type` is an `ErrorInfo`, unless it has a stack: then it is an error. */
export function optionalError(value: unknown, field: string): ErrorInfo | undefined {
  if ((value ?? '') === '') {
    return undefined;
  }
  const given = value as Record<string, unknown>;
  const isInfo =
    typeof value === 'object' && typeof given['type'] === 'string' && given['type'] !== '' && !('stack' in given);
  const { type, message } = isInfo ? given : describeThrown(value);
  return {
    type: requiredText(type, `${field}.type`),
    message: optionalLines(message, `${field}.message`, maxMessageLength),
  };
}
