import { findCompany } from '../rules/company.ts';
import { findSaleDate } from '../rules/date.ts';
import { findLineItems, type LineItem } from '../rules/line-items.ts';
import { findTotalCents } from '../rules/total.ts';
import type { TextLine } from './receipt-ocr.ts';
import { toolError } from './tool-error.ts';

/** What the receipt says, as far as it can be read. */
export interface Extraction {
  readonly company?: string;
  /** Day of the sale, `YYYY-MM-DD`. */
  readonly date?: string;
  readonly totalCents: number;
  readonly items: readonly LineItem[];
}

/**
 * Finds company, date, total and line items in the lines of a receipt. A receipt needs a legible total to be useful, but not a
 * company, a date or items.
 *
 * @throws `NoTextError` if there are no lines, `TotalMissingError` if no line states an amount to pay.
 */
export function parseItems(lines: readonly TextLine[]): Extraction {
  if (lines.length === 0) throw toolError('NoTextError', 'the receipt has no lines of text');
  const totalCents = findTotalCents(lines);
  if (totalCents === undefined) {
    throw toolError('TotalMissingError', `none of the ${lines.length} lines of the receipt states an amount to pay`);
  }
  const company = findCompany(lines);
  const date = findSaleDate(lines);
  return {
    ...(company === undefined ? {} : { company }),
    ...(date === undefined ? {} : { date }),
    totalCents,
    items: findLineItems(lines),
  };
}
