export {
  type CatalogueEntry,
  catalogue,
  closedLabels,
  type Metric,
  type MetricKey,
  type MetricType,
  type OptionalLabel,
} from './catalogue.ts';
export {
  type Cells,
  type CellsOptions,
  createCells,
  type ResolvedCellsOptions,
  resolveCellsOptions,
} from './cells.ts';
export type {
  Buckets,
  ExponentialFamily,
  Family,
  HistogramFamily,
  NumberFamily,
  Observer,
} from './family.ts';
export { genaiMetrics } from './genai.ts';
export {
  describeMetrics,
  type MetricsOptions,
  metricsOptionNames,
  type ResolvedMetricsOptions,
  readMetricsOptions,
  resolveMetricsOptions,
  type SemanticConventions,
} from './options.ts';
export type { ExponentialValue, LabelSet } from './series.ts';
