import { expect, test } from 'vitest';
import { figure } from '../src/figure.ts';
import { interleave, paired, quantileOf, summarize } from '../src/measure.ts';

test('a sample is a median between its extremes', () => {
  expect(summarize([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, rounds: 3 });
  expect(summarize([4, 1, 2, 10])).toEqual({ median: 3, low: 1, high: 10, rounds: 4 });
  expect(summarize([7])).toEqual({ median: 7, low: 7, high: 7, rounds: 1 });
});

test('arms are compared within each round', () => {
  const ratio = paired([10, 40, 9], [5, 20, 3], (left, right) => left / right);
  expect(ratio).toEqual({ median: 2, low: 2, high: 3, rounds: 3 });
});

test('arms take turns forwards and backwards, and the first round does not count', async () => {
  const calls: string[] = [];
  const arm = (name: string) => () => calls.push(name);
  const results = await interleave(2, { a: arm('a'), b: arm('b') }, () => {});
  expect(calls.join('')).toBe('abbaab');
  expect(results).toEqual({ a: [4, 5], b: [3, 6] });
});

test('a verdict follows from value and target', () => {
  const verdict = (value: number, target?: { op: '<=' | '>='; value: number }) =>
    figure({ measure: 'b3', name: 'x', unit: 'ratio', ...(target && { target }) }, summarize([value])).verdict;
  expect(verdict(1.2, { op: '>=', value: 1.2 })).toBe('met');
  expect(verdict(1.19, { op: '>=', value: 1.2 })).toBe('missed');
  expect(verdict(2, { op: '<=', value: 2 })).toBe('met');
  expect(verdict(2.01, { op: '<=', value: 2 })).toBe('missed');
  expect(verdict(5)).toBe('stated');
});

test('a quantile is the smallest value that enough of the others do not exceed', () => {
  expect(quantileOf([4, 2, 1, 3], 0.5)).toBe(2);
  expect(quantileOf([4, 2, 1, 3], 0.51)).toBe(3);
  expect(quantileOf([10, 9], 0.95)).toBe(10);
  expect(quantileOf([7], 0.01)).toBe(7);
});
