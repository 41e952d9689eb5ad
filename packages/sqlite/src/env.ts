import { type Env, readEnv } from '@toolweaver/analytics-core';
import type { SqliteOptions } from './sqlite.ts';

/**
 * Reads `ANALYTICS_DB_PATH` and `ANALYTICS_DB_RETENTION_DAYS` (0 keeps everything). Pure: pass `process.env`.
 * @throws AnalyticsError `INVALID_CONFIG` with all problems.
 */
export function sqliteFromEnv(env: Env): SqliteOptions {
  return readEnv(env, (vars) => ({
    path: vars.text('ANALYTICS_DB_PATH'),
    retentionDays: vars.integer('ANALYTICS_DB_RETENTION_DAYS', { min: 0, max: 36_500 }),
  }));
}
