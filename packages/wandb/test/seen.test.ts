import fc from 'fast-check';
import { expect, test } from 'vitest';
import { areRising, createSeen } from '../src/seen.ts';

const id = fc.uuid({ version: 7 });
const ids = fc.oneof(
  fc.array(id),
  fc.array(id).map((some) => some.sort()),
);

test('ids rise when each is greater than the one before it', () => {
  fc.assert(
    fc.property(ids, fc.oneof(id, fc.constant('')), (some, after) => {
      const expected = some.length > 0 && some.every((one, at) => one > (some[at - 1] ?? after));
      expect(areRising(some, after)).toBe(expected);
    }),
  );
  // Told apart by their last character alone.
  const stem = '0190a6e0-0000-7000-8000-00000000000';
  expect(areRising([`${stem}1`, `${stem}2`], '')).toBe(true);
  expect(areRising([`${stem}2`, `${stem}2`], '')).toBe(false);
  expect(areRising([`${stem}2`], `${stem}2`)).toBe(false);
});

test('what is no UUID is not compared byte by byte', () => {
  expect(areRising(['a', 'b'], '')).toBe(false);
});

test('an id is seen when one of the last batches had it', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 6 }), id, (batches, other) => {
      const seen = createSeen(1000);
      for (const batch of batches) {
        seen.add(batch);
      }
      const all = batches.flat();
      expect(seen.newest).toBe(all.reduce((newest, one) => (one > newest ? one : newest), ''));
      for (const one of all) {
        expect(seen.has(one)).toBe(true);
      }
      expect(seen.has(other)).toBe(all.includes(other));
    }),
  );
});
