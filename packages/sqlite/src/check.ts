import type { Problem } from '@toolweaver/analytics-core';
import { cleanId, configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';

/** The names of all options of a function, or of a group of them. */
export type Names<O extends object> = Readonly<Record<keyof O, true>>;

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  /** The lower bound when it is itself not allowed. */
  readonly above?: number;
  readonly whole?: boolean;
  /** What it is instead of a number, in an error. */
  readonly what?: string;
}

/** Checks of single options; each returns the value, or undefined when it is not given or wrong. */
export interface Checks {
  /** Not empty. */
  text(field: string, value: unknown): string | undefined;
  /** An id or a name, not empty: returned as core records it, so that it finds what was recorded under it. */
  id(field: string, value: unknown): string | undefined;
  number(field: string, value: unknown, bounds?: NumberBounds): number | undefined;
  flag(field: string, value: unknown): boolean | undefined;
  choice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined;
  /** Options that are one option together: an object without other names. Returns what can be read, whatever was given. */
  group<O extends object>(field: string, value: O | undefined, names: Names<NoInfer<O>>): Partial<O>;
  /** Notes a problem of the caller's own finding. */
  wrong(field: string, message: string): undefined;
}

/**
 * Returns what `read` makes of the options that a function was called with, if any. `misplaced` is what to say of a name that is
 * easily taken for one of them.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem that it met, names that are no options included.
 */
export function checkOptions<O extends object, T>(
  options: O | null | undefined,
  names: Names<NoInfer<O>>,
  read: (check: Checks, given: Partial<O>) => T,
  misplaced?: Problem,
): T {
  const problems: Problem[] = [];
  function wrong(field: string, message: string): undefined {
    problems.push({ field, message });
  }
  function group<G extends object>(field: string, value: G | undefined, names: Names<NoInfer<G>>): Partial<G> {
    if (value === undefined) {
      return {};
    }
    const unknown = unknownOptions(value, names, field);
    problems.push(...unknown.map((problem) => (problem.field === misplaced?.field ? misplaced : problem)));
    return Object(value);
  }
  function expect<T>(field: string, value: unknown, valid: boolean, expected: string): T | undefined {
    return value === undefined || valid ? (value as T) : wrong(field, `must be ${expected}, got ${show(value)}`);
  }

  const text = (field: string, value: unknown): string | undefined =>
    expect(field, value, typeof value === 'string' && value !== '', 'a non-empty string');

  const checks: Checks = {
    wrong,
    text,
    group,
    id(field, value) {
      const given = text(field, value);
      return given === undefined ? undefined : cleanId(given);
    },
    flag: (field, value) => expect(field, value, typeof value === 'boolean', 'true or false'),
    choice: (field, value, choices) =>
      expect(
        field,
        value,
        choices.some((choice) => choice === value),
        `one of ${choices.join(', ')}`,
      ),
    number(field, value, { min, max, above, whole = false, what = whole ? 'whole number' : 'finite number' } = {}) {
      const valid =
        typeof value === 'number' &&
        (whole ? Number.isInteger(value) : Number.isFinite(value)) &&
        value >= (min ?? value) &&
        value <= (max ?? value) &&
        value > (above ?? -Infinity);
      const bounds = [
        above === undefined ? '' : ` above ${above}`,
        min === undefined ? '' : ` from ${min}`,
        max === undefined ? '' : ` to ${max}`,
      ];
      return expect(field, value, valid, `a ${what}${bounds.join('')}`);
    },
  };
  const result = read(checks, group('', options ?? undefined, names));
  if (problems.length > 0) {
    throw configError(problems);
  }
  return result;
}

/** What was given instead of a list of so many. */
export function showList(value: unknown): string {
  return Array.isArray(value) ? `${value.length} of them` : show(value);
}

function show(value: unknown): string {
  return value instanceof Date ? 'a Date' : describeValue(value);
}
