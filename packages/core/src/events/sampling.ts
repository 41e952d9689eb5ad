import type { AnalyticsEvent } from './event.ts';

export interface SamplingOptions {
  readonly sampleRate: number;
  readonly slowMs: number;
}

/**
 * Decides which events to keep, and gives the kept ones their weight: the inverse of the probability that they were kept
 * (Horvitz–Thompson), which makes weighted counts and sums unbiased. Failures, slow executions and events other than
 * executions are always kept, with weight 1. All others within the same outermost execution (`rootId` returns the one under
 * way) are kept or left out together, so that costs can be traced to their callers.
 */
export function createSampler(
  { sampleRate, slowMs }: SamplingOptions,
  rootId: () => string | undefined,
): (event: AnalyticsEvent, rate?: number) => AnalyticsEvent | undefined {
  return (event, rate = sampleRate) => {
    if (rate === 1 || event.type !== 'execution' || !event.success || (event.latencyMs ?? 0) >= slowMs) {
      return event;
    }
    return chanceOf(rootId() ?? event.parentId ?? event.id) < rate ? { ...event, weight: 1 / rate } : undefined;
  };
}

/** Maps each id to a fixed number, 0 <= x < 1, evenly distributed: FNV-1a, whose high bits are then mixed with its low ones. */
function chanceOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0) / 2 ** 32;
}
