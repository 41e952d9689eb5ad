import { systemClock, toTime } from './clock.ts';
import { AnalyticsError } from './errors.ts';
import type { ResolvedOptions } from './options.ts';
import { describe } from './values/describe.ts';
import { parseUuid, uuidV7Source } from './values/id.ts';
import { thrownText } from './values/thrown.ts';

/** Where events get what their inputs leave out. Throws `INTERNAL` if a callback of the user fails. */
export interface Sources {
  /** Whole Unix time in ms. */
  readonly now: () => number;
  readonly newId: (nowMs: number) => string;
}

export function createSources({ clock, newId }: ResolvedOptions): Sources {
  return {
    now: clock === systemClock ? clock.now : () => given('clock.now()', () => clock.now(), 'time', toTime),
    newId: newId === undefined ? uuidV7Source() : () => given('newId()', newId, 'UUID', parseUuid),
  };
}

/** Calls a callback of the user and converts its result. */
function given<T>(name: string, callback: () => unknown, what: string, convert: (value: unknown) => T | undefined): T {
  let value: unknown;
  try {
    value = callback();
  } catch (cause) {
    throw callbackError(name, cause);
  }
  const converted = convert(value);
  if (converted === undefined) {
    throw new AnalyticsError('INTERNAL', `${name} gave ${describe(value)}, not a ${what}`);
  }
  return converted;
}

export function callbackError(name: string, cause: unknown): AnalyticsError {
  return new AnalyticsError('INTERNAL', `${name} threw ${thrownText(cause)}`, { cause });
}
