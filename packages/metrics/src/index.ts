export {
  type CatalogueEntry,
  catalogue,
  defaultLatencyBucketsMs,
  type Metric,
  type MetricKey,
  type MetricType,
  type OptionalLabel,
} from './catalogue.ts';
export { type Cells, type CellsOptions, createCells } from './cells.ts';
export type { Buckets, Family, HistogramFamily, Observed } from './family.ts';
export { genaiMetrics } from './genai.ts';
export {
  describeMetrics,
  type MetricsOptions,
  type ResolvedMetricsOptions,
  readMetricsOptions,
  resolveMetricsOptions,
  type SemanticConventions,
} from './options.ts';
export type { ExponentialSeries, HistogramSeries, NumberSeries, Series } from './series.ts';
