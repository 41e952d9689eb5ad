import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retainedBytes } from '../../../test/support/memory.ts';
import { cleanId, cleanText, maxIdLength } from '../src/values/text.ts';
import { eventOf, minimal } from './support/normalize.ts';

const codes = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at));
const controls = [...codes(0x00, 0x1f), ...codes(0x7f, 0x9f)];
const lineCharacters = ['\t', '\n', '\r'];
/** Short and long texts are looked through in different ways. */
const beginnings = ['a', 'a'.repeat(30)];

describe('clean text', () => {
  test.each(['', 'plain', 'Grüße', '日本', '👩‍👩‍👧', '\u202eright to left', 'é'.normalize('NFD'), '\ufeff', '\u2028'])(
    '%j stays what it is',
    (text) => {
      expect(cleanText(text, 256)).toBe(text);
    },
  );

  test('every control character is replaced', () => {
    for (const beginning of beginnings) {
      for (const character of controls) {
        expect(cleanText(`${beginning}${character}b`, 256)).toBe(`${beginning}\ufffdb`);
      }
    }
  });

  test('text with lines keeps tabs and line breaks, and no other control character', () => {
    for (const beginning of beginnings) {
      for (const character of controls) {
        const expected = lineCharacters.includes(character) ? character : '\ufffd';
        expect(cleanText(`${beginning}${character}b`, 256, true)).toBe(`${beginning}${expected}b`);
      }
    }
  });

  test.each(['\ud800', 'a\udfffb', '\udc00\ud800', '👍\ud83d', '\ud83dx'])(
    'lone surrogates of %j are replaced',
    (text) => {
      expect(cleanText(text, 256)).toBe(text.toWellFormed());
    },
  );

  test('a neighbour of a replaced character is not touched', () => {
    expect(cleanText('👍\0👍', 256)).toBe('👍\ufffd👍');
  });

  test.each([
    ['x'.repeat(256), 256],
    ['x'.repeat(257), 256],
    ['x'.repeat(1e6), 256],
    [`${'x'.repeat(255)}👍`, 255],
    [`${'x'.repeat(254)}👍y`, 256],
    ['👍'.repeat(200), 256],
    [`${'x'.repeat(255)}\uffffy`, 256],
    ['\0'.repeat(300), 256],
  ])('is cut without halving a character', (text, length) => {
    const cut = cleanText(text, 256);
    expect(cut).toHaveLength(length);
    expect(cut.isWellFormed()).toBe(true);
  });

  test('is clean whatever it was, and cleaning it again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.boolean(), fc.nat(30), (text, lines, max) => {
        const clean = cleanText(text, max, lines);
        expect(clean.length).toBeLessThanOrEqual(max);
        expect(clean.isWellFormed()).toBe(true);
        expect(controls.filter((character) => clean.includes(character))).toEqual(
          lines ? lineCharacters.filter((character) => clean.includes(character)).sort() : [],
        );
        expect(cleanText(clean, max, lines)).toBe(clean);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('which text keeps its lines', () => {
  const torture = 'a\tb\nc\rd\0e\u009f';
  const flat = 'a\ufffdb\ufffdc\ufffdd\ufffde\ufffd';
  const lines = 'a\tb\nc\rd\ufffde\ufffd';

  test.each(['name', 'runId', 'userId', 'orgId', 'version', 'toolkit', 'model', 'provider'])('%s does not', (field) => {
    expect(eventOf({ ...minimal.execution, [field]: torture })).toMatchObject({ [field]: flat });
  });

  test('error messages, comments and paths do; error types, tags and names of metrics do not', () => {
    expect(eventOf({ ...minimal.execution, error: { type: torture, message: torture } })).toMatchObject({
      error: { type: flat, message: lines },
    });
    expect(eventOf({ ...minimal.rating, comment: torture })).toMatchObject({ comment: lines });
    expect(eventOf({ ...minimal.artifact, path: torture })).toMatchObject({ path: lines });
    expect(eventOf({ ...minimal.run, tags: [torture] })).toMatchObject({ tags: [flat] });
    expect(eventOf({ ...minimal.metrics, values: { [torture]: 1 } })).toMatchObject({ values: { [flat]: 1 } });
  });
});

test.each(['a\0b', `'; --`, '\ud800', '🧶'.repeat(200), '__proto__'])(
  'cleanId(%j) is the id as it is recorded',
  (id) => {
    const clean = cleanId(id);
    expect(eventOf({ ...minimal.execution, name: id, userId: id, orgId: id, runId: id })).toMatchObject({
      name: clean,
      userId: clean,
      orgId: clean,
      runId: clean,
    });
  },
);

describe('lengths', () => {
  const long = 'x'.repeat(10_000);
  test('ids and names end at 256, messages and comments at 1024, paths at 4096', () => {
    expect(eventOf({ ...minimal.execution, name: long, userId: long })).toMatchObject({
      name: 'x'.repeat(256),
      userId: 'x'.repeat(256),
    });
    expect(eventOf({ ...minimal.execution, error: { type: long, message: long } })).toMatchObject({
      error: { type: 'x'.repeat(256), message: 'x'.repeat(1024) },
    });
    expect(eventOf({ ...minimal.rating, comment: long })).toMatchObject({ comment: 'x'.repeat(1024) });
    expect(eventOf({ ...minimal.artifact, path: long })).toMatchObject({ path: 'x'.repeat(4096) });
  });

  test('what is cut off is not kept in memory', () => {
    const count = 400;
    const bytes = retainedBytes(() =>
      Array.from({ length: count }, (_, at) => cleanText(`${at}${'x'.repeat(1_000_000)}`, maxIdLength)),
    );
    // 256 UTF-16 units take 512 bytes; a reference to the original would keep 1 MB, a tree of its characters 8 KB.
    expect(bytes / count).toBeLessThan(2000);
  });
});
