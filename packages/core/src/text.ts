/** Ids and names: longer ones are cut. */
export const maxIdLength = 256;
/** Error messages and comments. */
export const maxMessageLength = 1024;

/**
 * Text that every backend can hold: at most `maxLength` UTF-16 units, with lone surrogates and control characters (which
 * break label syntax, terminals, or Postgres) replaced by U+FFFD. `lines` keeps tabs and line breaks.
 */
export function cleanText(text: string, maxLength: number, lines = false): string {
  if (text.length <= maxLength && isClean(text, lines)) {
    return text;
  }
  let result = '';
  for (const character of text.length > maxLength ? text.slice(0, maxLength + 1) : text) {
    if (result.length + character.length > maxLength) {
      break;
    }
    result += isAllowed(character.codePointAt(0) as number, lines) ? character : '\ufffd';
  }
  // A slice or a concatenation would keep the whole original alive for as long as the event lives.
  return Buffer.from(result, 'utf16le').toString('utf16le');
}

/** An id or a name as it is recorded. Who looks for what was recorded under a text cleans that first. */
export function cleanId(text: string): string {
  return cleanText(text, maxIdLength);
}

function isClean(text: string, lines: boolean): boolean {
  let surrogates = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Nearly all are printable ASCII.
    if (unit >= 0x20 && unit < 0x7f) {
      continue;
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
      surrogates = true;
    } else if (!isAllowed(unit, lines)) {
      return false;
    }
  }
  return !surrogates || text.isWellFormed();
}

function isAllowed(codePoint: number, lines: boolean): boolean {
  if (codePoint < 0x20) {
    return lines && isLineCharacter(codePoint);
  }
  return !(codePoint >= 0x7f && codePoint <= 0x9f) && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
}

function isLineCharacter(unit: number): boolean {
  return unit === 0x09 || unit === 0x0a || unit === 0x0d;
}
