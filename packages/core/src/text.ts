/** Ids and names: longer ones are cut. */
export const maxIdLength = 256;
/** Error messages and comments. */
export const maxMessageLength = 1024;

/** Control characters and lone surrogates. */
const unsafe = /[\p{Cc}\p{Cs}]/gu;
const unsafeInLines = /(?![\t\n\r])[\p{Cc}\p{Cs}]/gu;

/**
 * Text that every backend can hold: at most `maxLength` UTF-16 units, with lone surrogates and control characters (which
 * break label syntax, terminals, or Postgres) replaced by U+FFFD. `lines` keeps tabs and line breaks.
 */
export function cleanText(text: string, maxLength: number, lines = false): string {
  if (text.length <= maxLength && isPlain(text)) {
    return text;
  }
  const halvesPair = (text.codePointAt(maxLength - 1) ?? 0) > 0xffff;
  const cut = text.slice(0, halvesPair ? maxLength - 1 : maxLength);
  const clean = cut.replace(lines ? unsafeInLines : unsafe, '\ufffd');
  // A slice or a concatenation would keep the whole original alive for as long as the event lives.
  return clean === text ? text : Buffer.from(clean, 'utf16le').toString('utf16le');
}

/** An id or a name as it is recorded. Who looks for what was recorded under a text cleans that first. */
export function cleanId(text: string): string {
  return cleanText(text, maxIdLength);
}

/** Nearly all text needs no more than this, which is faster than a regular expression. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const isAscii = unit >= 0x20 && unit < 0x7f;
    if (!isAscii && (unit < 0xa0 || (unit >= 0xd800 && unit <= 0xdfff))) {
      return false;
    }
  }
  return true;
}
