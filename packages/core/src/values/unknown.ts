import type { Problem } from '../errors.ts';
import { describe, isObject } from './describe.ts';

/** A problem for each name missing from `known`: otherwise a typo would be ignored silently. Undefined values do not count. */
export function unknownNames(given: object, known: object, group = ''): Problem[] {
  return Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(known, name))
    .map(([name]) => ({
      field: group + name,
      message: `is not an option; the options are ${Object.keys(known).join(', ')}`,
    }));
}

/**
 * Returns what is wrong with options before any of them is read: they are not an object, or a name is missing from `known`.
 * `group` is the option that they are part of.
 */
export function unknownOptions(given: unknown, known: Readonly<Record<string, true>>, group = ''): Problem[] {
  if (!isObject(given)) {
    return [{ field: group || 'options', message: `must be an object, got ${describe(given)}` }];
  }
  return unknownNames(given, known, group && `${group}.`);
}

/** Fields of inputs that their events name differently, or do not have. */
const otherFields = { skillId: true, toolName: true, sampleRate: true };

/**
 * Returns the fields of an input, or else of its `usage`, that the event made from it does not have: the first ten. Null and
 * undefined values do not count.
 */
export function unknownFields(input: unknown, event: unknown): string[] {
  try {
    const given = input as Readonly<Record<string, unknown>>;
    const kept = event as Readonly<Record<string, unknown>>;
    const names = Object.keys(given).filter(
      (name) => !(name in kept || name in otherFields) && (given[name] ?? undefined) !== undefined,
    );
    return names.length > 0
      ? names.slice(0, 10)
      : unknownFields(given['usage'], kept['usage']).map((name) => `usage.${name}`);
  } catch {
    // There is no usage, or a field of no use to the event cannot be read, which must not cost the event.
    return [];
  }
}
