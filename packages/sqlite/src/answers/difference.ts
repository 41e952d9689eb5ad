import type { Difference } from '@toolweaver/analytics-core';
import type { Samples } from './sample.ts';
import { newcombe, weightedShare, welch } from './statistics.ts';

/** The second minus the first. */
export function differenceOf(one: Samples, other: Samples): Difference {
  return {
    successRate: newcombe(weightedShare(one.success), weightedShare(other.success)),
    averageLatencyMs: welch(one.latencyMs, other.latencyMs),
    averageCostUsd: welch(one.costUsd, other.costUsd),
  };
}
