import type { Connection } from '../database.ts';
import { failure } from '../failure.ts';
import { sizeOf } from '../file.ts';
import { pause } from '../pause.ts';

// The write-ahead log (`-wal`) holds what was written until a checkpoint moves it into the file. It restarts from the beginning
// only when nobody is reading from it.

/** Checkpoints keep the log below this, unless somebody keeps reading from it. */
const alarmingLogBytes = 256 * 1024 * 1024;

/** Moves the log into the file and empties it. Returns false if others prevent that for all of `waitMs`. */
export function truncateLog(db: Connection, waitMs = 0): boolean {
  const deadline = performance.now() + waitMs;
  const patience = db.pragma('busy_timeout', { simple: true }) as number;
  // A checkpoint that waits for readers blocks all writers.
  db.pragma('busy_timeout = 0');
  try {
    for (;;) {
      const [{ busy } = { busy: 1 }] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      if (busy === 0 || performance.now() >= deadline) {
        return busy === 0;
      }
      pause(20);
    }
  } finally {
    db.pragma(`busy_timeout = ${patience}`);
  }
}

/** @throws what `failure` makes when the log has grown too far and cannot be emptied. */
export function checkLog(db: Connection, path: string, alarmingBytes: number = alarmingLogBytes): void {
  if (path === ':memory:' || sizeOf(`${path}-wal`) < alarmingBytes || truncateLog(db)) {
    return;
  }
  const size = `${Math.round(sizeOf(`${path}-wal`) / 1024 / 1024)} MB`;
  const message = `${path}-wal has grown to ${size}, because a program keeps a read transaction open: end it`;
  throw failure('BACKEND_UNAVAILABLE', message);
}
