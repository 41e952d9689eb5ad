import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReceiptLine, type Receipt } from '../src/receipt.ts';
import { categorize } from '../src/tools/categorize.ts';
import { compareWithTruth, isSameCompany } from '../src/tools/compare.ts';
import { type Extraction, parseItems } from '../src/tools/parse-items.ts';
import { receiptOcr } from '../src/tools/receipt-ocr.ts';

const receipts = readFileSync(join(import.meta.dirname, '../data/receipts.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): Receipt => {
    const result = parseReceiptLine(line);
    if ('problem' in result) throw new Error(result.problem);
    return result.receipt;
  });

/** What no reader could get right: the total or the date is smudged, or a digit of the total was misread. */
const HARD: Readonly<Record<string, string>> = {
  'demo-22': 'TotalMissingError',
  'demo-23': 'DateMissingError',
  'demo-24': 'TotalMismatchError',
};

function extract(receipt: Receipt): Extraction {
  return parseItems(receiptOcr(receipt));
}

function failuresOf(receipt: Receipt): string[] {
  try {
    return compareWithTruth(extract(receipt), receipt.truth ?? {}).map(({ name }) => name);
  } catch (error) {
    return [error instanceof Error ? error.name : String(error)];
  }
}

describe("the demo's own receipts", () => {
  it('are two dozen, each with an id of its own and a true date and total', () => {
    expect(receipts).toHaveLength(24);
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(24);
    for (const { id, truth } of receipts)
      expect(truth, id).toMatchObject({ date: expect.any(String), total: expect.any(String) });
  });

  it.each(receipts.map((receipt): [string, Receipt] => [receipt.id, receipt]))(
    '%s is read as far as it can be',
    (id, receipt) => {
      const failure = HARD[id];
      expect(failuresOf(receipt)).toEqual(failure === undefined ? [] : [failure]);
    },
  );

  it('give companies, items and a category where the receipt is legible', () => {
    const legible = receipts.filter(({ id }) => HARD[id] === undefined);
    const named = legible.filter((receipt) =>
      isSameCompany(receipt.truth?.company ?? '', extract(receipt).company ?? ''),
    );
    expect(named.length).toBeGreaterThanOrEqual(20);
    for (const extraction of legible.map(extract)) {
      expect(extraction.items.length, extraction.company).toBeGreaterThan(0);
      expect(categorize(extraction).category, extraction.company).not.toBe('other');
    }
  });

  it('have items that add up to the total, but for service charges, taxes and rounding', () => {
    const unequal = receipts.filter((receipt) => {
      if (HARD[receipt.id] !== undefined) return false;
      const { items, totalCents } = extract(receipt);
      return Math.abs(items.reduce((sum, { priceCents }) => sum + priceCents, 0) - totalCents) > 2;
    });
    expect(unequal.map(({ id }) => id)).toEqual(['demo-02', 'demo-14']);
  });
});
