import { resolve } from 'node:path';
import type { Analytics } from '@toolweaver/analytics';

/**
 * Returns the path for the SQLite backend. The environment variable is left unchanged, because it may be `:memory:` or begin
 * with `~`; `given` and `byDefault` are relative to the working directory.
 */
export function databaseSetting(
  cwd: string,
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  byDefault: string,
): string {
  const named = env['ANALYTICS_DB_PATH']?.trim();
  return given ? resolve(cwd, given) : named || resolve(cwd, byDefault);
}

/** The database file that was recorded into; undefined if there is none. */
export function databaseFile(analytics: Analytics): string | undefined {
  const path = analytics.getConfigSummary().backends['sqlite']?.['path'];
  return typeof path === 'string' && path !== ':memory:' ? path : undefined;
}
