import type { Estimate } from '@toolweaver/analytics-core';

/** Two-sided 95 % of the normal distribution. */
const z = 1.959_963_984_540_054;

/** A share with the interval of Wilson (1927), which holds for few trials and for shares near 0 and 1, too. */
export function wilson(successes: number, trials: number): Estimate {
  if (trials === 0) {
    return { value: null, low: null, high: null };
  }
  const share = successes / trials;
  const middle = share + z ** 2 / (2 * trials);
  const margin = z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  const scale = 1 + z ** 2 / trials;
  return {
    value: share,
    low: Math.max(0, (middle - margin) / scale),
    high: Math.min(1, (middle + margin) / scale),
  };
}
