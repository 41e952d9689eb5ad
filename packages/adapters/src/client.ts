import { configError } from '@toolweaver/analytics-core/backend';

/** @throws AnalyticsError `INVALID_CONFIG` for anything but a client, such as a promise of one, which would fail only at the first call. */
export function checkClient(analytics: unknown): void {
  if (typeof Object(analytics).record !== 'function') {
    const message = 'must be a client; createAnalyticsClient has to be awaited';
    throw configError([{ field: 'analytics', message }]);
  }
}
