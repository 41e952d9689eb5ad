import { expect } from 'vitest';

/** A store keeps distributions instead of each latency. */
const percentiles: ReadonlySet<string> = new Set([
  'p50',
  'p95',
  'p99',
  'p50LatencyMs',
  'p95LatencyMs',
  'p99LatencyMs',
  'ms',
]);

/** Percentiles to within 1 %, and other numbers but for the last digits of a sum. */
export function expectSame(actual: unknown, expected: unknown, where = 'answer'): void {
  if (typeof actual === 'number' && typeof expected === 'number') {
    const tolerance = percentiles.has(where.slice(where.lastIndexOf('.') + 1)) ? 0.010_001 : 1e-9;
    const difference = Math.abs(actual - expected);
    expect(difference <= tolerance * Math.abs(expected), `${where} is ${actual}, should be ${expected}`).toBe(true);
  } else if (isObject(actual) && isObject(expected)) {
    expect(Object.keys(actual).sort(), where).toEqual(Object.keys(expected).sort());
    for (const key of Object.keys(expected)) {
      expectSame(actual[key], expected[key], `${where}.${key}`);
    }
  } else {
    expect(actual, where).toEqual(expected);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
