/** An amount of money found in a text. */
export interface Amount {
  /** Whole cents; negative if the text says so. */
  readonly cents: number;
  /** Where it starts and ends in the text. */
  readonly index: number;
  readonly end: number;
}

/**
 * Two decimals make an amount: `9.00`, `RM 1,234.50`, `-$8.20`, `RM.50`, `5.59-`, `(0.01)`, and `60. 30` as OCR breaks it up.
 * Dates, percentages, weights and counts are not amounts: `10.05.18`, `6.00%`, `0.45 KG`, `1.00 PCS`.
 */
const AMOUNT = new RegExp(
  [
    '(?<![\\d.,/])',
    '(?<before>[-(] ?)?(?<currency>RM ?|MYR ?|\\$ ?)?(?<after>- ?)?',
    '(?<units>\\d{1,3}(?:,\\d{3})+|\\d{1,6})?(?<point> ?\\. ?)(?<decimals>\\d\\d)',
    '(?!\\d|[.,/]\\d| ?%| ?(?:KG|G|LITRE|LTR|PC|NO|SET|UNIT)S?\\b)',
    '(?<behind>-(?!\\d)|\\))?',
  ].join(''),
  'gi',
);

/** All amounts of a text, from left to right. */
export function findAmounts(text: string): Amount[] {
  return [...text.matchAll(AMOUNT)].flatMap(({ 0: match, index, groups = {} }) => {
    const { before, currency, after, units, point, decimals, behind } = groups;
    // Without units it is an amount only as `.50` or `RM.50`: in `NO.53` the point belongs to the word.
    const bare = units === undefined;
    if (bare && (point !== '.' || (currency === undefined && /[a-z]/i.test(text[index - 1] ?? '')))) return [];
    const cents = Number((units ?? '0').replaceAll(',', '')) * 100 + Number(decimals);
    const bracketed = before?.startsWith('(') === true && behind === ')';
    const negative = bracketed || before?.startsWith('-') === true || after !== undefined || behind === '-';
    return [{ cents: negative && cents !== 0 ? -cents : cents, index, end: index + match.length }];
  });
}

/** Returns the single amount that a text states, in cents; `undefined` if it states none or several. */
export function parseAmount(text: string): number | undefined {
  const amounts = findAmounts(text);
  return amounts.length === 1 ? amounts[0]?.cents : undefined;
}

/** Cents as people write them: `1234.50`. */
export function formatCents(cents: number): string {
  return (cents / 100).toFixed(2);
}
