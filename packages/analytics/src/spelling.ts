import type { Env } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import { nearest } from './nearest.ts';

/** The variables that begin with `ANALYTICS_`; a test compares them with what the packages read. */
const known: readonly string[] = [
  'ANALYTICS_BACKEND',
  'ANALYTICS_ENABLED',
  'ANALYTICS_SAMPLE_RATE',
  'ANALYTICS_DB_PATH',
  'ANALYTICS_DB_RETENTION_DAYS',
  'ANALYTICS_DB_MAX_MB',
  'ANALYTICS_METRICS_NAMESPACE',
  'ANALYTICS_METRICS_LABELS',
  'ANALYTICS_METRICS_BUCKETS_MS',
  'ANALYTICS_METRICS_MAX_LABEL_SETS',
];

/** Two edits make another word: `ANALYTICS_DB_PASS` may well be somebody else's. */
const maxEdits = 1;

/** An empty or blank variable counts as unset. */
function isSet(env: Env, name: string): boolean {
  return String(env[name] ?? '').trim() !== '';
}

/**
 * @throws AnalyticsError `INVALID_CONFIG` for variables that are almost one of ours: their settings would be passed over.
 */
export function checkSpelling(env: Env): void {
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('ANALYTICS_') && !known.includes(name) && isSet(env, name))
    .flatMap((name) => {
      const meant = nearest(name, known, maxEdits);
      return meant === undefined ? [] : [{ field: name, message: `is not a known variable; did you mean ${meant}?` }];
    });
  if (problems.length > 0) {
    throw configError(problems);
  }
}
