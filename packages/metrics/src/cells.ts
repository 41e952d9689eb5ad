import type { AnalyticsEvent, ClientFigures } from '@toolweaver/analytics-core';
import { checkOptions, type OptionChecks, type OptionNames } from '@toolweaver/analytics-core/backend';
import { catalogue, type Metric } from './catalogue.ts';
import { clientMetrics } from './client-metrics.ts';
import {
  type Buckets,
  createExponentials,
  createHistograms,
  type Family,
  type NewHistograms,
  type Observer,
  observedElsewhere,
} from './family.ts';
import { createGauges } from './gauges.ts';
import { genaiRecorder } from './genai.ts';
import {
  type MetricsOptions,
  metricsOptionNames,
  type ResolvedMetricsOptions,
  resolveMetricsOptions,
  type SemanticConventions,
  toMetric,
} from './options.ts';
import type { Recorder } from './recorder.ts';
import { toolweaverRecorder } from './toolweaver/recorder.ts';

/** Options of `createCells`: under which names events are counted, and how observations are kept. */
export interface CellsOptions extends MetricsOptions {
  /** Default: `toolweaver`. Metrics about the client itself always have our names. */
  readonly semconv?: SemanticConventions | undefined;
  /** Default: `explicit`. */
  readonly buckets?: Buckets | undefined;
  /** Keeps the observations of a metric instead of these cells: in instruments of another library, say. */
  readonly observer?: ((metric: Metric) => Observer) | undefined;
}

const optionNames: OptionNames<CellsOptions> = {
  ...metricsOptionNames,
  semconv: true,
  buckets: true,
  observer: true,
};

/** The options of cells with their defaults filled in. */
export interface ResolvedCellsOptions extends ResolvedMetricsOptions {
  readonly semconv: SemanticConventions;
  readonly buckets: Buckets;
}

/** Counters, gauges and histograms, updated as events come in. */
export interface Cells {
  /** Counts an event, which takes a tenth of a µs. Every recorded event counts, even with the `id` of an earlier one. */
  record(event: AnalyticsEvent): void;
  /**
   * Adds the figures of this client. Call it before any event is recorded. Of several cells of a client that would all count the
   * same, only the first count, and the others show their numbers. So attached cells must get every event of the client, once:
   * from a backend whose delivery is `counting` or `immediate`, which records everything that it is given.
   */
  attach(client: ClientFigures): void;
  /**
   * Returns all metrics with their current series, after counting what a client holds back. These are live: read them before the
   * next event is recorded, or copy them.
   */
  families(): readonly Family[];
}

/**
 * Creates cells, which count events in memory.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function createCells(options: CellsOptions = {}): Cells {
  const { observer, ...resolved } = checkOptions(options, optionNames, (check, given) => ({
    ...resolveCellsOptions(check, given),
    observer: check.callback('observer', given.observer),
  }));
  let cells = countingCells(resolved, observer);
  let isCounting = true;
  return {
    record(event) {
      if (isCounting) {
        cells.record(event);
      }
    },
    attach(client) {
      // The observations of an observer are not shared.
      const counted = observer === undefined ? countedFor(client) : new Map<string, Cells>();
      const key = JSON.stringify(resolved);
      const others = counted.get(key);
      if (others === undefined) {
        counted.set(key, cells);
        cells.attach(client);
      } else {
        cells = others;
        isCounting = false;
      }
    },
    families: () => cells.families(),
  };
}

/** Returns the options with their defaults, which must not be used if there was a problem. */
export function resolveCellsOptions(check: OptionChecks, options: CellsOptions): ResolvedCellsOptions {
  return {
    ...resolveMetricsOptions(check, options),
    semconv: check.choice('semconv', options.semconv, ['toolweaver', 'genai', 'both']) ?? 'toolweaver',
    buckets: check.choice('buckets', options.buckets, ['explicit', 'exponential']) ?? 'explicit',
  };
}

/** Own key of this copy of the package, as another version may count differently. */
const sharing: unique symbol = Symbol('cells');

/** The client's cells that count, by their options. */
function countedFor({ shared }: ClientFigures): Map<string, Cells> {
  const counted = (shared.get(sharing) as Map<string, Cells> | undefined) ?? new Map<string, Cells>();
  shared.set(sharing, counted);
  return counted;
}

function countingCells(options: ResolvedCellsOptions, observer: CellsOptions['observer']): Cells {
  const { semconv, buckets, maxLabelSets } = options;
  const newHistograms: NewHistograms = (metric, table, kept = buckets) => {
    if (observer !== undefined) {
      return observedElsewhere(observer(metric), table);
    }
    return kept === 'exponential' ? createExponentials(metric, table) : createHistograms(metric, table);
  };
  const client = clientMetrics(options);
  const overflow = createGauges(toMetric(catalogue.labelOverflow, options));
  /** Names of the metrics that have a limit of their own. */
  const limited: string[] = [];
  const recorders: Recorder[] = [];
  if (semconv !== 'genai') {
    recorders.push(toolweaverRecorder(options, newHistograms, overflowOf));
  }
  if (semconv !== 'toolweaver') {
    recorders.push(genaiRecorder(maxLabelSets, newHistograms, overflowOf));
  }
  const families = [...recorders.flatMap((recorder) => recorder.families), ...client.families, overflow.family];

  function overflowOf(metric: string): () => void {
    limited.push(metric);
    return () => overflow.set([metric], overflow.get([metric]) + 1);
  }

  return {
    record(event) {
      for (const recorder of recorders) {
        recorder.record(event);
      }
    },
    attach(figures) {
      client.attach(figures);
      // From the start: `rate` does not see the first events of a counter whose series begins with them.
      for (const metric of limited) {
        overflow.set([metric], overflow.get([metric]));
      }
    },
    families() {
      client.refresh();
      return families;
    },
  };
}
