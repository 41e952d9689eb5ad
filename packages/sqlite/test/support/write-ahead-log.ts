// The file format of SQLite's write-ahead log, as far as it says which transactions are whole.

const headerBytes = 32;
const frameHeaderBytes = 24;

export interface Frame {
  /** The page's number, from 1. */
  readonly page: number;
  /** Where its content is in the log. */
  readonly start: number;
  readonly end: number;
  /** True for the last frame of a transaction. */
  readonly commits: boolean;
}

/** The frames that count: those behind them are left over from before the log was begun anew. */
export function framesOf(log: Buffer): Frame[] {
  const pageSize = log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  const frames: Frame[] = [];
  for (let start = headerBytes; start + frameHeaderBytes + pageSize <= log.length; ) {
    if (!log.subarray(start + 8, start + 16).equals(salt)) {
      break;
    }
    const end = start + frameHeaderBytes + pageSize;
    const commits = log.readUInt32BE(start + 4) !== 0;
    frames.push({ page: log.readUInt32BE(start), start: start + frameHeaderBytes, end, commits });
    start = end;
  }
  return frames;
}
