import type { Clock } from '@toolweaver/analytics-core';
import { pause } from '@toolweaver/analytics-core/backend';
import { failureOf, isRefused } from './failure.ts';

/** Runs the work, and retries failed requests that may succeed later, until the signal is aborted. */
export async function retry(work: () => Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const { retryAfterMs } = error as { retryAfterMs?: number };
      if (failureOf(error) === undefined || isRefused(error) || signal.aborted || retryAfterMs === undefined) {
        throw error;
      }
      await pause(clock, retryAfterMs, signal);
    }
  }
}
