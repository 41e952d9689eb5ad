import { describe, expect, it } from 'vitest';
import { findAmounts, formatCents, parseAmount } from '../src/rules/amount.ts';
import { findCompany } from '../src/rules/company.ts';
import { findSaleDate, parseDate } from '../src/rules/date.ts';
import { findLineItems } from '../src/rules/line-items.ts';
import { findTotalCents } from '../src/rules/total.ts';
import { textLines } from './text.ts';

describe('amounts', () => {
  it.each([
    ['9.00', 900],
    ['RM 1,234.50', 123450],
    ['$8.20', 820],
    ['RM.50', 50],
    ['.05', 5],
    ['-RM0.01', -1],
    ['RM -0.02', -2],
    ['(0.01)', -1],
    ['5.59-', -559],
    ['60. 30', 6030],
    ['53.00S', 5300],
  ])('reads %s', (text, cents) => {
    expect(parseAmount(text)).toBe(cents);
  });

  it.each(['', '12', '2.570', '25.12.2018', '6.00%', '0.45 KG', '1.00 PCS', 'NO.53', '19:53', '8.00 9.00'])(
    'finds no single amount in "%s"',
    (text) => {
      expect(parseAmount(text)).toBeUndefined();
    },
  );

  it('finds all amounts of a line with their places', () => {
    expect(findAmounts('2 X 1.75 | 3.50')).toEqual([
      { cents: 175, index: 4, end: 8 },
      { cents: 350, index: 11, end: 15 },
    ]);
    expect(formatCents(123450)).toBe('1234.50');
  });
});

describe('dates', () => {
  it.each([
    ['25/12/2018 8:13:39 PM', '2018-12-25'],
    ['25-DEC-18', '2018-12-25'],
    ['20180315', '2018-03-15'],
    ['25032018', '2018-03-25'],
    ['15 MAR 2018', '2018-03-15'],
    ['2018-03-15', '2018-03-15'],
    ['11.02.18 14:08', '2018-02-11'],
    ['(5/3/2018)', '2018-03-05'],
    ['March 15, 2018', '2018-03-15'],
    ['03/25/2018', '2018-03-25'],
    ['29 FEB 2024', '2024-02-29'],
    ['-REG #19- 18/01/2018', '2018-01-18'],
  ])('reads %s', (text, iso) => {
    expect(parseDate(text)).toBe(iso);
  });

  it.each(['', '31/02/2018', '29 FEB 2023', '10.00.53PM', '45/13/2018', '12 MARKET 18', '1-300-22-2828'])(
    'finds none in "%s"',
    (text) => {
      expect(parseDate(text)).toBeUndefined();
    },
  );

  it('takes the date of the sale, not the first one', () => {
    const lines = textLines('CARD EXPIRY DATE 30/09/27', 'PROMOTION 01/01/2026', 'DATE: 04/03/2026 18:42');
    expect(findSaleDate(lines)).toBe('2026-03-04');
    expect(findSaleDate(textLines('VALID UNTIL 30/09/27', '04/03/26'))).toBe('2026-03-04');
    expect(findSaleDate(textLines('D@TE 1~/0#/20#6'))).toBeUndefined();
  });
});

describe('the total', () => {
  it.each([
    ['stands beside its label', ['MILK | 3.00', 'TOTAL | 3.00'], 300],
    ['may stand on a line of its own', ['MILK | 3.00', 'TOTAL', 'RM 3.00'], 300],
    ['is what remains of the cash', ['SUBTOTAL | 20.00', 'TOTAL | 21.20', 'CASH | 50.00', 'CHANGE | 28.80'], 2120],
    [
      'includes the rounding',
      ['TOTAL | 60.31', 'ROUNDING ADJ | -0.01', 'RM 60.30', 'CASH | 70.30', 'CHANGE | 10.00'],
      6030,
    ],
    [
      'is not a count, a saving or a tax',
      ['TOTAL QTY | 2.00', 'TOTAL SAVING | 9.00', 'TOTAL GST | 0.36', 'TOTAL | 6.36'],
      636,
    ],
    ['includes the tax', ['TOTAL (EXCLUDING GST) | 6.00', 'TOTAL (INCLUSIVE OF GST) | 6.36'], 636],
    ['is not in the summary of taxes', ['AMOUNT | 6.36', 'GST SUMMARY | AMOUNT | TAX', 'TOTAL | 60.00'], 636],
    [
      'adds up the goods of all tax rates',
      ['TOTAL 0% SUPPLIES | 39.01', 'TOTAL 6% SUPPLIES (INC. GST) | 2.00', 'TOTAL PAYABLE | 41.01'],
      4101,
    ],
    ['is what the card was charged', ['SUBTOTAL | 12.00', 'NETT | 9.54', 'VISA | 9.54'], 954],
    ['of a refund is negative', ['RETURNED SHIRT | -59.90', 'TOTAL | -59.90'], -5990],
  ])('%s', (_, lines, cents) => {
    expect(findTotalCents(textLines(...lines))).toBe(cents);
  });

  it('is not guessed: neither from prices alone nor from a difference that no line states', () => {
    expect(findTotalCents(textLines('MILK | 3.00', 'BREAD | 4.20'))).toBeUndefined();
    expect(findTotalCents(textLines('MILK | 3.00', 'CASH | 10.00', 'CHANGE | 4.00'))).toBeUndefined();
  });
});

describe('the company', () => {
  it.each([
    [['TAN AH KOW', 'MERANTI BOOKS SDN BHD', '12, HARBOUR LANE'], 'MERANTI BOOKS SDN BHD'],
    [['TAX INVOICE', 'Pelangi Café', 'NO. 5, JALAN BESAR'], 'PELANGI CAFÉ'],
    [['FARMASI KENANGA S/B (587969-U)', 'TEL: 03-7807'], 'FARMASI KENANGA S/B'],
    [['PELANGI BOOK', 'CO. (M) SDN BHD'], 'PELANGI BOOK CO. (M) SDN BHD'],
    [['LIM TIMBER &', 'PAINT SUPPLY', 'LOT 4'], 'LIM TIMBER & PAINT SUPPLY'],
  ])('of %j', (lines, company) => {
    expect(findCompany(textLines(...lines))).toBe(company);
  });

  it('is unknown if the head of the receipt names none', () => {
    expect(findCompany(textLines('RECEIPT', '12, HARBOUR LANE', '03-7807'))).toBeUndefined();
  });
});

describe('line items', () => {
  const sums = ['TOTAL | 26.05', 'CASH | 30.00'];

  it.each([
    ['on one line', ['PEN | 2 | 5.90 | 11.80']],
    ['above the price', ['DESC | QTY | AMOUNT', 'PEN', '9551200340018 | 2 X 5.90 | 11.80 S']],
    ['below the price', ['ITEM | QTY | U/P | AMOUNT', '9551200340018 | 2 | 5.90 | 11.80', 'PEN']],
    ['with its pieces below', ['PEN | RM11.80', '@2 X RM 5.90']],
  ])('have their name %s', (_, table) => {
    expect(findLineItems(textLines(...table, ...sums))).toEqual([
      { description: 'PEN', quantity: 2, priceCents: 1180 },
    ]);
  });

  it('come with counts, measures and discounts', () => {
    const table = ['3 TEH O | 8.40', 'PAINT', '1.50 LITRE | 74.50', 'NAIL 5KG | 12.00', 'DISCOUNT | -5.59'];
    expect(findLineItems(textLines(...table, ...sums))).toEqual([
      { description: 'TEH O', quantity: 3, priceCents: 840 },
      { description: 'PAINT', quantity: 1.5, priceCents: 7450 },
      { description: 'NAIL 5KG', quantity: 1, priceCents: 1200 },
      { description: 'DISCOUNT', quantity: 1, priceCents: -559 },
    ]);
  });

  it('are none if the receipt lists nothing', () => {
    expect(findLineItems(textLines('SHOP', ...sums))).toEqual([]);
    expect(findLineItems([])).toEqual([]);
  });
});
