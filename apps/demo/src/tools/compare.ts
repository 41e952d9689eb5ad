import type { ReceiptTruth } from '../receipt.ts';
import { formatCents, parseAmount } from '../rules/amount.ts';
import { parseDate } from '../rules/date.ts';
import type { Extraction } from './parse-items.ts';
import { type ToolError, toolError } from './tool-error.ts';

/**
 * Compares what was extracted with what the receipt really says, ignoring the formats of dates and amounts.
 * Only the total and the date count, and only if the truth is known: a company has too many spellings.
 *
 * @returns what is wrong, the total first: `TotalMismatchError`, `DateMissingError`, `DateMismatchError`; empty if nothing is.
 */
export function compareWithTruth(extraction: Extraction, truth: ReceiptTruth): ToolError[] {
  const problems: ToolError[] = [];
  if (truth.total !== undefined && parseAmount(truth.total) !== extraction.totalCents) {
    const found = formatCents(extraction.totalCents);
    problems.push(toolError('TotalMismatchError', `the total was read as ${found} and is ${truth.total}`));
  }
  if (truth.date === undefined) return problems;
  if (extraction.date === undefined) {
    problems.push(toolError('DateMissingError', `no date was found; it is ${truth.date}`));
  } else if (parseDate(truth.date) !== extraction.date) {
    problems.push(toolError('DateMismatchError', `the date was read as ${extraction.date} and is ${truth.date}`));
  }
  return problems;
}

/** Whether two company names are equal except for case, spaces and punctuation. */
export function isSameCompany(one: string, other: string): boolean {
  const bare = (name: string): string => name.toUpperCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  return bare(one) === bare(other);
}
