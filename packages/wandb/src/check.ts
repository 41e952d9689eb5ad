import type { Problem } from '@toolweaver/analytics-core';
import { configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';

export interface Checks {
  wrong(field: string, message: string): undefined;
  text(field: string, value: unknown, problemOf?: (text: string) => string | undefined): string | undefined;
  flag(field: string, value: unknown): boolean | undefined;
  number(field: string, value: unknown, min: number, max: number): number | undefined;
  choice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined;
}

/** The names of all options: the compiler reports missing ones. */
export type Known<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Returns what `read` makes of the options.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem that it met, and every name that is none of `known`.
 */
export function checkOptions<Options, T>(options: Options, known: Known<Options>, read: (check: Checks) => T): T {
  const problems: Problem[] = unknownOptions(options, known);
  if (typeof options !== 'object' || options === null) {
    throw configError(problems);
  }
  function wrong(field: string, message: string): undefined {
    problems.push({ field, message });
  }
  const result = read({
    wrong,
    text(field, value, problemOf = () => undefined) {
      if (value === undefined || value === '') {
        return undefined;
      }
      const message = typeof value === 'string' ? problemOf(value) : `must be a string, got ${describeValue(value)}`;
      return message === undefined ? (value as string) : wrong(field, message);
    },
    flag: (field, value) =>
      value === undefined || typeof value === 'boolean'
        ? value
        : wrong(field, `must be true or false, got ${describeValue(value)}`),
    number(field, value, min, max) {
      const valid = value === undefined || (typeof value === 'number' && value >= min && value <= max);
      return valid ? value : wrong(field, `must be a number from ${min} to ${max}, got ${describeValue(value)}`);
    },
    choice(field, value, choices) {
      const found = choices.find((choice) => choice === value);
      return value === undefined || found !== undefined
        ? found
        : wrong(field, `must be one of ${choices.join(', ')}, got ${describeValue(value)}`);
    },
  });
  if (problems.length > 0) {
    throw configError(problems);
  }
  return result;
}

/** @throws TypeError with the message, for what has a wrong form. */
export function requireForm(isRight: boolean, message: string): void {
  if (!isRight) {
    throw new TypeError(message);
  }
}
