import { resolve } from 'node:path';
import type { Analytics } from '@toolweaver/analytics';

/**
 * What the SQLite backend is to take as its path. The variable is left as it is, as it may be `:memory:` or begin with `~`;
 * `given` and `byDefault` are of the working directory.
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

/** The file that was recorded into; undefined where it is none. */
export function databaseFile(analytics: Analytics): string | undefined {
  const path = analytics.getConfigSummary().backends['sqlite']?.['path'];
  return typeof path === 'string' && path !== ':memory:' ? path : undefined;
}
