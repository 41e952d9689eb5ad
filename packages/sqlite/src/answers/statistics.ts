import type { Estimate } from '@toolweaver/analytics-core';
import { t95, z95 } from './student.ts';

// Estimates with 95 % confidence intervals.

/** Some values of which each counts by a weight. */
export interface Sample {
  /**
   * How many unweighted values say as much: (Σw)² / Σw² (Kish 1965). What sampling has thinned out by ten counts ten times in a
   * mean, but does not make it any surer.
   */
  readonly size: number;
  /** 0 without values. */
  readonly mean: number;
  /** Weighted mean of the squared deviations from the mean. */
  readonly spread: number;
}

const nothing: Estimate = { value: null, low: null, high: null };

/** A share with the interval of Wilson (1927), which holds for few trials and for shares near 0 and 1, too. */
export function wilson(successes: number, trials: number): Estimate {
  if (trials === 0) {
    return nothing;
  }
  const share = successes / trials;
  const middle = share + z95 ** 2 / (2 * trials);
  const margin = z95 * Math.sqrt((share * (1 - share)) / trials + z95 ** 2 / (4 * trials ** 2));
  const scale = 1 + z95 ** 2 / trials;
  return {
    value: share,
    // Of none and of all the interval ends at the share itself, which rounding would leave outside.
    low: Math.max(0, Math.min(share, (middle - margin) / scale)),
    high: Math.min(1, Math.max(share, (middle + margin) / scale)),
  };
}

/** The share among weighted trials: `mean` of a sample of zeros and ones. */
export function weightedShare({ size, mean }: Sample): Estimate {
  const { low, high } = wilson(mean * size, size);
  return size === 0 ? nothing : { value: mean, low, high };
}

/** How much larger the second share is: the interval of Newcombe (1998, method 10), made of the two of Wilson. */
export function newcombe(one: Estimate, other: Estimate): Estimate {
  if (!isKnown(one) || !isKnown(other)) {
    return nothing;
  }
  const value = other.value - one.value;
  return {
    value,
    low: value - Math.hypot(other.value - other.low, one.high - one.value),
    high: value + Math.hypot(other.high - other.value, one.value - one.low),
  };
}

/** The mean with Student's interval, of which two values or more can say something. */
export function student(sample: Sample): Estimate {
  return sample.size === 0 ? nothing : around(sample.mean, squaredError(sample), sample.size - 1);
}

/** How much larger the second mean is: the interval of Welch (1947), which does not take the variances for equal. */
export function welch(one: Sample, other: Sample): Estimate {
  if (one.size === 0 || other.size === 0) {
    return nothing;
  }
  const [first, second] = [squaredError(one), squaredError(other)];
  const squared = first + second;
  const degrees = 1 / ((first / squared) ** 2 / (one.size - 1) + (second / squared) ** 2 / (other.size - 1));
  return around(other.mean - one.mean, squared, degrees);
}

/** Of a mean; not a number for less than two values. */
function squaredError({ size, spread }: Sample): number {
  return size < 2 ? Number.NaN : spread / (size - 1);
}

function around(value: number, squared: number, degrees: number): Estimate {
  const margin = squared === 0 ? 0 : t95(Math.max(1, degrees)) * Math.sqrt(squared);
  return Number.isFinite(value + margin)
    ? { value, low: value - margin, high: value + margin }
    : { value: Number.isFinite(value) ? value : null, low: null, high: null };
}

function isKnown(estimate: Estimate): estimate is Estimate & Readonly<Record<keyof Estimate, number>> {
  return estimate.value !== null && estimate.low !== null && estimate.high !== null;
}
