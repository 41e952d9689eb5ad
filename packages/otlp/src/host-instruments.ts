import type { Attributes, MeterProvider, Observable, ObservableResult } from '@opentelemetry/api';
import type { AnalyticsEvent, ClientFigures, DeliveryStats, DropReason } from '@toolweaver/analytics-core';
import { configError } from '@toolweaver/analytics-core/backend';
import {
  createCells,
  describeMetrics,
  genaiMetrics,
  type Metric,
  type NumberFamily,
  type Observer,
  type ResolvedCellsOptions,
} from '@toolweaver/analytics-metrics';
import { attributesOf } from './attributes.ts';
import { scope } from './scope.ts';

/** Observations of one event in one histogram. They take less than a millisecond, while the caller of `record…()` waits. */
const maxObservations = 1000;

/** What one backend does with the instruments of a provider. */
export interface HostInstruments {
  record(event: AnalyticsEvent): void;
  attach(client: ClientFigures): void;
  /** Without any backend, the instruments are no longer read; their totals stay. */
  release(): void;
}

/** By provider and options. The provider keeps its instruments for good, so what they have counted must be kept as long. */
const known = new WeakMap<MeterProvider, Map<string, () => HostInstruments>>();

/**
 * Opens the instruments of the host's provider. All backends with the same options share them, also one after the other, because
 * instruments of the same name are one instrument: totals of their own would overwrite each other.
 * @throws AnalyticsError `INVALID_CONFIG` when instruments with other options have these names.
 */
export function openHostInstruments(provider: MeterProvider, options: ResolvedCellsOptions): HostInstruments {
  const ofProvider = known.get(provider) ?? new Map<string, () => HostInstruments>();
  const key = JSON.stringify(options);
  let open = ofProvider.get(key);
  if (open === undefined) {
    const names = namesOf(options);
    const taken = [...ofProvider.keys()]
      .flatMap((other) => namesOf(JSON.parse(other)))
      .filter((name) => names.includes(name));
    if (taken.length > 0) {
      const message = `has metrics of these names already, with other options: ${taken.join(', ')}; a provider keeps its metrics for good, so give the same options, another provider or, where the names begin with one, another \`namespace\``;
      throw configError([{ field: 'meterProvider', message }]);
    }
    open = createInstruments(provider, options);
    known.set(provider, ofProvider.set(key, open));
  }
  return open();
}

function namesOf({ semconv, namespace, labels, latencyBucketsMs, maxLabelSets }: ResolvedCellsOptions): string[] {
  const ours = describeMetrics({ namespace, labels, latencyBucketsMs, maxLabelSets });
  return [...ours, ...(semconv === 'toolweaver' ? [] : Object.values(genaiMetrics))].map(({ name }) => name);
}

/**
 * Creates instruments that show cells. Counters and gauges are read when the provider collects; observations are recorded as they
 * come, because no instrument takes a whole histogram.
 */
function createInstruments(provider: MeterProvider, options: ResolvedCellsOptions): () => HostInstruments {
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
  /** The clients, and whether they are open. */
  const clients = new Map<ClientFigures, boolean>();
  /** Of clients that are forgotten. */
  let past: DeliveryStats = { backends: {} };
  const stats = (): DeliveryStats => [...clients.keys()].reduce((sum, client) => plus(sum, client.stats()), past);
  const activeOperations = (): number =>
    [...clients].reduce((sum, [client, isOpen]) => sum + (isOpen ? client.activeOperations() : 0), 0);
  const open = new Set<HostInstruments>();

  return () => {
    let client: ClientFigures | undefined;
    let isCounting = true;
    const backend: HostInstruments = {
      record: (event) => isCounting && cells.record(event),
      attach(figures) {
        // Another backend of the client counts its events.
        isCounting = !clients.has(figures);
        if (!isCounting) {
          return;
        }
        // Not before the next client comes, because other backends of a closed one may have been closing longer.
        for (const [closed] of [...clients].filter(([, isOpen]) => !isOpen)) {
          past = plus(past, closed.stats());
          clients.delete(closed);
        }
        client = figures;
        clients.set(client, true);
        cells.attach({ ...client, stats, activeOperations });
      },
      release() {
        if (open.delete(backend) && client !== undefined) {
          clients.set(client, false);
        }
        if (open.size === 0) {
          meter.removeBatchObservableCallback(observe, instruments);
        }
      },
    };
    if (open.size === 0) {
      meter.addBatchObservableCallback(observe, instruments);
    }
    open.add(backend);
    return backend;
  };
}

function plus(sum: DeliveryStats, { backends }: DeliveryStats): DeliveryStats {
  const all = { ...sum.backends };
  for (const [name, stats] of Object.entries(backends)) {
    const dropped = { ...stats.dropped };
    for (const reason of Object.keys(dropped) as DropReason[]) {
      dropped[reason] += all[name]?.dropped[reason] ?? 0;
    }
    all[name] = { ...stats, delivered: stats.delivered + (all[name]?.delivered ?? 0), dropped };
  }
  return { backends: all };
}
