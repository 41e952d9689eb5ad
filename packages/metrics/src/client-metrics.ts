import type { ClientFigures, DropReason } from '@toolweaver/analytics-core';
import { catalogue } from './catalogue.ts';
import type { Family } from './family.ts';
import { createGauges } from './gauges.ts';
import { type ResolvedMetricsOptions, toMetric } from './options.ts';

/** Shows the client's own figures: its operations under way, and the event counts of each backend. */
export function clientMetrics(options: ResolvedMetricsOptions) {
  const active = createGauges(toMetric(catalogue.activeOperations, options));
  const events = createGauges(toMetric(catalogue.analyticsEvents, options));
  let client: ClientFigures | undefined;

  return {
    families: [active.family, events.family] as readonly Family[],
    attach(figures: ClientFigures): void {
      client = figures;
      active.set([], 0);
    },
    /** Brings the series up to date. */
    refresh(): void {
      if (client === undefined) {
        return;
      }
      active.set([], client.activeOperations());
      for (const [backend, { delivered, dropped }] of Object.entries(client.stats().backends)) {
        events.set([backend, 'delivered', ''], delivered);
        for (const [reason, count] of Object.entries(dropped) as [DropReason, number][]) {
          events.set([backend, 'dropped', reason], count);
        }
      }
    },
  };
}
