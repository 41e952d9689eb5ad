import { configError } from '@toolweaver/analytics-core/backend';
import { type Cells, catalogue, type Family, type LabelSet, type Metric } from '@toolweaver/analytics-metrics';
import { labelPairs } from './render.ts';
import { type FamilySnapshot, snapshotOf, widthOf } from './snapshot.ts';

/** The part of a `Registry` of prom-client or `@prometheus-io/client` that is needed here. */
export interface MetricRegistry {
  readonly contentType: string;
  /** All that is registered as text, of the type `contentType`. */
  metrics(): Promise<string>;
  /** Called once for each of our metrics, once its name is known to be free. */
  // biome-ignore lint/suspicious/noExplicitAny: each library wants a type of its own
  registerMetric(metric: any): void;
  /** The metric of this name; undefined if there is none. */
  getSingleMetric(name: string): unknown;
  /** Called for each of our metrics on `close()`, and if the server cannot be started. */
  removeSingleMetric(name: string): void;
}

export function isRegistry(value: unknown): value is MetricRegistry {
  const methods: (keyof MetricRegistry)[] = ['metrics', 'registerMetric', 'getSingleMetric', 'removeSingleMetric'];
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as MetricRegistry)[method] === 'function')
  );
}

/** How the values of several processes are combined: counts are added up; of scores the lowest is shown, for alerts. */
export function aggregatorOf({ name, type }: Metric): 'sum' | 'min' {
  return type === 'gauge' && !name.endsWith(catalogue.activeOperations.name) ? 'min' : 'sum';
}

/** What a registry needs of a metric. */
interface RegisteredMetric {
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  get(): Promise<object>;
  reset(): void;
}

/**
 * Shows the cells as metrics of a registry, until the returned function is called.
 * @throws AnalyticsError `INVALID_CONFIG` if it has metrics of these names.
 */
export function registerCells(cells: Cells, registry: MetricRegistry): () => void {
  const metrics = cells.families().map(({ metric }, at): RegisteredMetric => {
    const aggregator = aggregatorOf(metric);
    const { help, type } = metric;
    const registered: RegisteredMetric = {
      // For OpenMetrics, the registry takes `_total` off this name and puts it on each line.
      name: metric.name,
      help,
      type,
      aggregator,
      async get() {
        const { name } = registered;
        return { name, help, type, aggregator, values: valuesOf(snapshotOf(cells.families()[at] as Family)) };
      },
      // Counters must not start anew, and a registry can only reset everything at once, for tests.
      reset() {},
    };
    return registered;
  });
  const names = metrics.map(({ name }) => name);
  const taken = names.filter((name) => registry.getSingleMetric(name) !== undefined);
  if (taken.length > 0) {
    const message = `already has metrics of these names: ${taken.join(', ')}; give each client a registry or a \`namespace\` of its own`;
    throw configError([{ field: 'registry', message }]);
  }
  for (const metric of metrics) {
    registry.registerMetric(metric);
  }
  return () => {
    for (const name of names) {
      registry.removeSingleMetric(name);
    }
  };
}

interface RegisteredValue {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

function valuesOf({ metric, labelSets, values }: FamilySnapshot): RegisteredValue[] {
  const width = widthOf(metric);
  const { name, type, bounds = [] } = metric;
  const found: RegisteredValue[] = [];
  for (let at = 0; at * width < values.length; at += 1) {
    const labels = Object.fromEntries(labelPairs(metric, labelSets[at] as LabelSet));
    const own = values.subarray(at * width);
    if (type !== 'histogram') {
      found.push({ labels, value: own[0] as number });
      continue;
    }
    let count = 0;
    for (const [bucket, le] of [...bounds, '+Inf'].entries()) {
      count += own[bucket] as number;
      found.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count });
    }
    found.push({ metricName: `${name}_sum`, labels, value: own[width - 1] as number });
    found.push({ metricName: `${name}_count`, labels, value: count });
  }
  return found;
}
