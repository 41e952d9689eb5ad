import { describe, expect, it } from 'vitest';
import { categorize } from '../src/tools/categorize.ts';
import { compareWithTruth, isSameCompany } from '../src/tools/compare.ts';
import { type Extraction, parseItems } from '../src/tools/parse-items.ts';
import { textLines } from './text.ts';

describe('parseItems', () => {
  it('finds company, date, total and items', () => {
    const lines = textLines(
      'MERANTI MART SDN BHD',
      'DATE: 04/03/2026',
      'MILK 1L | 2 | 6.90 | 13.80',
      'TOTAL | RM 13.80',
    );
    expect(parseItems(lines)).toEqual({
      company: 'MERANTI MART SDN BHD',
      date: '2026-03-04',
      totalCents: 1380,
      items: [{ description: 'MILK 1L', quantity: 2, priceCents: 1380 }],
    });
  });

  it('leaves out the company and the date that it does not find', () => {
    expect(parseItems(textLines('TOTAL | 9.00'))).toEqual({ totalCents: 900, items: [] });
  });

  it('throws TotalMissingError if the total is illegible and NoTextError if everything is', () => {
    const smudged = textLines('MERANTI MART SDN BHD', 'MILK 1L | 13.80', 'TOT#L | 1#.##');
    expect(() => parseItems(smudged)).toThrow(expect.objectContaining({ name: 'TotalMissingError' }));
    expect(() => parseItems([])).toThrow(expect.objectContaining({ name: 'NoTextError' }));
  });

  it('throws nothing but typed errors on garbage', () => {
    for (const garbage of [
      '',
      '....',
      '-',
      '.00.',
      '$'.repeat(5000),
      '1'.repeat(5000),
      '1, '.repeat(3000),
      '\u0000\uD800',
      '(?<=',
    ]) {
      expect(() => parseItems(textLines(garbage))).toThrow(expect.objectContaining({ name: 'TotalMissingError' }));
    }
  });
});

describe('categorize', () => {
  const bought = (...descriptions: string[]): Extraction['items'] =>
    descriptions.map((description) => ({ description, quantity: 1, priceCents: 100 }));

  it.each([
    ['MERANTI FRESH MART', ['MILK 1L'], 'groceries'],
    ['RESTORAN DAUN KELOR', ['NASI LEMAK'], 'restaurant'],
    ['LAMBAK STATION', ['RON95 UNLEADED'], 'fuel'],
    ['PELANGI BOOKS', ['GEL PENS'], 'stationery'],
    ['BUKIT HARDWARE', ['WOOD SCREW'], 'hardware'],
    ['FARMASI KENANGA', ['VITAMIN C'], 'health'],
  ])('%s selling %j is for %s', (company, items, category) => {
    expect(categorize({ company, items: bought(...items) }).category).toBe(category);
  });

  it('is the surer the more the evidence agrees', () => {
    const sure = categorize({ company: 'PELANGI BOOKS', items: bought('PENCIL', 'RULER') }).confidence;
    const thin = categorize({ items: bought('PENCIL') }).confidence;
    const torn = categorize({ company: 'PELANGI BOOKS', items: bought('MILK', 'BREAD', 'TEH') }).confidence;
    expect(sure).toBeGreaterThan(thin);
    expect(sure).toBeGreaterThan(torn);
    expect(sure).toBeLessThan(1);
  });

  it('is other, with no confidence, without any evidence', () => {
    expect(categorize({ items: [] })).toEqual({ category: 'other', confidence: 0 });
    expect(categorize({ company: 'PENANGPORT', items: bought('PENINSULA') })).toEqual({
      category: 'other',
      confidence: 0,
    });
  });
});

describe('compareWithTruth', () => {
  const extraction: Extraction = { date: '2018-12-25', totalCents: 123450, items: [] };
  const namesOf = (...args: Parameters<typeof compareWithTruth>): string[] =>
    compareWithTruth(...args).map(({ name }) => name);

  it('disregards the form of dates and totals', () => {
    for (const date of ['25/12/2018', '25-DEC-18', '20181225', '25 DEC 2018']) {
      expect(compareWithTruth(extraction, { date, total: 'RM 1,234.50' })).toEqual([]);
    }
  });

  it('names what differs', () => {
    expect(namesOf(extraction, { date: '26/12/2018', total: '1234.55' })).toEqual([
      'TotalMismatchError',
      'DateMismatchError',
    ]);
    expect(namesOf({ totalCents: 900, items: [] }, { date: '26/12/2018', total: '9.00' })).toEqual([
      'DateMissingError',
    ]);
    expect(compareWithTruth(extraction, { total: '9.00' })[0]?.message).toBe(
      'the total was read as 1234.50 and is 9.00',
    );
  });

  it('does not hold against it what nobody knows', () => {
    expect(compareWithTruth(extraction, { company: 'X', address: 'Y' })).toEqual([]);
  });

  it('counts a truth that cannot be read as a mismatch', () => {
    expect(namesOf(extraction, { date: 'soon', total: 'much' })).toEqual(['TotalMismatchError', 'DateMismatchError']);
  });

  it('compares companies by letters and digits only', () => {
    expect(isSameCompany("Ben's Grocer Sdn. Bhd.", 'BENS GROCER SDN BHD')).toBe(true);
    expect(isSameCompany('BENS GROCER', 'BENS GROCERY')).toBe(false);
  });
});
