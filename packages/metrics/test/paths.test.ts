import { expect, test } from 'vitest';
import { createPaths, type Path } from '../src/paths.ts';

test('paths of one, two and three texts have numbers of their own, and keep them as others come', () => {
  const texts = Array.from({ length: 25 }, (_, at) => `${at}`);
  const paths = createPaths();
  const all = texts.flatMap((first) => [
    [first],
    ...texts.flatMap((second) => [[first, second], ...texts.map((third) => [first, second, third])]),
  ]) as unknown as Path[];
  const numbers = all.map((path) => paths.add(path as readonly string[]));
  // A path is also the beginning of longer ones.
  expect(new Set(numbers).size).toBe(all.length);
  expect(all.map((path) => paths.find(...path))).toEqual(numbers);
  expect(all.map((path) => paths.add(path as readonly string[]))).toEqual(numbers);
});

test('what was not added is not found, though its parts were', () => {
  const paths = createPaths();
  for (let number = 0; number < 100; number += 1) {
    paths.add([`first-${number}`, `second-${number}`, `third-${number}`]);
  }
  for (let number = 0; number < 100; number += 1) {
    const other = (number + 1) % 100;
    expect(paths.find(`first-${number}`, `second-${other}`)).toBe(-1);
    expect(paths.find(`first-${number}`, `second-${number}`, `third-${other}`)).toBe(-1);
    expect(paths.find(`first-${other}`, `second-${number}`, `third-${number}`)).toBe(-1);
  }
});
