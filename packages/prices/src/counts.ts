import type { Problem } from '@toolweaver/analytics-core';
import { describeValue } from '@toolweaver/analytics-core/backend';
import { type Fields, isFields } from './fields.ts';

/** Reads the counts of one usage object, and collects what is wrong with them. `name` is a path: a field, then a field in it. */
export interface Counts {
  /** Returns 0 for a count that is not given. */
  count(...name: string[]): number;
  /** Returns undefined for a count that is not given. */
  given(...name: string[]): number | undefined;
  required(...name: string[]): number;
  /** Returns `whole` without the counts that it includes. */
  rest(whole: number, inside: readonly number[], ...name: string[]): number;
  /** Checks that a sum in the object, `said`, is one of `sums`. */
  sum(said: number | undefined, sums: readonly number[], ...name: string[]): void;
  wrong(message: string, ...name: string[]): void;
  /** Reports cached and reasoning tokens that nobody asked for: what was read cannot be right without them. */
  checkUnread(): void;
}

const special = /cache|reason|think|thought/i;
/** The rest of the input, with DeepSeek, and the provider's own words, with the AI SDK. */
const harmless: readonly string[] = ['prompt_cache_miss_tokens', 'raw'];
/** Also ends cycles. */
const maxDepth = 3;

export function createCounts(usage: Fields, problems: Problem[]): Counts {
  function wrong(message: string, ...name: string[]): void {
    problems.push({ field: name.join('.'), message });
  }
  const read = new Set<string>();

  /** Leaves out arrays: they say again what is counted elsewhere, by request or by sort of input. */
  function checkUnread(fields: Fields, ...path: string[]): void {
    for (const [field, value] of Object.entries(fields)) {
      const name = [...path, field];
      if (harmless.includes(field) || read.has(name.join('.'))) {
        continue;
      }
      if (isFields(value) && path.length < maxDepth) {
        checkUnread(value, ...name);
      } else if (special.test(field) && Number.isSafeInteger(value) && value !== 0) {
        wrong('is not understood here: what it adds to the other counts is unknown', ...name);
      }
    }
  }

  function given(...name: string[]): number | undefined {
    read.add(name.join('.'));
    const value = name.reduce<unknown>(
      (at, field) => (isFields(at) || Array.isArray(at) ? Reflect.get(at, field) : undefined),
      usage,
    );
    if (value === undefined || value === null) {
      return undefined;
    }
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
      return value;
    }
    wrong(`must be a whole number >= 0, got ${describeValue(value)}`, ...name);
    return 0;
  }
  return {
    wrong,
    given,
    checkUnread: () => checkUnread(usage),
    count: (...name) => given(...name) ?? 0,
    required(...name) {
      const value = given(...name);
      if (value === undefined) {
        wrong('must be given', ...name);
      }
      return value ?? 0;
    },
    rest(whole, inside, ...name) {
      const parts = inside.reduce((all, part) => all + part, 0);
      if (parts > whole) {
        wrong(`must hold the ${parts} tokens that are counted in it, got ${whole}`, ...name);
      }
      return whole - parts;
    },
    sum(said, sums, ...name) {
      if (said !== undefined && !sums.includes(said)) {
        wrong(`must be the sum of the others, ${[...new Set(sums)].join(' or ')}, got ${said}`, ...name);
      }
    },
  };
}
