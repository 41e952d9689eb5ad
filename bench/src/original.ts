import Database from 'better-sqlite3';
import type { SkillExecution } from './data.ts';

/**
 * Records as the analytics from which this project grew do, for every record: open a connection, set it up, insert one row
 * into a table with four indexes, commit, close.
 */
export function recordLikeOriginal(path: string, executions: Iterable<SkillExecution>): void {
  for (const { skillId, userId, orgId, success, latencyMs } of executions) {
    const db = new Database(path, { timeout: 30_000 });
    db.pragma('journal_mode = wal');
    db.pragma('synchronous = normal');
    db.pragma('cache_size = -64000');
    db.pragma('foreign_keys = on');
    db.pragma('temp_store = memory');
    const insert = db.prepare(`
      INSERT INTO skill_usage (skill_id, user_id, org_id, execution_count, success_count, failure_count, avg_latency_ms)
      VALUES (?, ?, ?, 1, ?, ?, ?)`);
    insert.run(skillId, userId, orgId, success ? 1 : 0, success ? 0 : 1, latencyMs);
    db.close();
  }
}

export function createLikeOriginal(path: string): void {
  const db = new Database(path);
  db.exec(`
    PRAGMA journal_mode = wal;
    CREATE TABLE skill_usage (
      id INTEGER PRIMARY KEY AUTOINCREMENT, skill_id TEXT NOT NULL, user_id TEXT NOT NULL, org_id TEXT,
      execution_count INTEGER DEFAULT 0, success_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0,
      avg_latency_ms REAL DEFAULT 0, min_latency_ms REAL DEFAULT 0, max_latency_ms REAL DEFAULT 0,
      timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
      updated_at DATETIME DEFAULT CURRENT_TIMESTAMP
    );
    CREATE INDEX idx_skill ON skill_usage (skill_id);
    CREATE INDEX idx_user ON skill_usage (user_id);
    CREATE INDEX idx_org ON skill_usage (org_id);
    CREATE INDEX idx_time ON skill_usage (timestamp DESC);
  `);
  db.close();
}
