import type { HistogramSeries } from './series.ts';

export function newHistogram(
  labels: readonly string[],
  isOverflow: boolean,
  bounds: readonly number[],
): HistogramSeries {
  return { labels, isOverflow, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0, count: 0 };
}

/** `bounds` are those that the series was made with. */
export function observe(series: HistogramSeries, bounds: readonly number[], value: number, weight: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) {
    bucket += 1;
  }
  series.counts[bucket] = (series.counts[bucket] as number) + weight;
  series.sum += value * weight;
  series.count += weight;
}
