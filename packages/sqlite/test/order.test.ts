import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byKindAndName, compareTexts, descending, inOrder } from '../src/answers/order.ts';

test('texts are ordered as SQLite orders them: by their bytes in UTF-8', () => {
  const unit = fc.constantFrom(
    '',
    'a',
    'B',
    '\0',
    'é',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '𐀀',
    '🧶',
    '\u{10ffff}',
  );
  const text = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''));
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(Math.sign(compareTexts(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }),
    { numRuns: 2000 },
  );
});

test('the first order that tells two apart decides; null comes last', () => {
  const rows = [
    { kind: 'tool', name: 'b', value: 1 },
    { kind: 'skill', name: 'b', value: null },
    { kind: 'tool', name: 'a', value: 1 },
    { kind: 'skill', name: 'z', value: 1 },
    { kind: 'skill', name: 'a', value: null },
    { kind: 'skill', name: 'm', value: 2 },
  ];
  const order = inOrder<(typeof rows)[number]>(
    descending(({ value }) => value),
    byKindAndName,
  );
  expect(rows.sort(order).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'skill m',
    'skill z',
    'tool a',
    'tool b',
    'skill a',
    'skill b',
  ]);
});
