import { expect, test } from 'vitest';
import { memoized } from '../src/memo.ts';

test('each name is looked up once, also where there is nothing to be found', () => {
  const asked: string[] = [];
  const find = memoized(3, (name) => {
    asked.push(name);
    return name === 'nothing' ? undefined : name.length;
  });
  for (let round = 0; round < 3; round += 1) {
    expect(['one', 'three', 'nothing'].map(find)).toEqual([3, 5, undefined]);
  }
  expect(asked).toEqual(['one', 'three', 'nothing']);
});

test('names beyond the bound are found as before, and take the room of the earlier ones', () => {
  const asked: string[] = [];
  const find = memoized(2, (name) => {
    asked.push(name);
    return name.length;
  });
  expect(['a', 'bb', 'ccc', 'ccc', 'a'].map(find)).toEqual([1, 2, 3, 3, 1]);
  expect(asked).toEqual(['a', 'bb', 'ccc', 'a']);
});
