import { checkLaw, laws, testBackend } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { control } from './control.ts';
import { mutants } from './mutants.ts';

describe('a healthy backend', () => {
  testBackend({ test, create: () => control() });
});

test('every law has a mutant, and every mutant a law', () => {
  expect(Object.keys(mutants).sort()).toEqual(laws.map(({ law }) => law).sort());
  expect(Object.entries(mutants).filter(([, ofLaw]) => Object.keys(ofLaw).length === 0)).toEqual([]);
});

test('no two laws are the same sentence', () => {
  expect(new Set(laws.map(({ law }) => law)).size).toBe(laws.length);
});

describe.each(laws)('"$law" finds the backend that', (law) => {
  test.each(Object.entries(mutants[law.law] ?? {}))('%s', async (_what, mutant) => {
    await expect(checkLaw(law, mutant, { timeoutMs: 500 })).rejects.toThrow();
  });
});
