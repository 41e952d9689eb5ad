/** Rows of numbers in one array: what is counted together lies together. */
export interface Table {
  /** A new array whenever there are more rows: to be asked for each time. */
  readonly values: Float64Array;
  /** Before the first row: where in each row these many numbers begin. */
  columns(count: number): number;
  /** Where the row begins; of zeros. */
  addRow(): number;
}

const firstRows = 16;

export function createTable(): Table {
  let values = new Float64Array(0);
  let width = 0;
  let used = 0;
  return {
    get values() {
      return values;
    },
    columns(count) {
      width += count;
      return width - count;
    },
    addRow() {
      const row = used;
      used += width;
      if (used > values.length) {
        const larger = new Float64Array(Math.max(2 * values.length, firstRows * width));
        larger.set(values);
        values = larger;
      }
      return row;
    },
  };
}

export function addTo({ values }: Table, place: number, amount: number): void {
  values[place] = (values[place] as number) + amount;
}
