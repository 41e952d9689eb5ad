import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import type { Family } from './family.ts';

/** Counts events in families of its own. */
export interface Recorder {
  readonly families: readonly Family[];
  record(event: AnalyticsEvent): void;
}
