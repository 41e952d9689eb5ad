import { describe } from './describe.ts';
import type { Problem } from './errors.ts';

/**
 * What is wrong with options before any of them is read: that they are no object, or hold a name that is none of `known`, as a
 * misspelt one would else count as not given. `group` is the option that they are part of. What is undefined is not given.
 */
export function unknownOptions(given: unknown, known: Readonly<Record<string, true>>, group = ''): Problem[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [
      {
        field: group || 'options',
        message: `must be an object, got ${Array.isArray(given) ? 'an array' : describe(given)}`,
      },
    ];
  }
  return Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(known, name))
    .map(([name]) => ({
      field: group ? `${group}.${name}` : name,
      message: `is no option; there are ${Object.keys(known).join(', ')}`,
    }));
}
