import { AnalyticsError, type Clock, type ErrorCode, isAnalyticsError } from '@toolweaver/analytics-core';
import { tell } from '@toolweaver/analytics-core/backend';
import type { OtlpOptions } from './options.ts';

/** One a minute for each code. */
const intervalMs = 60_000;

/** Tells the host, at a bounded rate, what no call can be told of. What its function throws or rejects with is swallowed. */
export function createNotices(onNotice: OtlpOptions['onNotice'], clock: Clock): (notice: AnalyticsError) => void {
  const lastAt = new Map<ErrorCode, number>();
  return (notice) => {
    const now = clock.monotonic();
    if (now - (lastAt.get(notice.code) ?? Number.NEGATIVE_INFINITY) < intervalMs) {
      return;
    }
    lastAt.set(notice.code, now);
    tell(onNotice, notice);
  };
}

export function toAnalyticsError(thrown: unknown, backend: string): AnalyticsError {
  return isAnalyticsError(thrown)
    ? thrown
    : new AnalyticsError('INTERNAL', `${backend}: ${String(thrown)}`, { backend, cause: thrown });
}
