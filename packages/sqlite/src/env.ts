import type { Env } from '@toolweaver/analytics-core';
import { readEnv } from '@toolweaver/analytics-core/backend';
import type { SqliteOptions } from './sqlite.ts';

/**
 * Reads `ANALYTICS_DB_PATH`, `ANALYTICS_DB_RETENTION_DAYS` (0 keeps everything) and `ANALYTICS_DB_MAX_MB` (of 1024² bytes; 0
 * is no limit). Pure: pass `process.env`.
 * @throws AnalyticsError `INVALID_CONFIG` with all problems.
 */
export function sqliteFromEnv(env: Env): SqliteOptions {
  return readEnv(env, (vars) => {
    const maxMegabytes = vars.integer('ANALYTICS_DB_MAX_MB', { min: 0, max: 100_000_000 });
    return {
      path: vars.text('ANALYTICS_DB_PATH'),
      retentionDays: vars.integer('ANALYTICS_DB_RETENTION_DAYS', { min: 0, max: 36_500 }),
      maxBytes: maxMegabytes === undefined ? undefined : maxMegabytes * 1024 * 1024,
    };
  });
}
