import type { Problem } from '@toolweaver/analytics-core';
import { cleanId, configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';

/** The names of all options of a function, or of a group of them. */
export type Names<O extends object> = Readonly<Record<keyof O, true>>;

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  /** An exclusive lower bound. */
  readonly above?: number;
  readonly whole?: boolean;
  /** What an error calls the expected value, instead of a number. */
  readonly what?: string;
}

/** Checks of single options; each returns the value, or undefined if it is missing or invalid. */
export interface Checks {
  /** A non-empty string. */
  text(field: string, value: unknown): string | undefined;
  /** A non-empty id or name: returned in the form that core records, so that it matches recorded ones. */
  id(field: string, value: unknown): string | undefined;
  number(field: string, value: unknown, bounds?: NumberBounds): number | undefined;
  flag(field: string, value: unknown): boolean | undefined;
  choice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined;
  /** An option that is an object of options, without unknown names. Returns what can be read of any value. */
  group<O extends object>(field: string, value: O | undefined, names: Names<NoInfer<O>>): Partial<O>;
  /** Adds a problem that the caller found. */
  wrong(field: string, message: string): undefined;
}

/**
 * Returns what `read` makes of the options of a function, if any were given. `misplaced` is the problem to report for a name that
 * is easily mistaken for one of them.
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

/** Describes a value that is not a list of the required length. */
export function showList(value: unknown): string {
  return Array.isArray(value) ? `${value.length} of them` : show(value);
}

function show(value: unknown): string {
  return value instanceof Date ? 'a Date' : describeValue(value);
}
