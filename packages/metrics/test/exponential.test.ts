import type { ExponentialValue } from '@toolweaver/analytics-metrics';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newExponential, observeExponential } from '../src/exponential.ts';

function seriesOf(observed: readonly number[]): ExponentialValue {
  const series = newExponential();
  for (const value of observed) {
    observeExponential(series, value, 1);
  }
  return series;
}

/** Lower and upper bound of a bucket. */
const bounds = ({ scale, offset }: ExponentialValue, at: number): [number, number] => {
  const width = 2 ** -scale;
  return [2 ** ((offset + at) * width), 2 ** ((offset + at + 1) * width)];
};

test('each value is in the bucket that holds it, whatever range they span', () => {
  const value = fc.oneof(
    fc.double({ min: 0, max: 1e9, noNaN: true }),
    fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
    fc.integer({ min: -30, max: 40 }).map((power) => 2 ** power),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300 }), (observed) => {
      const series = seriesOf(observed);
      const positive = observed.filter((one) => one > 0).sort((one, other) => one - other);
      expect(series.zeroCount).toBe(observed.length - positive.length);
      expect(series.counts.reduce((all, one) => all + one, series.zeroCount)).toBe(observed.length);
      expect(series.counts.length).toBeLessThanOrEqual(160);
      let from = 0;
      for (const [at, count] of series.counts.entries()) {
        const [low, high] = bounds(series, at);
        const inside = positive.slice(from, from + count);
        // The bounds themselves are rounded.
        expect(inside.every((one) => one >= low * (1 - 1e-12) && one <= high * (1 + 1e-12))).toBe(true);
        from += count;
      }
      expect(from).toBe(positive.length);
    }),
  );
});

test('counts of weighted values are whole, add up to their weight, and never fall', () => {
  const value = fc.double({ min: 0, max: 1e6, noNaN: true });
  const weight = fc.double({ min: 0.1, max: 1000, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, weight), { maxLength: 300 }), (observed) => {
      const series = newExponential();
      let weights = 0;
      let sum = 0;
      let before = 0;
      for (const [one, itsWeight] of observed) {
        observeExponential(series, one, itsWeight);
        weights += itsWeight;
        sum += one * itsWeight;
        const all = [series.zeroCount, ...series.counts];
        const count = all.reduce((total, each) => total + each, 0);
        expect(all.every(Number.isInteger)).toBe(true);
        expect(count).toBeGreaterThanOrEqual(before);
        // What is left of a whole one waits for those that follow.
        expect(weights - count).toBeGreaterThan(-1e-6);
        expect(weights - count).toBeLessThan(1 + 1e-6);
        before = count;
      }
      expect(series.sum).toBe(sum);
    }),
  );
});

test('powers of two are the upper bound of their bucket', () => {
  for (const scale of [0, -1, 2]) {
    const series = { ...newExponential(), scale };
    observeExponential(series, 8, 1);
    expect(bounds(series, 0)[1]).toBe(scale === -1 ? 16 : 8);
  }
});

test('so are all powers of the base, though the logarithm of some is off by its last bit', () => {
  for (let power = 1; power <= 20_000; power += 1) {
    const series = seriesOf([2 ** (power / 1024)]);
    expect({ power, offset: series.offset }).toEqual({ power, offset: power - 1 });
  }
});

test('the resolution is as fine as 160 buckets allow', () => {
  expect(seriesOf([2, 2 ** 160]).scale).toBe(0);
  expect(seriesOf([2, 2 ** 161]).scale).toBe(-1);
  const narrow = seriesOf([100, 101]);
  expect(narrow.scale).toBe(10);
  const wide = seriesOf([1.5, 1_000_000]);
  expect(wide.scale).toBe(3);
});
