import { inspect } from 'node:util';

/** A value that is refused, whatever it is. */
export function show(value: unknown): string {
  return inspect(value, false, -1);
}
