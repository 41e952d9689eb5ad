import { describe, expect, it } from 'vitest';
import type { Box, OcrBox } from '../src/receipt.ts';
import { receiptOcr } from '../src/tools/receipt-ocr.ts';

/** A box whose left edge is at (x, y), on a page that descends by `tilt` pixels a pixel. */
function at(x: number, y: number, text: string, { height = 18, tilt = 0, straight = false } = {}): OcrBox {
  const width = text.length * 9;
  const [left, right] = [y + tilt * x, y + tilt * (x + width)];
  const box: Box = straight
    ? [
        x,
        Math.min(left, right),
        x + width,
        Math.min(left, right),
        x + width,
        Math.max(left, right) + height,
        x,
        Math.max(left, right) + height,
      ]
    : [x, left, x + width, right, x + width, right + height, x, left + height];
  return { box, text };
}

function read(lines: OcrBox[]): string[] {
  return receiptOcr({ id: 'r1', lines }).map((line) => line.text);
}

const COLUMNS = { NAME: 30, QTY: 110, RATE: 170, PRICE: 440 };

/** A table of five rows, 28 pixels apart; the gap before the last column is wide. */
function page(
  options: { tilt?: number; straight?: boolean },
  columns: Readonly<Record<string, number>> = COLUMNS,
): OcrBox[] {
  return [0, 1, 2, 3, 4].flatMap((row) =>
    Object.entries(columns).map(([column, x]) => at(x, 100 + 28 * row, `${column}${row}`, options)),
  );
}

const rows = [0, 1, 2, 3, 4].map((row) => `NAME${row} QTY${row} RATE${row} PRICE${row}`);

describe('receiptOcr', () => {
  it('reads lines from top to bottom and words from left to right, in whatever order the boxes come', () => {
    expect(read(page({}).toReversed())).toEqual(rows);
  });

  it.each([-0.05, -0.02, 0.02, 0.05])('keeps the lines of a page that is askew by %d', (tilt) => {
    expect(read(page({ tilt }))).toEqual(rows);
  });

  it.each([-0.05, 0.05])('measures the skew %d where the boxes themselves are upright', (tilt) => {
    expect(read(page({ tilt, straight: true }))).toEqual(rows);
  });

  it('goes by the skew of the boxes where no two words are near each other', () => {
    const expected = [0, 1, 2, 3, 4].map((row) => `NAME${row} PRICE${row}`);
    expect(read(page({ tilt: 0.05 }, { NAME: 30, PRICE: 440 }))).toEqual(expected);
  });

  it('does not join boxes that lie on top of each other', () => {
    expect(read([at(30, 100, 'THANK YOU'), at(32, 101, 'THANX YOU')])).toEqual(['THANK YOU', 'THANX YOU']);
  });

  it('puts small print beside large print on one line', () => {
    expect(
      read([at(30, 100, 'TOTAL', { height: 36 }), at(200, 112, '9.00', { height: 14 }), at(30, 140, 'CASH')]),
    ).toEqual(['TOTAL 9.00', 'CASH']);
  });

  it('does not mistake the lines above and below for the same one', () => {
    expect(read([at(30, 100, 'A'), at(200, 115, 'B'), at(30, 130, 'C')])).toEqual(['A', 'B', 'C']);
  });

  it('gives the words of a line with their edges', () => {
    const [line] = receiptOcr({ id: 'r1', lines: [at(30, 100, ' CASH   RM ')] });
    expect(line?.words).toEqual([{ text: 'CASH RM', left: 30, right: 129, top: 100, bottom: 118 }]);
  });

  it('bears boxes without extent and with their corners in disorder', () => {
    expect(
      read([
        { box: [0, 0, 0, 0, 0, 0, 0, 0], text: 'DOT' },
        { box: [90, 60, 10, 60, 10, 40, 90, 40], text: 'UPSIDE DOWN' },
      ]),
    ).toEqual(['DOT', 'UPSIDE DOWN']);
  });

  it.each([[[]], [[at(0, 0, ' ')]]])('throws NoTextError if there is nothing to read', (lines) => {
    expect(() => receiptOcr({ id: 'r7', lines })).toThrow(
      expect.objectContaining({ name: 'NoTextError', message: expect.stringContaining('r7') }),
    );
  });
});
