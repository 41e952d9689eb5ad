import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { addNumber, addText, endRow, newRows, type Rows, shapeOf } from '../src/encoding/batch.ts';
import { crc32Of } from '../src/encoding/crc32.ts';
import { writeNumber } from '../src/encoding/digits.ts';
import { encodeLines, encodeRecords, type Lines } from '../src/encoding/encode.ts';
import { createEncoder, type Encoder } from '../src/encoding/encoder.ts';
import { stampKeys } from '../src/encoding/run-state.ts';
import { testFolder } from './support/folder.ts';
import { readRun } from './support/log-reader.ts';

function newEncoder(): Encoder {
  const encoder = createEncoder();
  onTestFinished(() => encoder.close());
  return encoder;
}

/** Rows of a few shapes: with texts of every length, keys of every length, an empty key, and keys that JSON escapes. */
function rowsOf(count: number): Rows {
  const rows = newRows();
  const keys = ['', 'a/b', '"quoted"\n', 'ключ', 'k'.repeat(95), 'k'.repeat(99), 'k'.repeat(105), 'k'.repeat(300)];
  const shapes = keys.map((key) => shapeOf([['fixed', '"fixed"'], key, 'text', ...stampKeys]));
  for (let row = 0; row < count; row += 1) {
    addNumber(rows, row % 3 === 0 ? row : row / 7);
    addText(rows, JSON.stringify(`${'é"'.repeat(row % 5)}${'x'.repeat(row % 400 === 0 ? 20_000 : row % 140)}`));
    endRow(rows, shapes[row % shapes.length] as Rows['shapes'][number], 0);
    rows.numbers[rows.numberCount - 3] = 1_700_000_000_000 / 1000 + row / 1000;
    rows.numbers[rows.numberCount - 1] = row;
  }
  return rows;
}

function hexOf({ groups }: Lines): readonly (readonly [count: number, lines: string])[] {
  return groups.map(({ count, lines }) => [count, Buffer.from(lines).toString('hex')]);
}

test('numbers are written as a template writes them', () => {
  const bytes = Buffer.alloc(40);
  const given = [
    0,
    -0,
    1,
    -1,
    0.5,
    1e-6,
    1e-7,
    1.5e-6,
    0.1 + 0.2,
    999_999_999.999_999,
    1e12 + 0.001,
    1e15,
    2 ** 53,
    1e21,
  ];
  for (let power = 1; power < 1e18; power *= 7) {
    given.push(power, power / 1000, power / 1e6, power / 3, -power / 9, 1 / power, power - 0.001, power + 0.000_001);
  }
  given.push(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  given.push(Number.MAX_VALUE, Number.MIN_VALUE, 1_764_195_551_123 / 1000, 4_294_967_296, 2_147_483_648);
  expect(given.map((value) => bytes.toString('latin1', 3, writeNumber(bytes, 3, value)))).toEqual(
    given.map((value) => `${value}`),
  );
});

test('checksums are those of zlib', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => (at * 167 + (at >> 3)) & 0xff);
  for (let start = 0; start < 20; start += 1) {
    for (let end = start; end < bytes.length; end += 3) {
      expect(crc32Of(bytes, start, end)).toBe(crc32(bytes.subarray(start, end)));
    }
  }
});

test('lines and records say what the rows hold', async () => {
  const rows = rowsOf(1_000);
  const { groups } = await encodeLines(rows);
  expect(groups.map(({ count }) => count)).toEqual([1_000]);
  const texts: string[] = JSON.parse(`[${Buffer.from(groups[0]?.lines ?? []).toString()}]`);
  const lines = texts.map((text) => JSON.parse(text));
  expect(lines[8]).toEqual({
    fixed: 'fixed',
    '': 8 / 7,
    text: `${'é"'.repeat(3)}${'x'.repeat(8)}`,
    _timestamp: 1_700_000_000.008,
    _runtime: 0,
    _step: 8,
  });
  const path = join(testFolder(), 'log');
  const records = await encodeRecords(rows, 7, 0);
  writeFileSync(path, Buffer.concat([Buffer.from('3a572642e1be00', 'hex'), records]));
  const read = readRun(path);
  expect(read.isWhole).toBe(true);
  expect(read.rows).toEqual(lines);
});

test('the thread makes the same bytes, and so does what goes on without it', async () => {
  const encoder = newEncoder();
  // Twice, as it knows the shapes then.
  for (const rows of [rowsOf(3_000), rowsOf(5_000)]) {
    expect(hexOf(await encoder.lines(rows))).toEqual(hexOf(await encodeLines(rows)));
    const records = Buffer.from(await encodeRecords(rows, 12_345, 6));
    expect(records.equals(await encoder.records(rows, 12_345, 6))).toBe(true);
    expect(records.equals(await encoder.records(rows, 12_345, 6))).toBe(true);
  }
  const rows = rowsOf(4_000);
  const records = Buffer.from(await encodeRecords(rows, 7, 0));
  const asked = encoder.records(rows, 7, 0);
  await encoder.close();
  expect(records.equals(await asked)).toBe(true);
  expect(records.equals(await encoder.records(rows, 7, 0))).toBe(true);
});
