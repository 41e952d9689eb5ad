import type { Attributes, MeterProvider, Observable, ObservableResult } from '@opentelemetry/api';
import type { Cells, CellsOptions, Metric, NumberFamily, Observer } from '@toolweaver/analytics-metrics';
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

  function observer({ name, help: description, unit, bounds = [], labels }: Metric): Observer {
    const advice = { explicitBucketBoundaries: [...bounds] };
    const instrument = meter.createHistogram(name, { description, unit, advice });
    /** `rest`: what the weights so far came to above whole observations, as an instrument knows no halves. */
    const kept: { readonly attributes: Attributes; rest: number }[] = [];
    return {
      add: (labelSet) => kept.push({ attributes: attributesOf(labels, labelSet), rest: 0 }) - 1,
      observe(series, value, weight) {
        const one = kept[series];
        if (one !== undefined) {
          one.rest += weight;
          for (; one.rest >= 1; one.rest -= 1) {
            instrument.record(value, one.attributes);
          }
        }
      },
    };
  }

  const cells = createCells({ ...options, observer });
  const shown = new Map<NumberFamily, Observable>();
  for (const family of cells.families()) {
    if (family.kind === 'number') {
      const { name, help: description, unit, type } = family.metric;
      const make = type === 'counter' ? meter.createObservableCounter : meter.createObservableGauge;
      shown.set(family, make.call(meter, name, { description, unit }));
    }
  }

  const observe = (result: { observe(metric: Observable, ...rest: Parameters<ObservableResult['observe']>): void }) => {
    // Brings up to date what is not counted event by event.
    cells.families();
    for (const [{ metric, labelSets, value }, instrument] of shown) {
      for (const [at, labelSet] of labelSets.entries()) {
        result.observe(instrument, value(at), attributesOf(metric.labels, labelSet));
      }
    }
  };
  const instruments = [...shown.values()];
  meter.addBatchObservableCallback(observe, instruments);
  return { cells, release: () => meter.removeBatchObservableCallback(observe, instruments) };
}
