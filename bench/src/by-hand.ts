import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import type { SkillExecution } from './data.ts';

export const rowsPerTransaction = 1000;
export const nameAndTimeIndex = 'CREATE INDEX executions_name_at ON executions (name, at)';

export interface ByHandOptions {
  readonly path: string;
  /** The columns besides those that always exist. `none`: not even the id of the event. */
  readonly columns: 'id' | 'id and tokens' | 'none';
  /** Default: better-sqlite3's own, which is `normal` in WAL mode. */
  readonly synchronous?: 'full' | 'normal';
}

interface ByHand {
  record(execution: SkillExecution): void;
  flush(): void;
  close(): void;
}

/**
 * What a careful program does without this project: a prepared insert on the main thread, in transactions of 1000, into a
 * plain table of strings and numbers with one index.
 */
export function byHand({ path, columns, synchronous }: ByHandOptions): ByHand {
  const db = new Database(path);
  db.pragma('journal_mode = wal');
  if (synchronous !== undefined) {
    db.pragma(`synchronous = ${synchronous}`);
  }
  const more = {
    none: '',
    id: ', id TEXT NOT NULL',
    'id and tokens': ', id TEXT NOT NULL, model TEXT, input_tokens INTEGER, output_tokens INTEGER, cost_usd REAL',
  };
  createExecutions(db, more[columns]);
  const extra = { none: 0, id: 1, 'id and tokens': 5 }[columns];
  const insert = db.prepare(
    `INSERT INTO executions VALUES (${Array(9 + extra)
      .fill('?')
      .join(', ')})`,
  );

  /** Spells out every call, because passing an array costs more. */
  function insertRow(execution: SkillExecution): void {
    const { skillId, userId, orgId, latencyMs, error } = execution;
    const at = execution.at ?? Date.now();
    const success = execution.success ? 1 : 0;
    if (columns === 'none') {
      insert.run(at, 'skill', skillId, userId, orgId, success, latencyMs, error?.type, error?.message);
      return;
    }
    const id = randomUUID();
    if (columns === 'id') {
      insert.run(at, 'skill', skillId, userId, orgId, success, latencyMs, error?.type, error?.message, id);
      return;
    }
    const { model, usage, cost } = execution;
    // biome-ignore format: as the columns are
    insert.run(at, 'skill', skillId, userId, orgId, success, latencyMs, error?.type, error?.message, id,
      model, usage?.inputTokens, usage?.outputTokens, cost?.usd);
  }

  const insertAll = db.transaction((executions: readonly SkillExecution[]) => {
    for (const execution of executions) {
      insertRow(execution);
    }
  });

  let waiting: SkillExecution[] = [];
  function flush(): void {
    insertAll(waiting);
    waiting = [];
  }
  return {
    record(execution) {
      waiting.push(execution);
      if (waiting.length === rowsPerTransaction) {
        flush();
      }
    },
    flush,
    close: () => db.close(),
  };
}

export function createExecutions(db: Database.Database, moreColumns: string): void {
  db.exec(`
    CREATE TABLE executions (
      at INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, user_id TEXT, org_id TEXT, success INTEGER NOT NULL,
      latency_ms REAL, error_type TEXT, error_message TEXT ${moreColumns}
    );
    ${nameAndTimeIndex};
  `);
}

/** The number of executions in a database, whether the client or `byHand` wrote it. */
export function countRows(path: string): number {
  // Opened for writing, because a read-only connection would leave the log files behind.
  const db = new Database(path, { fileMustExist: true });
  try {
    return db.prepare('SELECT count(*) FROM executions').pluck().get() as number;
  } finally {
    db.close();
  }
}
