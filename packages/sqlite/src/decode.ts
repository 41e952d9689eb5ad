import type { NumberedColumn } from './slice.ts';

/** Returns the value of a row for SQLite; the bytes of a UUID are valid until the next row is read. */
export type Cell = (row: number) => unknown;

const uuidLength = 36;
/** The positions of the bytes of a UUID in its text. */
const bytePositions = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
/** The value of a lower-case hexadecimal digit by its character code. */
const digitValues: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => (code < 58 ? code - 48 : code - 87));
const blank = 0x20;

/** `texts` and `subjects` map the numbers in columns of a batch to ids of the database. */
export function cellReader(column: NumberedColumn, texts: readonly number[], subjects: readonly number[]): Cell {
  switch (column.type) {
    case 'number': {
      const { values } = column;
      return (row) => {
        const value = values[row] as number;
        return Number.isNaN(value) ? null : value;
      };
    }
    case 'text': {
      const { values } = column;
      return (row) => {
        const number = values[row] as number;
        return number === 0 ? null : texts[number - 1];
      };
    }
    case 'subject': {
      const { values } = column;
      return (row) => subjects[values[row] as number];
    }
    case 'plain': {
      const { values } = column;
      return (row) => values[row];
    }
    case 'uuid': {
      const digits = Buffer.from(column.digits, 'latin1');
      // SQLite copies its parameters, so one buffer serves all rows.
      const bytes = Buffer.alloc(16);
      return (row) => {
        const start = row * uuidLength;
        if (digits[start] === blank) {
          return null;
        }
        for (let byte = 0; byte < 16; byte += 1) {
          const at = start + (bytePositions[byte] as number);
          const high = digitValues[digits[at] as number] as number;
          bytes[byte] = (high << 4) | (digitValues[digits[at + 1] as number] as number);
        }
        return bytes;
      };
    }
  }
}
