import { type Connection, type DatabaseConfig, transaction } from './database.ts';
import type { TableName } from './slice.ts';

/** Few enough that deliveries need not wait long for the lock. */
const maxRows = 2_000;

const tables: readonly Exclude<TableName, 'run_events'>[] = [
  'execution_events',
  'rating_events',
  'health_events',
  'toolkit_events',
  'metrics_events',
  'artifact_events',
];

/** Deletes some of the events from before a time, and of the runs that ended before it. True if there may be more. */
export function prune(db: Connection, before: number, config: DatabaseConfig): boolean {
  return transaction(db, config, () => {
    for (const table of tables) {
      const condition = `seq IN (SELECT seq FROM ${table} WHERE at < ? LIMIT ${maxRows})`;
      if (db.prepare(`DELETE FROM ${table} WHERE ${condition}`).run(before).changes > 0) {
        return true;
      }
    }
    // A run that is still reported on keeps its start.
    db.prepare('DELETE FROM run_events WHERE run IN (SELECT run FROM run_events GROUP BY run HAVING max(at) < ?)').run(
      before,
    );
    return false;
  });
}
