import { configError, type Problem } from './errors.ts';
import { type Secret, secret } from './secret.ts';
import { describe, quote } from './values/describe.ts';
import { type NumberRange, rangeText } from './values/range.ts';

/** An environment, such as `process.env`. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Typed reads of environment variables. An unset, empty or blank variable gives `undefined`. */
export interface EnvReader {
  /** The value, trimmed. A value in quotes is refused, here and below. */
  text(name: string): string | undefined;
  /** The value as a `Secret`, which prints as `[redacted]`. */
  secret(name: string): Secret | undefined;
  /** Decimal digits with an optional sign; no exponents, units or separators. */
  integer(name: string, range?: NumberRange): number | undefined;
  /** A decimal number such as `0.25`. `what` is what an error calls it; default: `a number`. */
  number(name: string, range?: NumberRange, what?: string): number | undefined;
  /** true, yes, on, 1 / false, no, off, 0; case-insensitive. */
  flag(name: string): boolean | undefined;
  /** One of the choices; case-insensitive. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
  /** Comma-separated items, trimmed, without empty ones. */
  list(name: string): readonly string[] | undefined;
  /** Adds a problem that the caller found. */
  problem(name: string, message: string): void;
}

/**
 * Calls `read` with a reader of the environment and returns its result.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem that `read` met; for an `env` that is no object.
 */
export function readEnv<T>(env: Env, read: (vars: EnvReader) => T): T {
  const problems: Problem[] = [];
  const problem = (field: string, message: string): undefined => {
    problems.push({ field, message });
  };
  if (typeof env !== 'object' || env === null) {
    throw configError([
      { field: 'env', message: `must be an object of strings such as process.env, got ${describe(env)}` },
    ]);
  }
  const text = (name: string): string | undefined => {
    const value: unknown = env[name] ?? '';
    if (typeof value !== 'string') {
      return problem(name, `must be a string, not of type ${typeof value}`);
    }
    const trimmed = value.trim();
    // Files for `docker --env-file` are no shell scripts: what is meant as a path would become one that begins with a quote.
    return /^(["']).*\1$/s.test(trimmed)
      ? problem(name, 'must have no quotes around it; some readers of .env files keep them')
      : trimmed || undefined;
  };

  function parsed(name: string, pattern: RegExp, what: string, range: NumberRange = {}): number | undefined {
    const value = text(name);
    if (value === undefined) {
      return undefined;
    }
    const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
    // Adding 0 turns -0 into 0.
    const number = pattern.test(value) ? Number(value) + 0 : Number.NaN;
    if (number >= min && number <= max) {
      return number;
    }
    const bounds = Math.abs(number) > Number.MAX_SAFE_INTEGER ? { min, max } : range;
    return problem(name, `must be ${what}${rangeText(bounds)}, got ${quote(value)}`);
  }

  const result = read({
    text,
    secret(name) {
      const value = text(name);
      return value === undefined ? undefined : secret(value);
    },
    integer: (name, range) => parsed(name, /^[+-]?\d+$/, 'a whole number', range),
    number: (name, range, what = 'a number') => parsed(name, /^[+-]?(\d+\.?\d*|\.\d+)$/, what, range),
    flag(name) {
      const value = text(name)?.toLowerCase();
      if (value === undefined) {
        return undefined;
      }
      if (['true', 'yes', 'on', '1'].includes(value)) {
        return true;
      }
      if (['false', 'no', 'off', '0'].includes(value)) {
        return false;
      }
      return problem(name, `must be true or false, got ${quote(value)}`);
    },
    choice(name, choices) {
      const value = text(name);
      const found = choices.find((choice) => choice.toLowerCase() === value?.toLowerCase());
      return value === undefined || found !== undefined
        ? found
        : problem(name, `must be one of ${choices.join(', ')}, got ${quote(value)}`);
    },
    list(name) {
      const items = text(name)
        ?.split(',')
        .map((item) => item.trim());
      return items?.filter((item) => item !== '');
    },
    problem,
  });
  if (problems.length > 0) {
    throw configError(problems);
  }
  return result;
}
