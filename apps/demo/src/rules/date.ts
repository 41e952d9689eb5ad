import type { TextLine } from '../tools/receipt-ocr.ts';

/** A calendar day found in a text. */
interface FoundDate {
  /** `YYYY-MM-DD` */
  readonly iso: string;
  /** Where it starts in the text. */
  readonly index: number;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  '(?<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])';
const DAY = '(?<d>\\d{1,2})';
const YEAR = '(?<y>20\\d\\d|\\d\\d(?!\\d))';
const SEPARATOR = '\\s?(?<separator>[-/.])\\s?';
const SAME_SEPARATOR = '\\s?\\k<separator>\\s?';
/** A time of day such as `10.00.53PM` has the shape of a date with dots. */
const NOT_A_TIME = '(?!\\s?[ap]m\\b)';

/** Date formats, the most certain first. Of two numbers the day comes first, unless only the other order makes a date. */
const FORMS: readonly RegExp[] = [
  `(?<!\\d)(?<y>20\\d\\d)${SEPARATOR}(?<m>\\d{1,2})${SAME_SEPARATOR}${DAY}(?!\\d)`,
  `(?<![\\d.])${DAY}${SEPARATOR}(?<m>\\d{1,2})${SAME_SEPARATOR}${YEAR}${NOT_A_TIME}`,
  `(?<!\\d)${DAY}[-/., ]{0,2}${MONTH}[-/.,' ]{0,2}${YEAR}`,
  `\\b${MONTH}[-/. ]{0,2}${DAY}[-/., ]{1,2}${YEAR}`,
  '(?<!\\d)(?<y>20\\d\\d)(?<m>\\d\\d)(?<d>\\d\\d)(?!\\d)',
  '(?<!\\d)(?<d>\\d\\d)(?<m>\\d\\d)(?<y>20\\d\\d)(?!\\d)',
].map((form) => new RegExp(form, 'gi'));

/** Words next to the date of the sale, and (`OTHER_DATE`) words next to other dates. */
const SALE_DATE = /DATE|TARIKH|\d ?: ?\d\d/i;
const OTHER_DATE = /EXPIR|VALID|UNTIL|BEFORE|SINCE|PRINT|BIRTH|DELIVERY/i;

/** The day of the sale as `YYYY-MM-DD`: the first date on the receipt, preferring dates with a label or a time of day. */
export function findSaleDate(lines: readonly TextLine[]): string | undefined {
  const dates = lines.flatMap(({ text }) => {
    const rank = OTHER_DATE.test(text) ? 2 : SALE_DATE.test(text) ? 0 : 1;
    return findDates(text)
      .slice(0, 1)
      .map(({ iso }) => ({ iso, rank }));
  });
  return dates.toSorted((a, b) => a.rank - b.rank)[0]?.iso;
}

/** All dates in a text, the most certain format first. */
function findDates(text: string): FoundDate[] {
  return FORMS.flatMap((form) =>
    [...text.matchAll(form)].flatMap(({ index, groups }) => {
      const iso = isoDate(groups?.['y'] ?? '', groups?.['m'] ?? '', groups?.['d'] ?? '');
      return iso === undefined ? [] : [{ iso, index }];
    }),
  );
}

/** The date that a text states, as `YYYY-MM-DD`; `undefined` if it states none. */
export function parseDate(text: string): string | undefined {
  return findDates(text)[0]?.iso;
}

function isoDate(yearText: string, monthText: string, dayText: string): string | undefined {
  const year = Number(yearText.length === 2 ? `20${yearText}` : yearText);
  const named = MONTHS.indexOf(monthText.slice(0, 3).toLowerCase()) + 1;
  const [month, day] = named > 0 ? [named, Number(dayText)] : [Number(monthText), Number(dayText)];
  return dayOf(year, month, day) ?? dayOf(year, day, month);
}

function dayOf(year: number, month: number, day: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.toISOString().slice(0, 10) : undefined;
}
