import { type AnalyticsEvent, type ClientFigures, configError, type Problem } from '@toolweaver/analytics-core';
import { catalogue, type Metric } from './catalogue.ts';
import { clientMetrics } from './client-metrics.ts';
import {
  type Buckets,
  type Family,
  type HistogramFamily,
  histogramFamily,
  type NewHistograms,
  numberFamily,
} from './family.ts';
import { genaiRecorder } from './genai.ts';
import { type MetricsOptions, resolveMetricsOptions, type SemanticConventions, toMetric } from './options.ts';
import type { Recorder } from './recorder.ts';
import type { NumberSeries } from './series.ts';
import { toolweaverRecorder } from './toolweaver.ts';

export interface CellsOptions extends MetricsOptions {
  /** Default: `toolweaver`. What the client says of itself always has our names. */
  readonly semconv?: SemanticConventions | undefined;
  /** Default: `explicit`. */
  readonly buckets?: Buckets | undefined;
  /** Who keeps the observations of a metric, instead of these cells: instruments of another library, say. */
  readonly histograms?: ((metric: Metric) => HistogramFamily) | undefined;
}

/** Counters, gauges and histograms, kept up to date as events come in. */
export interface Cells {
  /** Counts an event; about 0.1 µs. Each event that is recorded counts, also one with the `id` of another. */
  record(event: AnalyticsEvent): void;
  /** Shows the figures of this client too. */
  attach(client: ClientFigures): void;
  /** All metrics with their series as they are now. They are live: read them before the next event is recorded, or copy. */
  families(): readonly Family[];
}

/** @throws AnalyticsError `INVALID_CONFIG` with every problem of the options. */
export function createCells(options: CellsOptions = {}): Cells {
  const problems: Problem[] = [];
  const resolved = resolveMetricsOptions(options, problems);
  const oneOf = <T extends string>(field: string, value: T, choices: readonly T[]): T => {
    if (!choices.includes(value)) {
      problems.push({ field, message: `must be one of ${choices.join(', ')}` });
    }
    return value;
  };
  const semconv = oneOf('semconv', options.semconv ?? 'toolweaver', ['toolweaver', 'genai', 'both']);
  const buckets = oneOf('buckets', options.buckets ?? 'explicit', ['explicit', 'exponential']);
  if (problems.length > 0) {
    throw configError(problems);
  }
  const newHistograms: NewHistograms =
    options.histograms ?? ((metric, kept = buckets) => histogramFamily(metric, kept));
  const client = clientMetrics(resolved);
  const overflow = numberFamily(toMetric(catalogue.labelOverflow, resolved));
  const overflowOf = new Map<string, NumberSeries>();
  const recorders: Recorder[] = [];
  if (semconv !== 'genai') {
    recorders.push(toolweaverRecorder(resolved, newHistograms, countOverflow));
  }
  if (semconv !== 'toolweaver') {
    recorders.push(genaiRecorder(resolved.maxLabelSets, newHistograms, countOverflow));
  }
  const families = [...recorders.flatMap((recorder) => recorder.families), ...client.families, overflow];

  function countOverflow(metric: string): void {
    let series = overflowOf.get(metric);
    if (series === undefined) {
      series = overflow.add([metric], false);
      overflowOf.set(metric, series);
    }
    series.value += 1;
  }

  return {
    record(event) {
      for (const recorder of recorders) {
        recorder.record(event);
      }
    },
    attach: client.attach,
    families() {
      client.refresh();
      for (const recorder of recorders) {
        recorder.refresh?.();
      }
      return families;
    },
  };
}
