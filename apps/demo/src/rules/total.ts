import type { TextLine } from '../tools/receipt-ocr.ts';
import { findAmounts } from './amount.ts';

/** A line that states an amount, in capitals: the words beside the amount say what it is. */
interface Statement {
  readonly label: string;
  readonly cents: number;
}

/** How strongly a label suggests that its amount is the total. The first matching rule counts. */
const LABEL_VOTES: readonly { readonly label: RegExp; readonly votes: number }[] = [
  { label: /QTY|QUANTITY|ITEM|COUNT|SAVING|DISC|POINT|CHANGE|EXC|TAXABLE|BEFORE/, votes: 0 },
  // The goods of one tax rate ("TOTAL 0% SUPPLIES") are a part of the whole.
  { label: /TOTAL \d+ ?%/, votes: 0 },
  { label: /SUB ?-? ?TOTAL/, votes: 4 },
  { label: /TOTAL.*ROUND|ROUND.*(?:TOTAL|AMOUNT|AMT)/, votes: 14 },
  { label: /(?:GRAND|NETT?|FINAL|BILL) ?(?:TOTAL|AMOUNT|AMT)|PAYABLE|\bDUE\b|TO (?:BE )?PA(?:Y|ID)/, votes: 12 },
  { label: /TOTAL.*(?:INC|WITH)|(?:INC|WITH).*TOTAL/, votes: 10 },
  { label: /TOTAL.*\b(?:GST|TAX|SST|VAT)\b|\b(?:GST|TAX|SST|VAT)\b.*TOTAL/, votes: 0 },
  { label: /TOTAL|\bTT?L\b|\bJUMLAH\b/, votes: 10 },
  { label: /\b(?:AMOUNT|AMT|NETT?)\b/, votes: 4 },
];
/** The amount paid minus the change is the amount due, if some line states exactly that: a check, not a guess. */
const CASH_LESS_CHANGE_VOTES = 8;
const PAID_EXACTLY_VOTES = 4;
/** A total that includes the rounding is closer to what was paid than the one before rounding. */
const ROUNDED_VOTES = 5;
const PAID = /\bCASH\b|TENDER|PAYMENT|\bPAID\b|RECEIVED|VISA|MASTER|CARD|CREDIT|DEBIT/;
const CHANGE = /\bCHANGE/;
const ROUNDING = /ROUND/;
const MAX_ROUNDING_CENTS = 5;
/** The heading of the totals by tax rate. */
const TAX_SUMMARY = /(?:GST|TAX|SST|VAT).*(?:SUMMARY|ANALYSIS)|(?:AMOUNT|AMT).*TAX ?\(/;

/**
 * Returns the amount to pay in cents: every line that says something about it votes for an amount, and the amount with the
 * most votes wins. A negative amount is a refund. `undefined` if no line says anything.
 */
export function findTotalCents(lines: readonly TextLine[]): number | undefined {
  const stated = statements(lines);
  const rounding = stated.find(isRounding)?.cents ?? 0;
  const votes = new Map<number, number>();
  const vote = (cents: number, count: number): void => {
    const isStated = stated.some((statement) => Math.abs(statement.cents) === Math.abs(cents));
    if (count > 0 && cents !== 0 && isStated) votes.set(cents, (votes.get(cents) ?? 0) + count);
  };

  for (const statement of stated) if (!isRounding(statement)) vote(statement.cents, labelVotes(statement.label));

  for (const cents of rounding === 0 ? [] : [...votes.keys()]) {
    vote(cents + rounding, ROUNDED_VOTES);
  }

  const change = stated.find(({ label }) => CHANGE.test(label));
  for (const { label, cents } of stated) {
    if (!PAID.test(label) || CHANGE.test(label)) continue;
    // Some tills print what they received as a negative amount.
    if (change === undefined) vote(Math.abs(cents), PAID_EXACTLY_VOTES);
    else vote(Math.abs(cents) - Math.abs(change.cents), CASH_LESS_CHANGE_VOTES);
  }

  return [...votes].toSorted(([a, aVotes], [b, bVotes]) => bVotes - aVotes || b - a)[0]?.[0];
}

function labelVotes(label: string): number {
  return LABEL_VOTES.find((rule) => rule.label.test(label))?.votes ?? 0;
}

function isRounding({ label, cents }: Statement): boolean {
  return ROUNDING.test(label) && Math.abs(cents) <= MAX_ROUNDING_CENTS;
}

function statements(lines: readonly TextLine[]): Statement[] {
  const summary = lines.findIndex(({ text }) => TAX_SUMMARY.test(text.toUpperCase()));
  return lines.slice(0, summary < 0 ? undefined : summary).flatMap(({ text }, index, all) => {
    const own = lastAmount(text);
    const label = text.toUpperCase();
    if (own !== undefined) return [{ label, cents: own }];
    // The OCR may have put the amount of a label on a line of its own, below or above.
    const beside = [all[index + 1], all[index - 1]].find((line) => line !== undefined && isBareAmount(line.text));
    const cents = beside === undefined ? undefined : lastAmount(beside.text);
    return cents === undefined ? [] : [{ label, cents }];
  });
}

function isBareAmount(text: string): boolean {
  return findAmounts(text).length === 1 && !/[A-Z]{2}/i.test(text.replace(/RM|MYR/i, ''));
}

function lastAmount(text: string): number | undefined {
  return findAmounts(text).at(-1)?.cents;
}
