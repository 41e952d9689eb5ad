import type { Difference, Estimate, ExecutionEvent } from '@toolweaver/analytics-core';

// Estimates by the textbook, of as many executions as the laws have.

const z = 1.959963984540054;
/** Quantiles of Student's distribution for one and two degrees of freedom. */
const t95 = [Number.NaN, 12.706204736174696, 4.302652729749463];
const nothing: Estimate = { value: null, low: null, high: null };

type Values = readonly (readonly [value: number | undefined, weight: number])[];

function sampleOf(values: Values): { size: number; mean: number; squaredError: number } {
  const known = values.flatMap(([value, weight]) => (value === undefined ? [] : [{ value, weight }]));
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  const size = total ** 2 / known.reduce((sum, { weight }) => sum + weight ** 2, 0) || 0;
  const mean = known.reduce((sum, { value, weight }) => sum + value * weight, 0) / total;
  const spread = known.reduce((sum, { value, weight }) => sum + weight * (value - mean) ** 2, 0) / total;
  return { size, mean, squaredError: spread / (size - 1) };
}

const successesOf = (events: readonly ExecutionEvent[]): Values =>
  events.map(({ success, weight = 1 }) => [success ? 1 : 0, weight]);
const latenciesOf = (events: readonly ExecutionEvent[]): Values =>
  events.map(({ latencyMs, weight = 1 }) => [latencyMs, weight]);
const pricesOf = (events: readonly ExecutionEvent[]): Values =>
  events.map(({ cost, weight = 1 }) => [cost && cost.nanoUsd / 1e9, weight]);

/** Wilson's interval. */
export function shareOf(events: readonly ExecutionEvent[]): Estimate {
  const { size, mean } = sampleOf(successesOf(events));
  const margin = z * Math.sqrt((mean * (1 - mean)) / size + z ** 2 / (4 * size ** 2));
  const at = (sign: number): number => (mean + z ** 2 / (2 * size) + sign * margin) / (1 + z ** 2 / size);
  return size === 0 ? nothing : { value: mean, low: Math.max(0, at(-1)), high: Math.min(1, at(1)) };
}

function around(value: number, margin: number): Estimate {
  return Number.isNaN(margin) ? { value, low: null, high: null } : { value, low: value - margin, high: value + margin };
}

/** Student's interval. */
function meanOf(values: Values): Estimate {
  const { size, mean, squaredError } = sampleOf(values);
  return size === 0 ? nothing : around(mean, (t95[size - 1] ?? Number.NaN) * Math.sqrt(squaredError));
}

export const averageLatencyOf = (events: readonly ExecutionEvent[]): Estimate => meanOf(latenciesOf(events));
export const averageCostOf = (events: readonly ExecutionEvent[]): Estimate => meanOf(pricesOf(events));

/** Welch's interval. */
function differenceOfMeans(first: Values, second: Values): Estimate {
  const [one, other] = [sampleOf(first), sampleOf(second)];
  if (one.size === 0 || other.size === 0) {
    return nothing;
  }
  const sum = one.squaredError + other.squaredError;
  const degrees = sum ** 2 / (one.squaredError ** 2 / (one.size - 1) + other.squaredError ** 2 / (other.size - 1));
  return around(other.mean - one.mean, (t95[Math.round(degrees)] ?? Number.NaN) * Math.sqrt(sum));
}

/** Newcombe's interval. */
function differenceOfShares(one: Estimate, other: Estimate): Estimate {
  const [a, b] = [one, other].map(({ value, low, high }) => ({ value: value ?? 0, low: low ?? 0, high: high ?? 0 }));
  if (one.value === null || other.value === null || a === undefined || b === undefined) {
    return nothing;
  }
  const value = b.value - a.value;
  return {
    value,
    low: value - Math.hypot(b.value - b.low, a.high - a.value),
    high: value + Math.hypot(b.high - b.value, a.value - a.low),
  };
}

export function differenceOf(one: readonly ExecutionEvent[], other: readonly ExecutionEvent[]): Difference {
  return {
    successRate: differenceOfShares(shareOf(one), shareOf(other)),
    averageLatencyMs: differenceOfMeans(latenciesOf(one), latenciesOf(other)),
    averageCostUsd: differenceOfMeans(pricesOf(one), pricesOf(other)),
  };
}
