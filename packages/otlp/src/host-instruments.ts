import type { Attributes, MeterProvider, Observable, ObservableResult } from '@opentelemetry/api';
import { configError } from '@toolweaver/analytics-core/backend';
import {
  type Cells,
  type CellsOptions,
  createCells,
  describeMetrics,
  genaiMetrics,
  type Metric,
  type NumberFamily,
  type Observer,
} from '@toolweaver/analytics-metrics';
import { attributesOf } from './attributes.ts';
import { scope } from './scope.ts';

/** Observations of one event in one histogram. They take less than a millisecond, while the caller of `record…()` waits. */
const maxObservations = 1000;

export interface HostInstruments {
  readonly cells: Cells;
  /** Removes the instruments from the provider's collections, and frees their names. */
  release(): void;
}

/**
 * Creates cells that instruments of the host's provider show. Counters and gauges are read when it collects; observations are
 * recorded as they come, because no instrument takes a whole histogram.
 * @throws AnalyticsError `INVALID_CONFIG` when other instruments of ours on the provider have these names.
 */
export function createHostInstruments(provider: MeterProvider, options: CellsOptions): HostInstruments {
  const freeNames = takeNames(provider, options);
  const meter = provider.getMeter(scope.name);

  function observer({ name, help: description, unit, bounds = [], labels }: Metric): Observer {
    const advice = { explicitBucketBoundaries: [...bounds] };
    const instrument = meter.createHistogram(name, { description, unit, advice });
    /** `rest`: the fraction of an observation left over from the weights so far, because an instrument takes only whole ones. */
    const kept: { readonly attributes: Attributes; rest: number }[] = [];
    return {
      add: (labelSet) => kept.push({ attributes: attributesOf(labels, labelSet), rest: 0 }) - 1,
      observe(series, value, weight) {
        const one = kept[series];
        if (one !== undefined) {
          const due = one.rest + weight;
          one.rest = due % 1;
          for (let times = Math.min(Math.floor(due), maxObservations); times > 0; times -= 1) {
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
    // Updates the metrics that are not counted event by event.
    cells.families();
    for (const [{ metric, labelSets, value }, instrument] of shown) {
      for (const [at, labelSet] of labelSets.entries()) {
        result.observe(instrument, value(at), attributesOf(metric.labels, labelSet));
      }
    }
  };
  const instruments = [...shown.values()];
  meter.addBatchObservableCallback(observe, instruments);
  return {
    cells,
    release() {
      meter.removeBatchObservableCallback(observe, instruments);
      freeNames();
    },
  };
}

/** By provider, the names of the instruments of each backend. */
const takenNames = new WeakMap<MeterProvider, Set<readonly string[]>>();

/**
 * Reserves the names on the provider. Instruments of the same name are one instrument: what one backend reports would overwrite
 * what another has reported, and observations of the same event would count twice.
 */
function takeNames(provider: MeterProvider, options: CellsOptions): () => void {
  const { semconv = 'toolweaver', namespace, labels, latencyBucketsMs, maxLabelSets } = options;
  const ours = describeMetrics({ namespace, labels, latencyBucketsMs, maxLabelSets });
  const metrics = [...ours, ...(semconv === 'toolweaver' ? [] : Object.values(genaiMetrics))];
  const names = metrics.map(({ name }) => name);
  const others = takenNames.get(provider) ?? new Set();
  const taken = [...others].flat().filter((name) => names.includes(name));
  if (taken.length > 0) {
    const message = `has metrics of these names already: ${taken.join(', ')}; give each backend a provider or, where the names begin with one, a \`namespace\` of its own`;
    throw configError([{ field: 'meterProvider', message }]);
  }
  takenNames.set(provider, others.add(names));
  return () => void others.delete(names);
}
