import { clockProblem } from './clock.ts';
import { configError, type Problem } from './errors.ts';
import { describe } from './values/describe.ts';
import { type NumberRange, rangeText } from './values/range.ts';
import { cleanId } from './values/text.ts';
import { unknownOptions } from './values/unknown.ts';

/** The names of all options of a function, or of a group of them. The compiler reports one that is missing. */
export type OptionNames<O> = Readonly<Record<keyof O, true>>;

/** Which numbers an option takes. Infinity has to be allowed by `max`. */
export interface OptionBounds extends NumberRange {
  /** An exclusive minimum. */
  readonly above?: number | undefined;
  /** No fraction. Default: false. */
  readonly whole?: boolean | undefined;
  /** What an error calls the expected value, such as `a time in ms`. Default: a number, finite or whole. */
  readonly what?: string | undefined;
}

/** What an address may have. */
export interface UrlParts {
  /** Default: false. */
  readonly query?: boolean | undefined;
  /** What an error advises about a user or a password in the address, such as `give a token`. Default: nothing. */
  readonly credentials?: string | undefined;
}

/** Checks of single options. Each returns the value, or undefined if there is none or it is wrong: a problem then says so. */
export interface OptionChecks {
  /** Adds a problem that the caller found; the message follows the field's name, such as `must be shorter`. */
  problem(field: string, message: string): undefined;
  /** Adds `must be <expected>, got <value>` unless the value is right. Undefined is a value like others here. */
  expect<T>(field: string, value: T, isRight: boolean, expected: string): T | undefined;
  /** A string that is not blank. */
  text(field: string, value: unknown): string | undefined;
  /** An id or a name, in the form that is recorded, so that it is found among recorded ones. */
  id(field: string, value: unknown): string | undefined;
  number(field: string, value: unknown, bounds?: OptionBounds): number | undefined;
  /** An http or https address without user, password and fragment. Problems do not repeat it, as it may hold a secret. */
  url(field: string, value: unknown, parts?: UrlParts): URL | undefined;
  flag(field: string, value: unknown): boolean | undefined;
  choice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined;
  callback<T>(field: string, value: T): T | undefined;
  clock<T>(field: string, value: T): T | undefined;
  /** An object of further options, none of which may be unknown. Returns what can be read of any value. */
  group<O extends object>(field: string, value: O | undefined, names: OptionNames<NoInfer<O>>): Partial<O>;
}

/** Returns checks that report to `addProblem`. */
export function createOptionChecks(addProblem: (field: string, message: string) => void): OptionChecks {
  function problem(field: string, message: string): undefined {
    addProblem(field, message);
  }
  function expect<T>(field: string, value: T, isRight: boolean, expected: string): T | undefined {
    const got = (): string => ((value as unknown) instanceof Date ? 'a Date' : describe(value));
    return isRight ? value : problem(field, `must be ${expected}, got ${got()}`);
  }
  function optional(field: string, value: unknown, isRight: boolean, expected: string): unknown {
    return value === undefined ? undefined : expect(field, value, isRight, expected);
  }
  return {
    problem,
    expect,
    text: (field, value) =>
      optional(field, value, typeof value === 'string' && value.trim() !== '', 'a non-blank string'),
    id(field, value) {
      const id = optional(field, value, typeof value === 'string' && value !== '', 'a non-empty string');
      return id === undefined ? undefined : cleanId(id as string);
    },
    number(field, value, bounds = {}) {
      const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, above = -Infinity, whole = false } = bounds;
      const { what = whole ? 'a whole number' : bounds.max === undefined ? 'a finite number' : 'a number' } = bounds;
      const isWithin = typeof value === 'number' && value >= min && value <= max && value > above;
      return optional(field, value, isWithin && (!whole || Number.isInteger(value)), what + boundsText(bounds));
    },
    url(field, value, { query = false, credentials } = {}) {
      if (value === undefined) {
        return undefined;
      }
      const url = typeof value === 'string' ? URL.parse(value) : null;
      if (url === null || !/^https?:$/.test(url.protocol)) {
        return problem(field, 'must be a URL that begins with https:// or http://');
      }
      if (url.username !== '' || url.password !== '') {
        return problem(
          field,
          `must have no user or password in it${credentials === undefined ? '' : `; ${credentials}`}`,
        );
      }
      if (url.hash !== '' || (url.search !== '' && !query)) {
        return problem(field, `must have no ${query ? '#' : 'query or #'} in it`);
      }
      return url;
    },
    flag: (field, value) => optional(field, value, typeof value === 'boolean', 'true or false'),
    choice: (field, value, choices: readonly unknown[]) =>
      optional(field, value, choices.includes(value), `one of ${choices.join(', ')}`),
    callback: (field, value) => optional(field, value, typeof value === 'function', 'a function'),
    clock(field, value) {
      const wrong = clockProblem(value);
      return wrong === undefined ? value : problem(field, wrong);
    },
    group(field, value, names) {
      if (value === undefined) {
        return {};
      }
      for (const unknown of unknownOptions(value, names, field)) {
        problem(unknown.field, unknown.message);
      }
      return Object(value);
    },
  } as OptionChecks;
}

/**
 * Returns what `read` makes of the options of a function.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem that `read` met, and one for each unknown name.
 */
export function checkOptions<O extends object, T>(
  options: O | undefined,
  names: OptionNames<NoInfer<O>>,
  read: (check: OptionChecks, given: Partial<O>) => T,
): T {
  const problems: Problem[] = [];
  const check = createOptionChecks((field, message) => problems.push({ field, message }));
  const result = read(check, check.group('', options, names));
  if (problems.length > 0) {
    throw configError(problems);
  }
  return result;
}

function boundsText({ above, ...range }: OptionBounds): string {
  return (
    (above === undefined ? '' : ` above ${above}${range.max === undefined || range.max === Infinity ? '' : ' and'}`) +
    rangeText(range)
  );
}
