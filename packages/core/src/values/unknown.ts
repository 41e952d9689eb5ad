import type { Problem } from '../errors.ts';
import { describe, isObject } from './describe.ts';

/** A problem for each name that `known` has not, as a misspelt one would else count as not given. What is undefined is not given. */
export function unknownNames(given: object, known: object, group = ''): Problem[] {
  return Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(known, name))
    .map(([name]) => ({
      field: group + name,
      message: `is not an option; the options are ${Object.keys(known).join(', ')}`,
    }));
}

/**
 * What is wrong with options before any of them is read: that they are no object, or hold a name that is none of `known`.
 * `group` is the option that they are part of.
 */
export function unknownOptions(given: unknown, known: Readonly<Record<string, true>>, group = ''): Problem[] {
  if (!isObject(given)) {
    return [{ field: group || 'options', message: `must be an object, got ${describe(given)}` }];
  }
  return unknownNames(given, known, group && `${group}.`);
}

/** What inputs may say that their events call otherwise, or not at all. */
const otherFields = { skillId: true, toolName: true, sampleRate: true, rootId: true, trace: true };

/**
 * The first name in an input, or in the usage that it says, which means nothing to the event made of it. What is null or undefined
 * is not given.
 */
export function unknownField(input: unknown, event: unknown): string | undefined {
  try {
    const given = input as Readonly<Record<string, unknown>>;
    const kept = event as Readonly<Record<string, unknown>>;
    const name = Object.keys(given).find(
      (name) => !(name in kept || name in otherFields) && (given[name] ?? undefined) !== undefined,
    );
    const ofUsage = name === undefined && unknownField(given['usage'], kept['usage']);
    return ofUsage ? `usage.${ofUsage}` : name;
  } catch {
    // There is no usage; or what the event needs could be read, and the rest costs no event.
    return undefined;
  }
}
