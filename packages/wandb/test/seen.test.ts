import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeen } from '../src/events/seen.ts';

const id = fc.uuid({ version: 7 });
const ids = fc.oneof(
  fc.array(id),
  fc.array(id).map((some) => some.sort()),
);

test('ids are plainly new when each is greater than the one before it, and than all before', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 4 }), (batches) => {
      const seen = createSeen(1000);
      let newest = '';
      for (const batch of batches) {
        const expected = batch.every((one, at) => one > (batch[at - 1] ?? newest));
        expect(seen.areNew(batch)).toBe(expected);
        newest = [newest, ...batch].reduce((greatest, one) => (one > greatest ? one : greatest));
      }
    }),
  );
});

test('an id was seen when one of the batches had it', () => {
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 6 }), id, (batches, other) => {
      const seen = createSeen(1000);
      for (const batch of batches) {
        seen.add(batch);
      }
      const all = batches.flat();
      expect(all.every(seen.has)).toBe(true);
      expect(seen.has(other)).toBe(all.includes(other));
    }),
  );
});

test('of the oldest batches nothing is kept', () => {
  const seen = createSeen(2);
  seen.add(['a']);
  seen.add(['b', 'c']);
  expect(['a', 'b', 'c'].map(seen.has)).toEqual([false, true, true]);
});
