/** For ids and names: longer ones are cut. */
export const maxIdLength = 256;
/** For error messages and comments. */
export const maxMessageLength = 1024;

/** Control characters and lone surrogates. */
const unsafe = /[\p{Cc}\p{Cs}]/gu;
const unsafeInLines = /[^\P{Cc}\t\n\r]|\p{Cs}/gu;
/** In few strings. */
const notPrintableAscii = /[^ -~]/;

/**
 * Returns a string that every backend can hold: at most `maxLength` UTF-16 units, with lone surrogates and control characters
 * (which break label syntax, terminals, or Postgres) replaced by U+FFFD. `lines` keeps tabs and line breaks.
 */
export function cleanText(text: string, maxLength: number, lines = false): string {
  const wrong = lines ? unsafeInLines : unsafe;
  if (text.length <= maxLength && (isPrintableAscii(text) || text.search(wrong) === -1)) {
    return text;
  }
  const halvesPair = (text.codePointAt(maxLength - 1) ?? 0) > 0xffff;
  const cut = text.slice(0, halvesPair ? maxLength - 1 : maxLength);
  const clean = cut.replace(wrong, '\ufffd');
  // A slice or a concatenation would keep the whole original alive for as long as the event lives.
  return Buffer.from(clean, 'utf16le').toString('utf16le');
}

/** Returns an id or a name as it is recorded. To look for a recorded one, clean it first. */
export function cleanId(text: string): string {
  return cleanText(text, maxIdLength);
}

function isPrintableAscii(text: string): boolean {
  const { length } = text;
  // For each character, a regular expression takes a third of the loop's time; to start, as long as the loop for 16.
  if (length > 16) {
    return !notPrintableAscii.test(text);
  }
  for (let at = 0; at < length; at += 1) {
    // One comparison for both ends of the range.
    if ((text.charCodeAt(at) - 0x20) >>> 0 >= 0x5f) {
      return false;
    }
  }
  return true;
}
