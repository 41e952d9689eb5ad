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
  add(labels: readonly string[], isOverflow: boolean): Histogram;
}

/** What observations are added to. */
export interface Histogram {
  observe(value: number, weight: number): void;
}

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
  const series: (HistogramSeries | ExponentialSeries)[] = [];
  return {
    metric,
    series,
    add(labels, isOverflow) {
      if (buckets === 'exponential') {
        const added = newExponential(labels, isOverflow);
        series.push(added);
        return { observe: (value, weight) => observeExponential(added, value, weight) };
      }
      const added = newHistogram(labels, isOverflow, bounds);
      series.push(added);
      return { observe: (value, weight) => observe(added, bounds, value, weight) };
    },
  };
}
