import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvSplitter, guardFormula, toCsvLine, unguardFormula } from '../src/transfer/csv.ts';
import type { TextRecord } from '../src/transfer/records.ts';
import { fromPieces } from '../src/transfer/source.ts';
import { cut, places } from './support/pieces.ts';

function split(pieces: readonly string[], maxLength?: number): TextRecord<string[]>[] {
  const { push, end } = csvSplitter(maxLength);
  return [...pieces.flatMap(push), ...end()];
}

const valuesOf = (records: readonly TextRecord<string[]>[]): unknown[] =>
  records.map((record) => ('value' in record ? record.value : { line: record.line, problem: record.problem }));

/** What csv-parse makes of a text; undefined when it refuses it. */
function oracle(text: string): string[][] | undefined {
  try {
    return parse(text, { relax_column_count: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] });
  } catch {
    return undefined;
  }
}

/** No NUL: behind a closing quote csv-parse takes it for the end of the cell. */
const letters = ['a', 'b', ',', ',', '"', '"', '\n', '\r', '\r\n', ' ', 'é', '🧶', '\t', "'"];
const texts = fc.string({ unit: fc.constantFrom(...letters), maxLength: 40 });

describe('reading', () => {
  test('finds what csv-parse finds in any text, wherever it is cut, and refuses what csv-parse refuses', () => {
    let refused = 0;
    fc.assert(
      fc.property(texts, places, (text, cuts) => {
        const records = split(cut(text, cuts));
        expect(records).toEqual(split([text]));
        const expected = oracle(text);
        if (expected === undefined) {
          refused += 1;
          expect(records.some((record) => 'problem' in record)).toBe(true);
        } else {
          expect(valuesOf(records)).toEqual(expected);
        }
      }),
      { numRuns: 5000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  test('finds what was written, and so does csv-parse', () => {
    const table = fc.array(fc.array(fc.oneof(texts, fc.string({ unit: 'binary' })), { minLength: 2, maxLength: 5 }));
    fc.assert(
      fc.property(table, places, (rows, cuts) => {
        const text = rows.map(toCsvLine).join('');
        expect(valuesOf(split(cut(text, cuts)))).toEqual(rows);
        expect(oracle(text)).toEqual(rows);
      }),
    );
  });

  test.each([
    ['a,b\r\n"1\n2\r\n3",x\n\n\r\nc,"d"\re,f', [1, 2, 7, 8]],
    ['a,b\r"1\r2\r""\n3",x\rc,d', [1, 2, 6]],
  ])('says in which line each record starts, wherever it is cut: %j', (text, lines) => {
    for (let at = 0; at < text.length; at += 1) {
      expect(split([text.slice(0, at), text.slice(at)]).map(({ line }) => line)).toEqual(lines);
    }
  });

  test.each([
    [
      'a,b"c\nd,e\n',
      [{ line: 1, problem: 'has a quote within a cell that does not start with one (line 1)' }, ['d', 'e']],
    ],
    ['"a"b,c\nd,e', [{ line: 1, problem: 'has text right behind a closing quote (line 1)' }, ['d', 'e']]],
    [
      'x\n"a\nb" c\n"d",e\n',
      [['x'], { line: 2, problem: 'has text right behind a closing quote (line 3)' }, ['d', 'e']],
    ],
    ['a,b\n"c,d\ne,f\n', [['a', 'b'], { line: 2, problem: 'has a quote that is never closed' }]],
  ])('goes on behind a mistake: %j', (text, expected) => {
    expect(valuesOf(split([text]))).toEqual(expected);
    expect(valuesOf(split([...text]))).toEqual(expected);
  });

  test('a cell of millions of characters in thousands of pieces is one cell', () => {
    const long = `${'x"\n,🧶'.repeat(100_000)}end`;
    const text = toCsvLine(['before', long, 'after']);
    const pieces = cut(
      text,
      Array.from({ length: 5000 }, (_, at) => at * 211),
    );
    expect(valuesOf(split(pieces))).toEqual([['before', long, 'after']]);
  });

  test('a record that is too long is refused, and not kept', () => {
    const text = `a,b\n"${'x'.repeat(500)}\n","y"\nc,d\n`;
    const pieces = cut(
      text,
      Array.from({ length: 60 }, (_, at) => at * 10),
    );
    expect(valuesOf(split(pieces, 100))).toEqual([
      ['a', 'b'],
      { line: 2, problem: 'is longer than 100 characters; is a quote not closed?' },
      { line: 3, problem: expect.any(String) },
      ['c', 'd'],
    ]);
  });
});

describe('decoding', () => {
  const decode = (pieces: readonly Uint8Array[]): Promise<string> => text(fromPieces(pieces).pieces);

  test('gives the same text wherever its bytes are cut, with or without a byte order mark', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), places, fc.boolean(), async (given, cuts, mark) => {
        const bytes = Buffer.from(`${mark ? '\ufeff' : ''}${given}`);
        const plain = mark || !given.startsWith('\ufeff') ? given : given.slice(1);
        expect(await decode(cut(bytes, cuts))).toBe(plain);
      }),
    );
  });

  test('puts U+FFFD in the place of what is no UTF-8', async () => {
    expect(await decode([Buffer.from('caf\xe9\n', 'latin1')])).toBe('caf\ufffd\n');
    expect(await decode([Buffer.from('🧶').subarray(0, 3)])).toBe('\ufffd');
  });

  test.each([
    ['UTF-16', Buffer.from('\ufeffid,at\n', 'utf16le'), /UTF-16: save it as UTF-8/],
    ['compressed', Buffer.from('1f8b0800', 'hex'), /compressed: give it a name that ends in .gz/],
  ])('refuses what is %s', async (_, bytes, message) => {
    await expect(decode([bytes])).rejects.toThrow(message);
  });
});

describe('formulas', () => {
  test.each([';', '\t'])('behind %j, which some spreadsheets take for a comma, stay within their cell', (separator) => {
    expect(toCsvLine([`a${separator}=1+1`, 'b'])).toBe(`"a${separator}=1+1",b\r\n`);
  });

  const cells = fc.oneof(
    fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', '＝', 'a', ' '), maxLength: 6 }),
    fc.string({ unit: 'binary' }),
  );

  test('are guarded, and come back as they were', () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const guarded = guardFormula(cell);
        expect(guarded).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
        expect(unguardFormula(guarded)).toBe(cell);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', "'=1"])('%j gets an apostrophe', (cell) => {
    expect(guardFormula(cell)).toBe(`'${cell}`);
  });

  test.each(['plain', "it's", "'quoted'", '', 'a=1', '1-1'])('%j stays as it is', (cell) => {
    expect(guardFormula(cell)).toBe(cell);
  });
});
