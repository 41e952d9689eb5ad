import type { ClientFigures, DropReason } from '@toolweaver/analytics-core';
import { catalogue } from './catalogue.ts';
import { type Family, numberFamily } from './family.ts';
import { type ResolvedMetricsOptions, toMetric } from './options.ts';
import type { NumberSeries } from './series.ts';

/** Shows what a client says of itself: its operations under way, and the ledger of each of its backends. */
export function clientMetrics(options: ResolvedMetricsOptions) {
  const active = numberFamily(toMetric(catalogue.activeOperations, options));
  const events = numberFamily(toMetric(catalogue.analyticsEvents, options));
  const seriesOf = new Map<string, { delivered: NumberSeries; dropped: Map<string, NumberSeries> }>();
  let client: ClientFigures | undefined;

  return {
    families: [active, events] as readonly Family[],
    attach(figures: ClientFigures): void {
      client = figures;
      active.add([], false);
    },
    /** Brings the series up to date. */
    refresh(): void {
      const [operations] = active.series as NumberSeries[];
      if (client === undefined || operations === undefined) {
        return;
      }
      operations.value = client.activeOperations();
      for (const [backend, { delivered, dropped }] of Object.entries(client.stats().backends)) {
        let series = seriesOf.get(backend);
        if (series === undefined) {
          const add = (outcome: string, reason: string) => events.add([backend, outcome, reason], false);
          const reasons = Object.keys(dropped).map((reason) => [reason, add('dropped', reason)] as const);
          series = { delivered: add('delivered', ''), dropped: new Map(reasons) };
          seriesOf.set(backend, series);
        }
        series.delivered.value = delivered;
        for (const [reason, one] of series.dropped) {
          one.value = dropped[reason as DropReason];
        }
      }
    },
  };
}
