import type { ReportOptions, Scope, TimeRange, Window, WindowOptions } from '@toolweaver/analytics-core';
import {
  executionKinds,
  type OptionBounds,
  type OptionChecks,
  type OptionNames,
  secondsProblem,
} from '@toolweaver/analytics-core/backend';
import type { Filter } from '../answers/filter.ts';
import { dayMs } from '../cell.ts';
import { showList } from './show-list.ts';

// Options shared by several questions.

export const scopeNames: OptionNames<Scope> = { orgId: true, userId: true, runId: true };
export const rangeNames: OptionNames<TimeRange> = { from: true, to: true };
export const windowNames: OptionNames<WindowOptions> = { ...rangeNames, days: true };
export const reportNames: OptionNames<ReportOptions> = {
  ...scopeNames,
  ...windowNames,
  kind: true,
  name: true,
  model: true,
};

/** Includes the current ms. */
export function lastDays(days: number): { from: number; to: number } {
  const to = Date.now() + 1;
  return { from: to - days * dayMs, to };
}

/** Checks a required id. */
export function checkId(check: OptionChecks, field: string, id: unknown): string {
  return (id === undefined ? check.problem(field, 'must be given') : check.id(field, id)) ?? '';
}

export function checkLimit(check: OptionChecks, limit: unknown): number | undefined {
  return check.number('limit', limit, { min: 1, max: 1000, whole: true });
}

export function checkDays(check: OptionChecks, days: unknown): number | undefined {
  return check.number('days', days, { above: 0 });
}

export function checkScope(check: OptionChecks, { orgId, userId, runId }: Scope): Scope {
  return {
    orgId: check.id('orgId', orgId),
    userId: check.id('userId', userId),
    runId: check.id('runId', runId),
  };
}

/** Checks `from` and `to`. */
export function checkRange(check: OptionChecks, range: TimeRange): TimeRange {
  const from = checkTime(check, 'from', range.from);
  const to = checkTime(check, 'to', range.to);
  if (from !== undefined && to !== undefined && from > to) {
    check.problem('from', `must not be after to (${to}), got ${from}`);
  }
  return { from, to };
}

function checkTime(check: OptionChecks, field: string, value: unknown): number | undefined {
  const time = check.number(field, value, { what: 'a time in Unix ms, as of Date.now()' });
  const problem = time === undefined ? undefined : secondsProblem(time);
  return problem === undefined ? time : check.problem(field, problem);
}

/** Checks `days`, `from` and `to`: those that were given. */
export function checkGivenWindow(check: OptionChecks, { days, ...range }: WindowOptions): WindowOptions {
  if (days !== undefined && (range.from !== undefined || range.to !== undefined)) {
    check.problem('days', 'must not be given together with from or to');
  }
  return { ...checkRange(check, range), days: checkDays(check, days) };
}

/** Checks `days`, or `from` and `to`. Default: the given number of days, or all time. */
export function checkWindow(check: OptionChecks, window: WindowOptions, defaultDays?: number): TimeRange {
  const { days = isOpen(window) ? defaultDays : undefined, ...range } = checkGivenWindow(check, window);
  return days === undefined ? range : lastDays(days);
}

export function isOpen({ days, from, to }: WindowOptions): boolean {
  return days === undefined && from === undefined && to === undefined;
}

/** The window of questions that are about lately. */
export const usualDays = 30;

/** A window with both ends: by default, the last 30 days. */
export function checkClosedWindow(check: OptionChecks, window: WindowOptions): Window {
  const now = Date.now() + 1;
  const { from = 0, to = Math.max(from, now) } = checkWindow(check, window, usualDays);
  return { from, to };
}

export function checkReport(check: OptionChecks, options: ReportOptions): Filter {
  return {
    ...checkScope(check, options),
    ...checkWindow(check, options),
    kind: check.choice('kind', options.kind, executionKinds),
    name: check.id('name', options.name),
    model: check.id('model', options.model),
  };
}

/** Checks a list of 1 to 100 numbers. */
export function checkNumbers(
  check: OptionChecks,
  field: string,
  values: unknown,
  { rising = false, ...bounds }: OptionBounds & { readonly rising?: boolean },
): number[] | undefined {
  if (values === undefined) {
    return undefined;
  }
  if (!Array.isArray(values) || values.length < 1 || values.length > 100) {
    return check.problem(field, `must be a list of 1 to 100 numbers, got ${showList(values)}`);
  }
  // `Array.from` turns holes into undefined, so that they are rejected, too.
  const numbers = Array.from(values, (value, at) => check.required.number(`${field}[${at}]`, value, bounds));
  if (rising && numbers.some((number, at) => at > 0 && Number(number) <= Number(numbers[at - 1]))) {
    return check.problem(field, 'must rise from each number to the next');
  }
  return numbers.filter((number) => number !== undefined);
}
