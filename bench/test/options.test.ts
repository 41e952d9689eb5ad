import { isAbsolute } from 'node:path';
import { expect, test } from 'vitest';
import { measures } from '../src/figure.ts';
import { parseOptions } from '../src/options.ts';

test('without options everything is measured, at full length', () => {
  const { cache, ...options } = parseOptions([]);
  expect(options).toEqual({
    help: false,
    json: false,
    document: false,
    quick: false,
    only: measures,
    executions: 10_000_000,
  });
  expect(cache).toMatch(/bench[\\/]\.cache$/);
});

test.each([
  [['B3', 'B4', 'B5']],
  [['--json', 'B3', 'b4', 'B5']],
  [['b5', 'B4', '--json', 'B3', 'b3']],
  [['--only', 'b3,B4,b5']],
  [['b5', '--only', 'b3, b4']],
])('%j names three measures, taken in their own order', (args) => {
  const { only, json } = parseOptions(args);
  expect(only).toEqual(['b3', 'b4', 'b5']);
  expect(json).toBe(args.includes('--json'));
});

test('--quick asks of a smaller file, unless told how large it is to be', () => {
  expect(parseOptions(['--quick'])).toMatchObject({ quick: true, executions: 1_000_000 });
  expect(parseOptions(['--quick', '--executions', '5000'])).toMatchObject({ quick: true, executions: 5000 });
});

test('--cache is a folder, relative to the current one', () => {
  const { cache } = parseOptions(['--cache', 'somewhere']);
  expect(isAbsolute(cache)).toBe(true);
  expect(cache).toMatch(/somewhere$/);
});

test.each([
  [['--fast'], '--fast'],
  [['everything'], "'everything'; there are b1, b2, b2o, b3, b4, b5, b6, b7, b8, b10"],
  [['--only', 'b8,b99'], "'b99'; there are b1"],
  [['B3', 'B9'], "'b9'; there are b1"],
  [['--executions', 'many'], "from 1000 on, got 'many'"],
  [['--executions', '999'], "from 1000 on, got '999'"],
])('%j is refused, and why', (args, why) => {
  expect(() => parseOptions(args)).toThrow(why);
});
