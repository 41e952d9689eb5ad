/** Upper bound of the length of a number as a string. */
export const maxNumberBytes = 26;

/**
 * Writes a number as `String(value)` would, and returns the end position. Most numbers here have few decimals; their digits
 * are computed without an intermediate string, which would take several times as long.
 */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value < 1e15) {
    if (value === Math.floor(value)) {
      return writeWhole(bytes, at, value);
    }
    // With at most 15 digits in all, a decimal that gives the same number is also the shortest that does.
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

/** `scaled` is the number times `scale`, which is 10 to the power of `decimals`. */
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

/** Writes a whole number, 0 <= value < 1e15. */
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

/** Writes a number below 2^31, padded with zeros to `digits`, from the last digit backwards. */
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
