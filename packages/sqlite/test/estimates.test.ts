import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newcombe, type Sample, student, weightedShare, welch, wilson } from '../src/answers/statistics.ts';
import { t95 } from '../src/answers/student.ts';
import * as oracle from './support/oracle-estimates.ts';

describe("Student's quantile", () => {
  // As printed in tables.
  test.each([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [7, 2.365],
    [10, 2.228],
    [15, 2.131],
    [20, 2.086],
    [30, 2.042],
    [40, 2.021],
    [60, 2.0],
    [120, 1.98],
    [1e9, 1.96],
  ])('of %d degrees of freedom is %d', (degrees, expected) => {
    expect(t95(degrees)).toBeCloseTo(expected, 3);
  });

  test('of one and of two degrees of freedom is what their closed forms say', () => {
    expect(t95(1)).toBeCloseTo(Math.tan(0.475 * Math.PI), 11);
    expect(t95(2)).toBeCloseTo(0.95 / Math.sqrt(2 * 0.975 * 0.025), 11);
  });

  test('of any degrees of freedom is what its density adds up to', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1000, noNaN: true }), (degrees) => {
        expect(Math.abs(t95(degrees) / oracle.t95(degrees) - 1)).toBeLessThan(1e-8);
      }),
      { numRuns: 40 },
    );
  });

  test('falls without a step to that of the normal distribution', () => {
    for (let degrees = 290; degrees < 310; degrees += 0.5) {
      const fall = t95(degrees) - t95(degrees + 0.5);
      expect(fall).toBeGreaterThan(0);
      expect(fall).toBeLessThan(2e-5);
    }
    expect(t95(1e300)).toBeCloseTo(1.959_963_984_540_054, 12);
  });
});

// Newcombe, Two-sided confidence intervals for the single proportion, and Interval estimation for the difference between
// independent proportions, Statistics in Medicine 17 (1998): method 3 of the one, tables I; method 10 of the other, table II.
describe('published intervals', () => {
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %d out of %d', (successes, trials, low, high) => {
    const found = wilson(successes, trials);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
    expect(found.value).toBe(successes / trials);
  });

  test('of none and of all hold the share itself', () => {
    for (let trials = 1; trials <= 2000; trials += 1) {
      expect(wilson(0, trials).low).toBe(0);
      expect(wilson(trials, trials).high).toBe(1);
    }
  });

  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('of %d / %d less %d / %d', (one, all, other, others, low, high) => {
    const found = newcombe(wilson(other, others), wilson(one, all));
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
    expect(found.value).toBeCloseTo(one / all - other / others, 12);
  });

  // Student's own data (The probable error of a mean, 1908): hours of sleep that two drugs gained. R's `t.test` says so.
  test('of the sleep of ten patients', () => {
    const first = sampleOf([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
    const second = sampleOf([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
    const found = welch(first, second);
    expect(found.value).toBeCloseTo(1.58, 12);
    expect(found.low).toBeCloseTo(-0.205_483_2, 6);
    expect(found.high).toBeCloseTo(3.365_483_2, 6);
  });
});

function sampleOf(values: readonly number[], weight = 1): Sample {
  const sum = (numberOf: (value: number) => number): number =>
    values.reduce((total, value) => total + weight * numberOf(value), 0);
  const mean = sum((value) => value) / sum(() => 1);
  return {
    size: sum(() => 1) ** 2 / sum(() => weight),
    mean,
    spread: sum((value) => (value - mean) ** 2) / sum(() => 1),
  };
}

const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 });

test('weights that are all alike make no interval narrower', () => {
  fc.assert(
    fc.property(values, values, fc.constantFrom(2, 10 / 3, 100), (one, other, weight) => {
      const [plain, weighted] = [1, weight].map((each) => welch(sampleOf(one, each), sampleOf(other, each)));
      for (const end of ['value', 'low', 'high'] as const) {
        expect(weighted?.[end]).toBeCloseTo(plain?.[end] ?? Number.NaN, 6);
      }
    }),
  );
});

test('an exchange of the sides turns an interval round', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      const [there, back] = [welch(sampleOf(one), sampleOf(other)), welch(sampleOf(other), sampleOf(one))];
      expect(there.low).toBeCloseTo(-Number(back.high), 8);
      expect(there.high).toBeCloseTo(-Number(back.low), 8);
    }),
  );
});

describe('too little to say', () => {
  const none: Sample = { size: 0, mean: 0, spread: Number.NaN };
  const one = sampleOf([5]);
  const two = sampleOf([5, 7]);
  const unknown = { value: null, low: null, high: null };

  test('of nothing is unknown', () => {
    expect(wilson(0, 0)).toEqual(unknown);
    expect(weightedShare(none)).toEqual(unknown);
    expect(student(none)).toEqual(unknown);
    expect(welch(none, two)).toEqual(unknown);
    expect(welch(two, none)).toEqual(unknown);
    expect(newcombe(unknown, wilson(1, 2))).toEqual(unknown);
  });

  test('of one value is that value, without an interval', () => {
    expect(student(one)).toEqual({ value: 5, low: null, high: null });
    expect(welch(one, two)).toEqual({ value: 1, low: null, high: null });
  });

  test('of two values is an interval, whatever each of them weighs', () => {
    for (let percent = 1; percent <= 100; percent += 1) {
      const { low, high } = student(sampleOf([5, 7], 100 / percent));
      expect([low, high]).toEqual([expect.any(Number), expect.any(Number)]);
    }
  });

  test('of values that are all the same is exact', () => {
    expect(student(sampleOf([3, 3, 3]))).toEqual({ value: 3, low: 3, high: 3 });
    expect(welch(sampleOf([3, 3]), sampleOf([4, 4]))).toEqual({ value: 1, low: 1, high: 1 });
  });

  test('of numbers too large to be squared has no interval', () => {
    expect(student(sampleOf([1e300, 2e300]))).toMatchObject({ low: null, high: null });
  });
});
