import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry with the metrics of this process that the Prometheus backend adds with `defaultMetrics`. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
