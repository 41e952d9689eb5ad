import { expect, onTestFinished } from 'vitest';
import { type Analytics, type AnalyticsError, type AnalyticsOptions, createAnalytics } from '../../src/index.ts';
import { type TestClock, testClock } from './clock.ts';
import { skill } from './events.ts';
import { type FarSide, type FarSideOptions, farSide } from './far-side.ts';
import { expectBalanced } from './ledger.ts';

export interface Rig {
  readonly clock: TestClock;
  readonly side: FarSide;
  readonly analytics: Analytics;
  /** What `onError` was told. */
  readonly errors: readonly AnalyticsError[];
  /** Records one skill execution for each name. */
  record(...names: string[]): void;
}

/**
 * A client in front of one backend whose clock and far side are the test's. When the test is over, the ledger must be
 * balanced and the far side must have been treated as promised.
 */
export function rig(given: FarSideOptions = {}, options: Partial<AnalyticsOptions> = {}): Rig {
  const clock = testClock();
  const side = farSide(given);
  const errors: AnalyticsError[] = [];
  const analytics = createAnalytics({
    backends: [side],
    clock,
    random: () => 0.5,
    onError: (error) => void errors.push(error),
    ...options,
  });
  onTestFinished(async () => {
    expectBalanced(analytics);
    const closed = analytics.close({ timeoutMs: 0 });
    await clock.advance(100_000);
    await closed;
    expectBalanced(analytics);
    for (const backend of options.backends ?? [side]) {
      if ('trespasses' in backend) {
        expect(backend).toMatchObject({ trespasses: 0, closes: 1 });
      }
    }
  });
  return {
    clock,
    side,
    analytics,
    errors,
    record(...names) {
      for (const name of names) {
        analytics.record(skill(name));
      }
    },
  };
}
