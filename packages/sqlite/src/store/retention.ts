import type { OptionChecks } from '@toolweaver/analytics-core/backend';
import { dayMs, hourMs } from '../cell.ts';
import { latestMs } from '../sequence.ts';
import type { Thread } from '../thread.ts';
import type { PrunePlan } from './prune.ts';

/** Limits on what is kept; undefined means no limit. */
export interface Limits {
  readonly retentionDays?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/** Hourly cells are kept at least this long, as they answer for times whose executions are gone. */
const leastHourlyDays = 90;
/** Clocks are routinely adjusted by less than this. */
const clockToleranceMs = 60_000;

/** The minimum of `maxBytes`: a database without events takes some space, too. */
const leastMaxBytes = 1024 * 1024;

/** Checks the limits; 0 becomes undefined, no limit. */
export function checkLimits(check: OptionChecks, limits: Limits): Limits {
  const maxBytes = check.number('maxBytes', limits.maxBytes, { min: 0 });
  if (maxBytes !== undefined && maxBytes > 0 && maxBytes < leastMaxBytes) {
    check.problem('maxBytes', `must be 0 or at least ${leastMaxBytes}, got ${maxBytes}`);
  }
  return {
    retentionDays: check.number('retentionDays', limits.retentionDays, { min: 0 }) || undefined,
    maxBytes: maxBytes || undefined,
  };
}

export function limitsPlan({ retentionDays, maxBytes }: Limits, now: number): PrunePlan {
  return {
    now,
    ...(retentionDays !== undefined && { before: daysAgo(retentionDays, now) }),
    hoursBefore: daysAgo(Math.max(retentionDays ?? 0, leastHourlyDays), now),
    ...(maxBytes !== undefined && { maxBytes }),
  };
}

/** Ignores a clock outside the valid range of event times: then nothing counts as old. */
function daysAgo(days: number, now: number): number {
  const at = Math.floor(now - days * dayMs);
  return at > 0 && now <= latestMs ? at : 0;
}

/** Prunes now and every hour; after a failure the next hour tries again. Returns a function that stops it. */
export function keepPruning(writer: Thread, limits: Limits): () => void {
  if (limits.retentionDays === undefined && limits.maxBytes === undefined) {
    return () => {};
  }
  const startedAt = Date.now();
  const started = performance.now();
  function prune(): void {
    const now = Date.now();
    const elapsed = startedAt + performance.now() - started;
    const plan = limitsPlan(limits, now);
    const request =
      now - elapsed > clockToleranceMs
        ? ({ op: 'prune', plan, cautious: limitsPlan(limits, elapsed) } as const)
        : ({ op: 'prune', plan } as const);
    writer.call(request).catch(() => {});
  }
  prune();
  const timer = setInterval(prune, hourMs).unref();
  return () => clearInterval(timer);
}
