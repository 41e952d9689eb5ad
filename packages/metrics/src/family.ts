import type { Metric } from './catalogue.ts';
import { newExponential, observeExponential } from './exponential.ts';
import { newHistogram, observe } from './histogram.ts';
import type { ExponentialSeries, HistogramSeries, NumberSeries, Series } from './series.ts';

/** A metric with all of its series, in the order in which they came to be; they go on changing. */
export interface Family {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

/** Counters and gauges. */
export interface NumberFamily extends Family {
  add(labels: readonly string[], isOverflow: boolean): NumberSeries;
}

export interface HistogramFamily extends Family {
  add(labels: readonly string[], isOverflow: boolean): Observed;
  /** Adds to a series of this family. */
  observe(series: Observed, value: number, weight: number): void;
}

/** A series that observations are added to. */
export type Observed = HistogramSeries | ExponentialSeries;

/** How the observations of histograms are kept. */
export type Buckets = 'explicit' | 'exponential';

/** Makes the family of a metric; `kept` overrules how its observations would be kept. */
export type NewHistograms = (metric: Metric, kept?: Buckets) => HistogramFamily;

export function numberFamily(metric: Metric): NumberFamily {
  const series: NumberSeries[] = [];
  return {
    metric,
    series,
    add(labels, isOverflow) {
      const added: NumberSeries = { labels, isOverflow, value: 0 };
      series.push(added);
      return added;
    },
  };
}

export function histogramFamily(metric: Metric, buckets: Buckets): HistogramFamily {
  const { bounds = [] } = metric;
  const series: Observed[] = [];
  return {
    metric,
    series,
    add(labels, isOverflow) {
      const added =
        buckets === 'exponential' ? newExponential(labels, isOverflow) : newHistogram(labels, isOverflow, bounds);
      series.push(added);
      return added;
    },
    observe(one, value, weight) {
      if ('scale' in one) {
        observeExponential(one, value, weight);
      } else {
        observe(one, bounds, value, weight);
      }
    },
  };
}
