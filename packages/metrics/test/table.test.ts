import { expect, test } from 'vitest';
import { createTable } from '../src/table.ts';

test('a row is found by both of its keys, and by no one of them alone, however many there are', () => {
  const table = createTable();
  const column = table.columns(1);
  const keys = Array.from({ length: 40_000 }, (_, at) => [at % 200, Math.floor(at / 200)] as const);
  for (const [at, [first, second]] of keys.entries()) {
    expect(table.find(first, second)).toBe(-1);
    const row = table.add(first, second);
    table.values[row + column] = at;
  }
  for (const [at, [first, second]] of keys.entries()) {
    expect(table.values[table.find(first, second) + column]).toBe(at);
  }
  // Of each of these one key is known.
  for (let number = 0; number < 200; number += 1) {
    expect(table.find(number, 1000 + number)).toBe(-1);
    expect(table.find(1000 + number, number)).toBe(-1);
  }
});

test('a row without keys is never found, and keeps what is put there when others come', () => {
  const table = createTable();
  const column = table.columns(1);
  const row = table.addUnkeyed();
  table.values[row + column] = 5;
  for (let number = 0; number < 1000; number += 1) {
    table.add(number, 0);
  }
  expect(table.values[row + column]).toBe(5);
  expect(table.find(0, 1)).toBe(-1);
});
