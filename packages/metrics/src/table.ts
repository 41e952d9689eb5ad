/**
 * Rows of numbers in one array, found by two whole numbers >= 0 that each begins with: what is counted together lies together, and
 * to find it touches no more memory than counting does.
 */
export interface Table {
  /** A new array whenever there are more rows: to be asked for each time. */
  readonly values: Float64Array;
  /** Before the first row: where in each row these many numbers begin. */
  columns(count: number): number;
  /** Where the row of these keys begins, or -1. */
  find(first: number, second: number): number;
  /** Where the new row begins; of zeros. */
  add(first: number, second: number): number;
  /** The same without keys: it is never found. */
  addUnkeyed(): number;
}

const firstRows = 16;

export function createTable(): Table {
  let values = new Float64Array(0);
  // The keys come first.
  let width = 2;
  let used = 0;
  /** For each slot the number of a row, counted from 1; 0 where there is none. At most half of them are taken. */
  let slots = new Int32Array(2 * firstRows);
  let keyed = 0;

  /** The slot of the row with these keys, or the empty one where it belongs. */
  function slotOf(first: number, second: number): number {
    const mask = slots.length - 1;
    let slot = mix(first, second) & mask;
    for (;;) {
      const row = ((slots[slot] as number) - 1) * width;
      if (row < 0 || (values[row] === first && values[row + 1] === second)) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  function addUnkeyed(): number {
    const row = used;
    used += width;
    if (used > values.length) {
      const larger = new Float64Array(Math.max(2 * values.length, firstRows * width));
      larger.set(values);
      values = larger;
    }
    return row;
  }

  function put(row: number): void {
    slots[slotOf(values[row] as number, values[row + 1] as number)] = row / width + 1;
  }

  function addSlots(): void {
    const old = slots;
    slots = new Int32Array(2 * old.length);
    for (const number of old) {
      if (number > 0) {
        put((number - 1) * width);
      }
    }
  }

  return {
    get values() {
      return values;
    },
    columns(count) {
      width += count;
      return width - count;
    },
    find(first, second) {
      const number = slots[slotOf(first, second)] as number;
      return number === 0 ? -1 : (number - 1) * width;
    },
    add(first, second) {
      const row = addUnkeyed();
      values[row] = first;
      values[row + 1] = second;
      keyed += 1;
      if (2 * keyed > slots.length) {
        addSlots();
      }
      put(row);
      return row;
    },
    addUnkeyed,
  };
}

/** A hash of two whole numbers: multiplied by the odd numbers of MurmurHash3, with the high bits brought down. */
export function mix(first: number, second: number): number {
  const mixed = Math.imul(first, 0xcc9e_2d51) ^ Math.imul(second, 0x1b87_3593);
  return mixed ^ (mixed >>> 15);
}

export function addTo({ values }: Table, place: number, amount: number): void {
  values[place] = (values[place] as number) + amount;
}
