import type { Attributes, MeterProvider, Observable, ObservableResult } from '@opentelemetry/api';
import type { Cells, CellsOptions, Family, HistogramFamily, Metric, Observed } from '@toolweaver/analytics-metrics';
import { createCells } from '@toolweaver/analytics-metrics';
import { attributesOf } from './attributes.ts';
import { scope } from './scope.ts';

export interface HostInstruments {
  readonly cells: Cells;
  /** Takes the instruments out of the provider's collections. */
  release(): void;
}

/**
 * Cells shown by instruments of the host's provider: counters and gauges are read when it collects, and observations are recorded
 * as they come, because no instrument takes a whole histogram.
 */
export function createHostInstruments(provider: MeterProvider, options: CellsOptions): HostInstruments {
  const meter = provider.getMeter(scope.name);

  function histograms(metric: Metric): HistogramFamily {
    const { name, help: description, unit, bounds = [] } = metric;
    const advice = { explicitBucketBoundaries: [...bounds] };
    const instrument = meter.createHistogram(name, { description, unit, advice });
    /** `rest`: what the weights so far came to above whole observations, as an instrument knows no halves. */
    const kept = new Map<Observed, { readonly attributes: Attributes; rest: number }>();
    return {
      metric,
      series: [],
      add(labels, isOverflow) {
        const series: Observed = { labels, isOverflow, counts: [], sum: 0, count: 0 };
        kept.set(series, { attributes: attributesOf(metric, series), rest: 0 });
        return series;
      },
      observe(series, value, weight) {
        const one = kept.get(series);
        if (one !== undefined) {
          one.rest += weight;
          for (; one.rest >= 1; one.rest -= 1) {
            instrument.record(value, one.attributes);
          }
        }
      },
    };
  }

  const cells = createCells({ ...options, histograms });
  const shown = new Map<Family, Observable>();
  for (const family of cells.families()) {
    const { name, help: description, unit, type } = family.metric;
    if (type !== 'histogram') {
      const make = type === 'counter' ? meter.createObservableCounter : meter.createObservableGauge;
      shown.set(family, make.call(meter, name, { description, unit }));
    }
  }

  const observe = (result: { observe(metric: Observable, ...rest: Parameters<ObservableResult['observe']>): void }) => {
    for (const family of cells.families()) {
      const instrument = shown.get(family);
      for (const one of instrument === undefined ? [] : family.series) {
        if ('value' in one) {
          result.observe(instrument as Observable, one.value, attributesOf(family.metric, one));
        }
      }
    }
  };
  const instruments = [...shown.values()];
  meter.addBatchObservableCallback(observe, instruments);
  return { cells, release: () => meter.removeBatchObservableCallback(observe, instruments) };
}
