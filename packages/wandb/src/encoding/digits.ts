/** The longest text of a number, with some room. */
export const maxNumberBytes = 26;

/**
 * Writes the text of a number, the same one that a template would make, and returns where it ends. Most numbers here have few
 * decimals; their digits are known without making a text of them first, which takes several times as long.
 */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value < 1e15) {
    if (value === Math.floor(value)) {
      return writeWhole(bytes, at, value);
    }
    // As long as there are at most 15 digits in all, what gives the same number is the shortest that does.
    const thousands = Math.round(value * 1e3);
    if (value < 1e12 && thousands / 1e3 === value) {
      return writeDecimal(bytes, at, thousands, 1e3, 3);
    }
    const millions = Math.round(value * 1e6);
    if (value < 1e9 && millions / 1e6 === value) {
      return writeDecimal(bytes, at, millions, 1e6, 6);
    }
  }
  return writeText(bytes, at, `${value}`);
}

/** `scaled` is the number times `scale`, which has so many `decimals`. */
function writeDecimal(bytes: Uint8Array, at: number, scaled: number, scale: number, decimals: number): number {
  const whole = Math.floor(scaled / scale);
  const point = writeWhole(bytes, at, whole);
  bytes[point] = 46;
  let end = writeSmall(bytes, point + 1, scaled - whole * scale, decimals);
  while (bytes[end - 1] === 48) {
    end -= 1;
  }
  return end;
}

/** A whole number, 0 <= value < 1e15. */
function writeWhole(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 1e9) {
    const high = Math.floor(value / 1e9);
    const end = writeSmall(bytes, at, high, digitsOf(high));
    return writeSmall(bytes, end, value - high * 1e9, 9);
  }
  return writeSmall(bytes, at, value, digitsOf(value));
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) {
    digits += 1;
  }
  return digits;
}

/** With zeros in front, down from the last digit. */
function writeSmall(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    const next = (rest / 10) | 0;
    bytes[index] = 48 + rest - next * 10;
    rest = next;
  }
  return at + digits;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index += 1) {
    bytes[at + index] = text.charCodeAt(index);
  }
  return at + length;
}
