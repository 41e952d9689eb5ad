import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseReceiptLine, type Receipt } from './receipt.ts';

export interface SkippedLine {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

export interface ReadReceipt {
  /** Absent on a line that is no receipt. */
  readonly receipt?: Receipt;
  readonly skipped?: SkippedLine;
  /** How far the file has been read. */
  readonly bytesRead: number;
}

/** The receipts of a JSON Lines file, one by one; blank lines are passed over. */
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
