import type { Bucket, Window, WindowOptions } from '@toolweaver/analytics-core';
import type { OptionChecks } from '@toolweaver/analytics-core/backend';
import { dayMs, hourMs } from '../cell.ts';
import { checkGivenWindow } from './options.ts';

export const widths: Readonly<Record<Bucket, number>> = { hour: hourMs, day: dayMs };
const usualDays: Readonly<Record<Bucket, number>> = { hour: 2, day: 30 };
const maxBuckets = 1000;

/** Checks the window and extends it to whole buckets. */
export function checkTrendWindow(check: OptionChecks, window: WindowOptions, bucket: Bucket): Window {
  const given = checkGivenWindow(check, window);
  const width = widths[bucket];
  const length = (given.days ?? usualDays[bucket]) * dayMs;
  const to = Math.ceil((given.to ?? Date.now() + 1) / width) * width;
  const from = Math.floor((given.from ?? to - length) / width) * width;
  if ((to - from) / width > maxBuckets) {
    const most = `more than ${maxBuckets} ${bucket}s`;
    given.from === undefined
      ? check.problem('days', `must not cover ${most}`)
      : check.problem('from', `must not be ${most} before to`);
  }
  const isEmpty = to < from || (given.from !== undefined && given.from === given.to);
  return { from, to: isEmpty ? from : to };
}
