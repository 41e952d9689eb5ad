import type { TextLine } from '../tools/receipt-ocr.ts';
import { findAmounts } from './amount.ts';

/** A thing bought, or a discount (its price is negative). */
export interface LineItem {
  /** In capitals, without codes. */
  readonly description: string;
  /** How many, or how much of what is sold by weight or volume; 1 if the receipt does not say. */
  readonly quantity: number;
  /** Of the whole line, not of one piece. */
  readonly priceCents: number;
}

/** Two of these words in a line without figures make the heading of the table. */
const HEADING = /\b(?:DESC\w*|ITEMS?|QTY|QNTY|QUANTITY|U?[/\\. ]?PRICE|AMOUNT|AMT|TOTAL|TAX|CODE|UOM)\b/g;
/** The table ends above the first amount with one of these words. */
const SUMS =
  /TOTAL|AMOUNT|\bAMT\b|\bTT?L\b|\bJUMLAH\b|\bCASH\b|CHANGE|ROUND(?:ING|ED)|TENDER|PAYMENT|\bDUE\b|\bTAX|\bGST\b|\bQTY\b/;
const UNIT = '(?:PCS?|NOS?|UNITS?|SETS?|BAGS?|CTNS?|PKTS?|BTLS?|KG|LITRES?|LTR)';
/** `2 X 3.50`, `@2 X RM 1.75`, `3PC @ 9.89`, `1 * 55.90` */
const TIMES = new RegExp(`(?<!\\d)(\\d{1,4}(?:\\.\\d+)?) ?${UNIT}? ?[X*@] ?(?:RM|\\$)? ?(?=[\\d.])`);
/** `1 PC`, `35.10 LITRE` at the start of a line, `1.00 SET` anywhere; not the `5KG` of a description. */
const MEASURED = new RegExp(`(?:^(\\d{1,4}(?:\\.\\d+)?)|(?<!\\d)(\\d{1,4}\\.\\d+)) ?${UNIT}\\b`);
/** `2 ICED TEA` */
const COUNTED = /^([1-9]\d?)X? (?=\D)/;
/** What is not part of a name: bar codes, item codes, tax codes, currency, percentages. */
const CODES = /\b\d{5,}\b|\b[A-Z]{1,3}\d{3,}\w*\b|[#*]|\b(?:SR|ZRL?|S|Z|T)$|\b(?:RM|MYR)\b|@? ?[\d.]+ ?%/g;

/** The lines of the table of items: name and price on one line, or the name on the line above, or all names below. */
export function findLineItems(lines: readonly TextLine[]): LineItem[] {
  const sums = lines.findIndex(({ text }) => SUMS.test(text.toUpperCase()) && findAmounts(text).length > 0);
  const upper = sums < 0 ? lines : lines.slice(0, sums);
  const table = upper.slice(upper.findIndex(({ text }) => isHeading(text.toUpperCase())) + 1);
  const firstPrice = table.findIndex(({ text }) => findAmounts(text).length > 0);
  const namesBelow = table.slice(0, firstPrice + 1).every((line) => nameOf(line) === '');

  const items: LineItem[] = [];
  let name = '';
  for (const line of table) {
    const own = nameOf(line);
    const price = findAmounts(line.text).at(-1);
    const last = items.at(-1);
    if (price === undefined) {
      if (!namesBelow) name = own || name;
      else if (last?.description === '') items[items.length - 1] = { ...last, description: own };
    } else if (last !== undefined && own === '' && name === '' && isPieces(line.text)) {
      items[items.length - 1] = { ...last, quantity: quantityOf(line) };
    } else {
      items.push({ description: own || name, quantity: quantityOf(line), priceCents: price.cents });
      name = '';
    }
  }
  return items.filter(({ description }) => description !== '');
}

function isHeading(text: string): boolean {
  return (text.match(HEADING)?.length ?? 0) >= 2 && !/\d/.test(text);
}

/** Whether a line such as `@2 X RM 1.75` below an item explains its price. */
function isPieces(text: string): boolean {
  return TIMES.test(text.toUpperCase()) && findAmounts(text).length === 1;
}

function quantityOf({ text, words }: TextLine): number {
  const upper = text.toUpperCase();
  const column = words.filter((word) => /^\d{1,3}$/.test(word.text));
  const stated =
    TIMES.exec(upper)?.[1] ??
    MEASURED.exec(upper)?.slice(1).find(Boolean) ??
    (column.length === 1 ? column[0]?.text : undefined) ??
    COUNTED.exec(upper)?.[1];
  if (stated !== undefined) return Number(stated);
  // The quantity is the number by which the unit price makes the price of the line.
  const [price, unit] = findAmounts(text).toReversed();
  const quantity = price === undefined || unit === undefined ? 1 : price.cents / unit.cents;
  return Number.isInteger(quantity) && new RegExp(`(?<![\\d.])${quantity}(?![\\d.])`).test(text) ? quantity : 1;
}

function nameOf({ words }: TextLine): string {
  const text = words
    .map((word) => withoutAmounts(word.text.toUpperCase()))
    .filter((word) => /[A-Z]/.test(word))
    .join(' ');
  const rest = text.trim().replace(CODES, ' ').replace(TIMES, ' ').replace(MEASURED, ' ').trim().replace(COUNTED, '');
  const name = rest.replaceAll(/\s+/g, ' ').replaceAll(/^[^A-Z0-9(]+|[^A-Z0-9)'"]+$/g, '');
  return /[A-Z]{3}/.test(name) ? name : '';
}

function withoutAmounts(text: string): string {
  return findAmounts(text).reduceRight((rest, { index, end }) => `${rest.slice(0, index)} ${rest.slice(end)}`, text);
}
