import type { AnalyticsEvent, EventFields } from '@toolweaver/analytics-core';
import { artifact, execution, health, metrics, rating, run, toolkit } from '@toolweaver/analytics-testkit';

/** An event of each type. */
export function everyType(
  common: Partial<Pick<EventFields, 'at' | 'userId' | 'orgId' | 'attributes'>> & { readonly runId?: string } = {},
): AnalyticsEvent[] {
  return [execution, rating, health, toolkit, metrics, run, artifact].map((make) => make(common));
}

/** The tables that they go to. */
export const eventTables: readonly string[] = [
  'execution_events',
  'rating_events',
  'health_events',
  'toolkit_events',
  'metrics_events',
  'run_events',
  'artifact_events',
];
