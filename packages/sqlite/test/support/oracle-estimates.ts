import type { Difference, Estimate, ExecutionEvent } from '@toolweaver/analytics-core';
import { add, weightOf } from './oracle.ts';

// Confidence intervals straight from their definitions: bounds are searched for, and Student's distribution is added up.

/** A value and the weight that it counts by. */
type Weighed = readonly (readonly [value: number, weight: number])[];

const z = 1.959_963_984_540_054;
const unknown: Estimate = { value: null, low: null, high: null };

/** Where a function that rises or falls passes a value. */
function solve(low: number, high: number, isBeyond: (x: number) => boolean): number {
  let [inside, outside] = [low, high];
  for (let step = 0; step < 50; step += 1) {
    const middle = (inside + outside) / 2;
    if (isBeyond(middle)) {
      outside = middle;
    } else {
      inside = middle;
    }
  }
  return (inside + outside) / 2;
}

/** The shares that the one found would not be surprising for. */
function shareOf(share: number, trials: number): Estimate {
  const isSurprising = (p: number): boolean => Math.abs(share - p) > z * Math.sqrt((p * (1 - p)) / trials);
  return {
    value: share,
    low: share === 0 ? 0 : solve(share, 0, isSurprising),
    high: share === 1 ? 1 : solve(share, 1, isSurprising),
  };
}

/** t = √degrees · tan θ has the density of cos θ to the power of degrees - 1. */
export function t95(degrees: number): number {
  const cells = 4000;
  // θ = π/2 · (1 - (1 - u)³): the steps get small where the power may have a kink.
  const density = (u: number): number => {
    const rest = 1 - u;
    return Math.sin((Math.PI / 2) * rest ** 3) ** (degrees - 1) * rest ** 2;
  };
  const area = (to: number): number => {
    const step = to / cells;
    return (
      (step / 3) *
      add(Array.from({ length: cells + 1 }, (_, at) => (at % cells === 0 ? 1 : 2 + 2 * (at % 2)) * density(at * step)))
    );
  };
  const whole = area(1);
  const u = solve(0, 1, (to) => area(to) > 0.95 * whole);
  return Math.sqrt(degrees) / Math.tan((Math.PI / 2) * (1 - u) ** 3);
}

interface Mean {
  readonly value: number;
  /** Of the mean. */
  readonly variance: number;
  readonly size: number;
}

function meanOf(values: Weighed): Mean | undefined {
  if (values.length === 0) {
    return undefined;
  }
  const weight = add(values.map(([, each]) => each));
  const size = weight ** 2 / add(values.map(([, each]) => each ** 2));
  const value = add(values.map(([one, each]) => one * each)) / weight;
  const spread = add(values.map(([one, each]) => each * (one - value) ** 2)) / weight;
  return { value, variance: spread / (size - 1), size };
}

function around(value: number, variance: number, degrees: number): Estimate {
  const margin = variance === 0 ? 0 : t95(degrees) * Math.sqrt(variance);
  return { value, low: value - margin, high: value + margin };
}

const isEnough = ({ size }: Mean): boolean => size > 1.999_999;

export function averageOf(values: Weighed): Estimate {
  const mean = meanOf(values);
  if (mean === undefined) {
    return unknown;
  }
  return isEnough(mean) ? around(mean.value, mean.variance, mean.size - 1) : { ...unknown, value: mean.value };
}

function averageDifference(one: Weighed, other: Weighed): Estimate {
  const [first, second] = [meanOf(one), meanOf(other)];
  if (first === undefined || second === undefined) {
    return unknown;
  }
  const value = second.value - first.value;
  if (!isEnough(first) || !isEnough(second)) {
    return { ...unknown, value };
  }
  const variance = first.variance + second.variance;
  const degrees = variance ** 2 / (first.variance ** 2 / (first.size - 1) + second.variance ** 2 / (second.size - 1));
  return around(value, variance, degrees);
}

export function shareEstimate(values: Weighed): Estimate {
  const mean = meanOf(values);
  return mean === undefined ? unknown : shareOf(mean.value, mean.size);
}

function shareDifference(one: Weighed, other: Weighed): Estimate {
  const [first, second] = [shareEstimate(one), shareEstimate(other)] as Record<keyof Estimate, number>[];
  if (first === undefined || second === undefined || first.value === null || second.value === null) {
    return unknown;
  }
  const value = second.value - first.value;
  return {
    value,
    low: value - Math.sqrt((second.value - second.low) ** 2 + (first.high - first.value) ** 2),
    high: value + Math.sqrt((second.high - second.value) ** 2 + (first.value - first.low) ** 2),
  };
}

export const successes = (executions: readonly ExecutionEvent[]): Weighed =>
  executions.map((event) => [Number(event.success), weightOf(event)]);
export const latencies = (executions: readonly ExecutionEvent[]): Weighed =>
  executions.flatMap((event) => (event.latencyMs === undefined ? [] : [[event.latencyMs, weightOf(event)] as const]));
export const costs = (executions: readonly ExecutionEvent[]): Weighed =>
  executions.flatMap((event) =>
    event.cost === undefined ? [] : [[event.cost.nanoUsd / 1e9, weightOf(event)] as const],
  );

export function difference(one: readonly ExecutionEvent[], other: readonly ExecutionEvent[]): Difference {
  return {
    successRate: shareDifference(successes(one), successes(other)),
    averageLatencyMs: averageDifference(latencies(one), latencies(other)),
    averageCostUsd: averageDifference(costs(one), costs(other)),
  };
}
