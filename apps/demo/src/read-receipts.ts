import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseReceiptLine, type Receipt } from './receipt.ts';

export interface SkippedLine {
  /** The line number, from 1. */
  readonly line: number;
  readonly problem: string;
}

export interface ReadReceipt {
  /** Absent on a line that is no receipt. */
  readonly receipt?: Receipt;
  readonly skipped?: SkippedLine;
  /** How many bytes of the file have been read so far. */
  readonly bytesRead: number;
}

/** Yields the receipts of a JSON Lines file one by one, skipping blank lines. */
export async function* readReceipts(path: string): AsyncGenerator<ReadReceipt> {
  const stream = createReadStream(path, 'utf8');
  let line = 0;
  for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') {
      continue;
    }
    const parsed = parseReceiptLine(line === 1 ? text.replace(/^\uFEFF/, '') : text);
    const { bytesRead } = stream;
    yield 'receipt' in parsed
      ? { receipt: parsed.receipt, bytesRead }
      : { skipped: { line, problem: parsed.problem }, bytesRead };
  }
}
