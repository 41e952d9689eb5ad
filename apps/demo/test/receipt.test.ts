import { describe, expect, it } from 'vitest';
import { parseReceiptLine } from '../src/receipt.ts';

const box = [10, 10, 90, 12, 90, 30, 10, 28];

function problemOf(value: unknown): string | undefined {
  const result = parseReceiptLine(JSON.stringify(value));
  return 'problem' in result ? result.problem : undefined;
}

describe('parseReceiptLine', () => {
  it('returns the receipt with its boxes and truth', () => {
    const receipt = { id: 'r1', lines: [{ box, text: 'TOTAL 9.00' }], truth: { total: 'RM9.00', date: '1/2/2026' } };
    expect(parseReceiptLine(JSON.stringify(receipt))).toEqual({ receipt });
  });

  it('leaves out what the truth does not know', () => {
    const line = { id: 'r1', lines: [], truth: { company: 'A', total: '', date: null, note: 'ignored' } };
    expect(parseReceiptLine(JSON.stringify(line))).toEqual({
      receipt: { id: 'r1', lines: [], truth: { company: 'A' } },
    });
    expect(parseReceiptLine('{"id":"r1","lines":[],"truth":null}')).toEqual({ receipt: { id: 'r1', lines: [] } });
  });

  it('says that a line is not JSON', () => {
    for (const line of ['', '   ', '{"id":'])
      expect(parseReceiptLine(line)).toEqual({ problem: expect.stringMatching(/^not JSON/) });
  });

  it.each([
    [[], 'the line must be a JSON object with id and lines, not an array of 0'],
    [{ lines: [] }, 'id must be a non-empty string, not absent'],
    [{ id: ' ', lines: [] }, 'id must be a non-empty string, not " "'],
    [{ id: 'r1' }, 'lines must be an array of {box, text}, not absent'],
    [{ id: 'r1', lines: {} }, 'lines must be an array of {box, text}, not an object'],
    [{ id: 'r1', lines: [null] }, 'lines[0] must be an object {box, text}, not null'],
    [{ id: 'r1', lines: [{ box, text: 7 }] }, 'lines[0].text must be a string, not 7'],
    [{ id: 'r1', lines: [], truth: [] }, 'truth must be an object, not an array of 0'],
    [{ id: 'r1', lines: [], truth: { total: 9 } }, 'truth.total must be a string, not 9'],
  ])('names the field of %j', (value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });

  it('names the corner of a box that is no number', () => {
    const lines = [
      { box, text: 'ok' },
      { box: [1, 2, 3, 4, 5, 'six', 7, 8], text: 'A' },
    ];
    expect(problemOf({ id: 'r1', lines })).toBe('lines[1].box[5] must be a number of pixels, not "six"');
    expect(problemOf({ id: 'r1', lines: [{ box: [1, 2], text: 'A' }] })).toMatch(
      /^lines\[0\]\.box must be 8 numbers.*an array of 2/,
    );
  });
});
