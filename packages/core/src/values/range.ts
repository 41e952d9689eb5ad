/** Inclusive bounds of a number. */
export interface NumberRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** The bounds in words that follow "a number". An infinite maximum is none. */
export function rangeText({ min, max = Infinity }: NumberRange): string {
  if (max === Infinity) {
    return min === undefined ? '' : ` >= ${min}`;
  }
  return min === undefined ? ` up to ${max}` : ` from ${min} to ${max}`;
}
