import type { ReportOptions, Scope, TimeRange, WindowOptions } from '@toolweaver/analytics-core';
import { executionKinds, secondsProblem } from '@toolweaver/analytics-core/backend';
import type { Filter } from '../answers/filter.ts';
import { dayMs } from '../cell.ts';
import { type Checks, type Names, type NumberBounds, showList } from '../check.ts';

// Options shared by several questions.

export const scopeNames: Names<Scope> = { orgId: true, userId: true, runId: true };
export const rangeNames: Names<TimeRange> = { from: true, to: true };
export const windowNames: Names<WindowOptions> = { days: true, range: true };
export const reportNames: Names<ReportOptions> = { ...scopeNames, ...windowNames, kind: true, name: true, model: true };

/** Includes the current ms. */
export function lastDays(days: number): { from: number; to: number } {
  const to = Date.now() + 1;
  return { from: to - days * dayMs, to };
}

/** Checks a required id. */
export function checkId(check: Checks, field: string, id: unknown): string {
  return (id === undefined ? check.wrong(field, 'must be given') : check.id(field, id)) ?? '';
}

export function checkLimit(check: Checks, limit: unknown): number | undefined {
  return check.number('limit', limit, { min: 1, max: 1000, whole: true });
}

export function checkDays(check: Checks, days: unknown): number | undefined {
  return check.number('days', days, { above: 0 });
}

export function checkScope(check: Checks, { orgId, userId, runId }: Scope): Scope {
  return {
    orgId: check.id('orgId', orgId),
    userId: check.id('userId', userId),
    runId: check.id('runId', runId),
  };
}

/** Checks `from` and `to`: options themselves or, with a prefix, fields of one. */
export function checkRange(check: Checks, range: TimeRange, prefix: string): TimeRange {
  const from = checkTime(check, `${prefix}from`, range.from);
  const to = checkTime(check, `${prefix}to`, range.to);
  if (from !== undefined && to !== undefined && from > to) {
    check.wrong(`${prefix}from`, `must not be after to (${to}), got ${from}`);
  }
  return { from, to };
}

function checkTime(check: Checks, field: string, value: unknown): number | undefined {
  const time = check.number(field, value, { what: 'time in Unix ms, as of Date.now()' });
  const problem = time === undefined ? undefined : secondsProblem(time);
  return problem === undefined ? time : check.wrong(field, problem);
}

export function checkGivenRange(check: Checks, range: TimeRange | undefined): TimeRange {
  return checkRange(check, check.group('range', range, rangeNames), 'range.');
}

export function checkDaysOrRange(check: Checks, { days, range }: WindowOptions): void {
  if (days !== undefined && range !== undefined) {
    check.wrong('days', 'must not be given together with range');
  }
}

/** Checks `days` or `range`. Default: the given number of days, or all time. */
export function checkWindow(check: Checks, window: WindowOptions, defaultDays?: number): TimeRange {
  checkDaysOrRange(check, window);
  const { days, range } = window;
  const length = checkDays(check, days) ?? (range === undefined ? defaultDays : undefined);
  const given = checkGivenRange(check, range);
  return length === undefined ? given : lastDays(length);
}

export function checkReport(check: Checks, options: ReportOptions, defaultDays?: number): Filter {
  return {
    ...checkScope(check, options),
    ...checkWindow(check, options, defaultDays),
    kind: check.choice('kind', options.kind, executionKinds),
    name: check.id('name', options.name),
    model: check.id('model', options.model),
  };
}

/** Checks a list of 1 to 100 numbers. */
export function checkNumbers(
  check: Checks,
  field: string,
  values: unknown,
  { rising = false, ...bounds }: NumberBounds & { readonly rising?: boolean },
): number[] | undefined {
  if (values === undefined) {
    return undefined;
  }
  if (!Array.isArray(values) || values.length < 1 || values.length > 100) {
    return check.wrong(field, `must be a list of 1 to 100 numbers, got ${showList(values)}`);
  }
  // `Array.from` turns holes into undefined, so that they are rejected, too.
  const numbers = Array.from(values, (value, at) => check.number(`${field}[${at}]`, value ?? null, bounds));
  if (rising && numbers.some((number, at) => at > 0 && Number(number) <= Number(numbers[at - 1]))) {
    return check.wrong(field, 'must rise from each number to the next');
  }
  return numbers.filter((number) => number !== undefined);
}
