/**
 * Rows of numbers in one array, found by two keys, whole numbers >= 0, at the start of each row. Numbers that are counted
 * together are next to each other, and finding a row touches no more memory than counting does.
 */
export interface Table {
  /** Do not keep the array: it is replaced when the table grows. */
  readonly values: Float64Array;
  /** Adds `count` numbers to each row, and returns where they begin in it. Only before the first row. */
  columns(count: number): number;
  /** Returns where the row with these keys begins, or -1. */
  find(first: number, second: number): number;
  /** Adds a row of zeros, and returns where it begins. */
  add(first: number, second: number): number;
  /** Adds a row without keys, which `find` never returns. */
  addUnkeyed(): number;
}

const firstRows = 16;

export function createTable(): Table {
  // Not a getter: objects with a getter of their own are slow, as V8 keeps their properties in a dictionary.
  const table = { values: new Float64Array(0), columns, find, add, addUnkeyed };
  // The two keys come first.
  let width = 2;
  let used = 0;
  /** For each slot where its row begins, counted from 1, or 0 when empty. At most half of the slots are taken. */
  let slots = new Int32Array(2 * firstRows);
  let keyed = 0;

  /** The slot of the row with these keys, or the empty one where it belongs. */
  function slotOf(first: number, second: number): number {
    const { values } = table;
    const mask = slots.length - 1;
    let slot = mix(first, second) & mask;
    for (;;) {
      const row = (slots[slot] as number) - 1;
      if (row < 0 || (values[row] === first && values[row + 1] === second)) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  function addUnkeyed(): number {
    const row = used;
    used += width;
    if (used > table.values.length) {
      const larger = new Float64Array(Math.max(2 * table.values.length, firstRows * width));
      larger.set(table.values);
      table.values = larger;
    }
    return row;
  }

  function put(row: number): void {
    const { values } = table;
    slots[slotOf(values[row] as number, values[row + 1] as number)] = row + 1;
  }

  function addSlots(): void {
    const old = slots;
    slots = new Int32Array(2 * old.length);
    for (const taken of old) {
      if (taken > 0) {
        put(taken - 1);
      }
    }
  }

  function columns(count: number): number {
    width += count;
    return width - count;
  }

  function find(first: number, second: number): number {
    return (slots[slotOf(first, second)] as number) - 1;
  }

  function add(first: number, second: number): number {
    const row = addUnkeyed();
    table.values[row] = first;
    table.values[row + 1] = second;
    keyed += 1;
    if (2 * keyed > slots.length) {
      addSlots();
    }
    put(row);
    return row;
  }

  return table;
}

/** Hashes two whole numbers: multiplies them by the odd constants of MurmurHash3, and mixes the high bits down. */
export function mix(first: number, second: number): number {
  const mixed = Math.imul(first, 0xcc9e_2d51) ^ Math.imul(second, 0x1b87_3593);
  return mixed ^ (mixed >>> 15);
}

export function addTo({ values }: Table, place: number, amount: number): void {
  values[place] = (values[place] as number) + amount;
}
