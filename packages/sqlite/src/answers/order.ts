// Orders for sorting answers.

export type Order<T> = (one: T, other: T) => number;

/** Sorts by the first order in which two items differ. */
export function inOrder<T>(...orders: readonly Order<NoInfer<T>>[]): Order<T> {
  return (one, other) => {
    for (const order of orders) {
      const result = order(one, other);
      if (result !== 0) {
        return result;
      }
    }
    return 0;
  };
}

/** Highest first, null last. */
export function descending<T>(numberOf: (item: T) => number | null): Order<T> {
  return (one, other) => {
    const [first, second] = [numberOf(one), numberOf(other)];
    return first === second ? 0 : (second ?? Number.NEGATIVE_INFINITY) - (first ?? Number.NEGATIVE_INFINITY);
  };
}

export const byKindAndName: Order<{ readonly kind: string; readonly name: string }> = inOrder(
  (one, other) => compareTexts(one.kind, other.kind),
  (one, other) => compareTexts(one.name, other.name),
);

/** Compares by code points, as SQLite does; `<` compares UTF-16 units. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const difference = rankOf(one.charCodeAt(at)) - rankOf(other.charCodeAt(at));
    if (difference !== 0) {
      return difference;
    }
  }
  return one.length - other.length;
}

/** Surrogates stand for characters beyond all others. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
