import { type Connection, type DatabaseConfig, retryBusy } from '../database.ts';
import { failure, isDamage, toFailure } from '../failure.ts';
import type { Maintenance } from '../protocol.ts';
import { erase, estimateErase } from './erase.ts';
import { estimatePrune } from './estimate.ts';
import { checkIntegrity } from './integrity.ts';
import { truncateLog } from './log.ts';
import { readPriceable, setCosts } from './reprice.ts';
import { readSize } from './size.ts';
import { readStatistics } from './statistics.ts';

/** What `compact()` returned to the system. */
export interface CompactReport {
  /** By how much the file shrank. */
  readonly freedBytes: number;
}

/** Handles the requests of `SqliteStore`, except those that run in steps. */
export function maintain(
  db: Connection,
  config: DatabaseConfig,
  request: Exclude<Maintenance, { readonly op: 'prune' }>,
): unknown {
  switch (request.op) {
    case 'estimatePrune':
      return estimatePrune(db, request.plan);
    case 'erase':
      return erase(db, config, request.userId);
    case 'estimateErase':
      return estimateErase(db, request.userId);
    case 'priceable':
      return readPriceable(db, request.from, request.to, request.sources);
    case 'setCosts':
      return setCosts(db, config, request.costs);
    case 'compact':
      return compact(db, config);
    case 'size':
      return readSize(db);
    case 'statistics':
      return readStatistics(db, config.path);
    case 'integrity':
      return checkIntegrity(db, request.quick);
    case 'copy':
      copy(db, request.to);
      return undefined;
  }
}

function copy(db: Connection, to: string): void {
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } catch (error) {
    // Unless it is damage, most likely the copy cannot be written.
    const { code, message, cause } = isDamage(error) ? toFailure(error, db.name, false) : toFailure(error, to, false);
    throw failure(code, message, cause);
  }
}

function compact(db: Connection, config: DatabaseConfig): CompactReport {
  const size = (): number => {
    const { usedBytes, freeBytes } = readSize(db);
    return usedBytes + freeBytes;
  };
  const before = size();
  retryBusy(config, () => db.exec('VACUUM'));
  truncateLog(db, config.busyTimeoutMs);
  return { freedBytes: Math.max(0, before - size()) };
}
