/** A record of a text: its value, or why it has none that can be relied on. */
export type TextRecord<T> = {
  /** Line where it starts, from 1. */
  readonly line: number;
  /** Length of the content, in UTF-16 units. */
  readonly length: number;
} & ({ readonly value: T } | { readonly problem: string });

/** Takes a text in pieces, cut anywhere, and returns the records that each piece completes. */
export interface Splitter<T> {
  push(text: string): TextRecord<T>[];
  /** Returns the last record if no line end follows it. */
  end(): TextRecord<T>[];
}

/** Has room for an artifact of 8 MiB in base64, and limits memory when a quote is never closed. */
export const maxRecordLength: number = 16 * 1024 * 1024;

export const tooLong = (maxLength: number): string => `is longer than ${maxLength} characters`;
