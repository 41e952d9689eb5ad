import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { type Insertable, Kysely, SqliteDialect } from 'kysely';
import { createExecutions, rowsPerTransaction } from './by-hand.ts';
import type { SkillExecution, Workload } from './data.ts';

interface Tables {
  readonly executions: {
    readonly id: string;
    readonly at: number;
    readonly kind: string;
    readonly name: string;
    readonly user_id: string | null | undefined;
    readonly org_id: string | null | undefined;
    readonly success: number;
    readonly latency_ms: number | undefined;
    readonly error_type: string | undefined;
    readonly error_message: string | undefined;
  };
}

/** What a careful program does with Kysely: inserts 1000 rows at a time, each insert a statement and transaction of its own. */
export async function recordWithKysely(path: string, { at }: Workload, count: number): Promise<void> {
  const database = new Database(path);
  database.pragma('journal_mode = wal');
  database.pragma('synchronous = full');
  createExecutions(database, ', id TEXT NOT NULL');
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  for (let start = 0; start < count; start += rowsPerTransaction) {
    const length = Math.min(rowsPerTransaction, count - start);
    const rows = Array.from({ length }, (_, index) => toRow(at(start + index)));
    await db.insertInto('executions').values(rows).execute();
  }
  await db.destroy();
}

function toRow(execution: SkillExecution): Insertable<Tables['executions']> {
  const { skillId, userId, orgId, success, latencyMs, error } = execution;
  return {
    id: randomUUID(),
    at: execution.at ?? Date.now(),
    kind: 'skill',
    name: skillId,
    user_id: userId,
    org_id: orgId,
    success: success ? 1 : 0,
    latency_ms: latencyMs,
    error_type: error?.type,
    error_message: error?.message,
  };
}
