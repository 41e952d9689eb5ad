/** A record of a text: what it holds, or why it holds nothing that can be relied on. */
export type TextRecord<T> = {
  /** Where it starts, from 1. */
  readonly line: number;
  /** Of what it holds, in UTF-16 units. */
  readonly length: number;
} & ({ readonly value: T } | { readonly problem: string });

/** Takes a text in pieces that are cut anywhere, and gives the records that each piece completes. */
export interface Splitter<T> {
  push(text: string): TextRecord<T>[];
  /** The last record, when no line end follows it. */
  end(): TextRecord<T>[];
}

/** An artifact of 8 MiB in base64 has room; a quote that is never closed does not swallow the memory. */
export const maxRecordLength: number = 16 * 1024 * 1024;

export const tooLong = (maxLength: number): string => `is longer than ${maxLength} characters`;
