import type { Estimate } from '@toolweaver/analytics-core';
import { t95, z95 } from './student.ts';

// Estimates with 95 % confidence intervals.

/** A sample of weighted values. */
export interface Sample {
  /**
   * The effective size: the number of unweighted values that say as much, (Σw)² / Σw² (Kish 1965). A value that sampling kept as
   * one of ten counts ten times in a mean, but does not make it more certain.
   */
  readonly size: number;
  /** 0 without values. */
  readonly mean: number;
  /** Weighted mean of the squared deviations from the mean. */
  readonly spread: number;
}

const nothing: Estimate = { value: null, low: null, high: null };

/** A share with the interval of Wilson (1927), which is also valid for few trials and for shares near 0 and 1. */
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
    // For no or only successes the interval ends at the share itself, which rounding would put outside.
    low: Math.max(0, Math.min(share, (middle - margin) / scale)),
    high: Math.min(1, Math.max(share, (middle + margin) / scale)),
  };
}

/** The share of successes in weighted trials: `mean` of a sample of zeros and ones. */
export function weightedShare({ size, mean }: Sample): Estimate {
  const { low, high } = wilson(mean * size, size);
  return size === 0 ? nothing : { value: mean, low, high };
}

/** The second share minus the first, with the interval of Newcombe (1998, method 10), made of the two of Wilson. */
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

/** The mean with Student's interval, which needs at least two values. */
export function student(sample: Sample): Estimate {
  return sample.size === 0 ? nothing : around(sample.mean, squaredError(sample), sample.size - 1);
}

/** The second mean minus the first, with the interval of Welch (1947), which does not assume equal variances. */
export function welch(one: Sample, other: Sample): Estimate {
  if (one.size === 0 || other.size === 0) {
    return nothing;
  }
  const [first, second] = [squaredError(one), squaredError(other)];
  const squared = first + second;
  const degrees = 1 / ((first / squared) ** 2 / (one.size - 1) + (second / squared) ** 2 / (other.size - 1));
  return around(other.mean - one.mean, squared, degrees);
}

/** The squared standard error of a mean; NaN for less than two values. */
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
