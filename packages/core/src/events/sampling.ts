import type { AnalyticsEvent } from './event.ts';

export interface SamplingOptions {
  readonly sampleRate: number;
  readonly slowMs: number;
}

/**
 * Decides which events to keep, and gives the kept ones their weight: the inverse of the probability that they were kept
 * (Horvitz–Thompson), which makes weighted counts and sums unbiased. Failures, slow executions and everything that is no
 * execution are kept for certain, with weight 1. Of the others, what is within the same outermost execution is kept or left out
 * together, so that costs still find their callers: `rootId` says which one is under way.
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

/** Of the same id always the same number, 0 <= x < 1, evenly spread: FNV-1a, whose high bits are then mixed with its low ones. */
function chanceOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0) / 2 ** 32;
}
