import type { Analytics, AnalyticsOptions } from '@toolweaver/analytics-core';
import { createAnalytics } from '@toolweaver/analytics-core';
import { type SqliteBackend, type SqliteOptions, sqlite } from '@toolweaver/analytics-sqlite';
import { onTestFinished } from 'vitest';

/** A backend that is closed when the test is over. */
export async function open(options: SqliteOptions): Promise<SqliteBackend> {
  const backend = await sqlite(options);
  onTestFinished(() => backend.close?.());
  return backend;
}

/** A client of such a backend. */
export async function openClient(options: SqliteOptions, more: Partial<AnalyticsOptions> = {}): Promise<Analytics> {
  const analytics = createAnalytics({ backends: [await sqlite(options)], ...more });
  onTestFinished(async () => void (await analytics.close({ timeoutMs: 0 })));
  return analytics;
}
