export { prometheusFromEnv } from './env.ts';
export type { FetchHandler, HttpHandler } from './http.ts';
export type { PrometheusOptions } from './options.ts';
export { type PrometheusBackend, prometheus } from './prometheus.ts';
export type { Pushgateway } from './pushgateway.ts';
export type { PushgatewayOptions } from './pushgateway-options.ts';
export type { MetricRegistry } from './registry.ts';
