import type { AnalyticsEvent } from './event.ts';

export interface SamplingOptions {
  readonly sampleRate: number;
  readonly slowMs: number;
  readonly random: () => number;
}

/**
 * Decides which events to keep, and gives the kept ones their weight: the inverse of the probability that they were kept
 * (Horvitz–Thompson), which makes weighted counts and sums unbiased. Failures, slow executions and everything that is no
 * execution are kept for certain, with weight 1.
 */
export function createSampler({
  sampleRate,
  slowMs,
  random,
}: SamplingOptions): (event: AnalyticsEvent, rate?: number) => AnalyticsEvent | undefined {
  return (event, rate = sampleRate) => {
    if (rate === 1 || event.type !== 'execution' || !event.success || (event.latencyMs ?? 0) >= slowMs) {
      return event;
    }
    return random() < rate ? { ...event, weight: 1 / rate } : undefined;
  };
}
