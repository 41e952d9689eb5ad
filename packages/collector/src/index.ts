export { type Collector, type CollectorOptions, createCollector, type RecentError } from './collector.ts';
export type { OperationSums, Sums } from './figures.ts';
export { collectorOf, type StoreCollector } from './reader-collector.ts';
export { type RunMetricsOptions, runMetrics } from './run-metrics.ts';
export type { NameCost, OperationCost, OperationsSummary, Views } from './views.ts';
