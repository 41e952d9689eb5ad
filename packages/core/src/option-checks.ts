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

/** Checks of single values. Each returns the value, or undefined if it is wrong: a problem then says so. */
interface ValueChecks {
  /** A string that is not blank. */
  text(field: string, value: unknown): string | undefined;
  /** An id or a name, in the form that is recorded, so that it is found among recorded ones. */
  id(field: string, value: unknown): string | undefined;
  /** A number within the bounds. */
  number(field: string, value: unknown, bounds?: OptionBounds): number | undefined;
  /** An http or https address without user, password and fragment. Problems do not repeat it, as it may hold a secret. */
  url(field: string, value: unknown, parts?: UrlParts): URL | undefined;
  /** True or false. */
  flag(field: string, value: unknown): boolean | undefined;
  /** One of the given texts. */
  choice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined;
  /** A function. */
  callback<T>(field: string, value: T): T | undefined;
}

/** Checks of options, which may be left out: undefined is right. */
export interface OptionChecks extends ValueChecks {
  /** The same for options that must be given. */
  readonly required: ValueChecks;
  /** Adds a problem that the caller found; the message follows the field's name, such as `must be shorter`. */
  problem(field: string, message: string): undefined;
  /** Adds `must be <expected>, got <value>` unless the value is right. Undefined is a value like others here. */
  expect<T>(field: string, value: T, isRight: boolean, expected: string): T | undefined;
  /** An object with all methods of a clock. */
  clock<T>(field: string, value: T): T | undefined;
  /** An object of further options, none of which may be unknown. Returns what can be read of any value. */
  group<O extends object>(field: string, value: O | undefined, names: OptionNames<NoInfer<O>>): Partial<O>;
}

type Expect = OptionChecks['expect'];

/** Returns checks that report to `addProblem`. */
export function createOptionChecks(addProblem: (field: string, message: string) => void): OptionChecks {
  function problem(field: string, message: string): undefined {
    addProblem(field, message);
  }
  const expect: Expect = (field, value, isRight, expected) => {
    return isRight ? value : problem(field, `must be ${expected}, got ${describe(value)}`);
  };
  return {
    ...valueChecks(problem, (field, value, isRight, expected) =>
      expect(field, value, value === undefined || isRight, expected),
    ),
    required: valueChecks(problem, expect),
    problem,
    expect,
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
  };
}

function valueChecks(problem: OptionChecks['problem'], expect: Expect): ValueChecks {
  return {
    text: (field, value) =>
      expect(field, value as string, typeof value === 'string' && value.trim() !== '', 'a non-blank string'),
    id(field, value) {
      const id = expect(field, value as string, typeof value === 'string' && value !== '', 'a non-empty string');
      return id === undefined ? undefined : cleanId(id);
    },
    number(field, value, bounds = {}) {
      const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, above = -Infinity, whole = false } = bounds;
      const { what = whole ? 'a whole number' : bounds.max === undefined ? 'a finite number' : 'a number' } = bounds;
      const isWithin = typeof value === 'number' && value >= min && value <= max && value > above;
      const isRight = isWithin && (!whole || Number.isInteger(value));
      return expect(field, value as number, isRight, what + boundsText(bounds));
    },
    url(field, value, { query = false, credentials } = {}) {
      const form = 'a URL that begins with https:// or http://';
      if (value === undefined) {
        return expect(field, value, false, form);
      }
      const url = typeof value === 'string' ? URL.parse(value) : null;
      if (url === null || !/^https?:$/.test(url.protocol)) {
        return problem(field, `must be ${form}`);
      }
      if (url.username !== '' || url.password !== '') {
        const advice = credentials === undefined ? '' : `; ${credentials}`;
        return problem(field, `must have no user or password in it${advice}`);
      }
      if (url.hash !== '' || (url.search !== '' && !query)) {
        return problem(field, `must have no ${query ? '#' : 'query or #'} in it`);
      }
      return url;
    },
    flag: (field, value) => expect(field, value as boolean, typeof value === 'boolean', 'true or false'),
    choice: <T extends string>(field: string, value: unknown, choices: readonly T[]) =>
      expect(field, value as T, choices.includes(value as T), `one of ${choices.join(', ')}`),
    callback: (field, value) => expect(field, value, typeof value === 'function', 'a function'),
  };
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
