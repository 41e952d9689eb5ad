import type { Connection } from '../database.ts';
import { isDamage } from '../failure.ts';

/** The result of a check of the whole file. */
export interface IntegrityReport {
  readonly ok: boolean;
  /** Messages of SQLite, at most 100. */
  readonly problems: readonly string[];
}

/** Reads the whole file. `quick` does not compare indexes with their tables. */
export function checkIntegrity(db: Connection, quick: boolean): IntegrityReport {
  return reportingDamage(() => {
    const found = db.pragma(quick ? 'quick_check' : 'integrity_check') as Record<string, string>[];
    const problems = found.flatMap((row) => Object.values(row)).filter((problem) => problem !== 'ok');
    return { ok: problems.length === 0, problems };
  });
}

/** Damage may be so bad that SQLite stops at it. */
export function reportingDamage(read: () => IntegrityReport): IntegrityReport {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && isDamage(error)) {
      return { ok: false, problems: [error.message] };
    }
    throw error;
  }
}
