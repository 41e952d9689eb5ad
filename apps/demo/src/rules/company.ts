import type { TextLine } from '../tools/receipt-ocr.ts';

/** The number of lines at the top of a receipt that may contain the name of the shop. */
const HEAD_LINES = 8;
/** Endings that only names of businesses have. */
const LEGAL_FORM = /\b(?:SDN|BHD|BND|BERHAD|S\/B|PLT|ENTERPRISE|TRADING|LTD|LLC|INC|GMBH)\b/;
/** A legal form without a name of its own, or the second half of one: the name begins in the line above. */
const LEGAL_FORM_ONLY = /^(?:&.*|CO\b|\(M\)|SDN|BHD|S\/B|PLT|ENTERPRISE|TRADING|LTD|LLC|INC|GMBH|[().,&\s])+$/;
/** Where the head ends: address, phone, registration or the first figures of the sale. */
const AFTER_NAME =
  /^(?:NO\b|LOT\b|PT ?\d|\d+[,-]|JALAN\b|JLN\b|TEL\b|FAX\b|DATE\b|GST\b)|REG\b|\bID\b|\b\d{5} [A-Z]|@|WWW|\d\.\d\d\b/;
/** Lines of the head that are not a name. */
const NO_NAME =
  /INVOICE|RECEIPT|THANK|WELCOME|COPY|CASH BILL|DUPLICATE|ORIGINAL|REPRINT|GUEST CHECK|RETURN|COMPLAINT|CALL\b|VOUCHER|CASHIER|\bTQ\b/;
/** The registration number behind a name, as in `(513902-W)` or `273500-U`. */
const REGISTRATION =
  /(?<=[A-Z]{2}.*)\s*(?:[([{]\s*)?(?:CO\.?|REG\.?|NO\.?|[\s:])*[A-Z]{0,2}\d{4,}\s?-?\s?[A-Z0-9]?\b.*$/;

/** Returns the name of the shop: the line of the head with a legal form, or else its first line that can be a name. */
export function findCompany(lines: readonly TextLine[]): string | undefined {
  const head = lines.slice(0, HEAD_LINES).map(({ text }) => text.toUpperCase());
  const formal = head.findIndex((text) => LEGAL_FORM.test(text) && !NO_NAME.test(text));
  const index = formal >= 0 ? formal : head.findIndex(isName);
  const name = head[index];
  if (name === undefined) return undefined;

  const above = head[index - 1];
  const below = head[index + 1];
  if (LEGAL_FORM_ONLY.test(withoutRegistration(name)) && above !== undefined)
    return withoutRegistration(`${above} ${name}`);
  if (/[&,]$/.test(name) && below !== undefined && isName(below)) return withoutRegistration(`${name} ${below}`);
  return withoutRegistration(name);
}

function isName(text: string): boolean {
  return /[A-Z]{3}/.test(text) && !AFTER_NAME.test(text) && !NO_NAME.test(text);
}

function withoutRegistration(name: string): string {
  return name.replace(REGISTRATION, '').trim() || name;
}
