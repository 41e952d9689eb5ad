import { configError } from '@toolweaver/analytics-core/backend';

/** @throws AnalyticsError `INVALID_CONFIG` for what is no client, such as a promise of one: else nobody would hear of it before a call. */
export function checkClient(analytics: unknown): void {
  if (typeof Object(analytics).record !== 'function') {
    const message = 'must be a client; that of createAnalyticsClient has to be awaited';
    throw configError([{ field: 'analytics', message }]);
  }
}
