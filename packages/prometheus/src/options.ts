import type { AnalyticsError } from '@toolweaver/analytics-core';
import { configError, describeValue, unknownOptions } from '@toolweaver/analytics-core/backend';
import {
  type MetricsOptions,
  metricsOptionNames,
  type ResolvedMetricsOptions,
  resolveMetricsOptions,
} from '@toolweaver/analytics-metrics';
import {
  type PushgatewayOptions,
  type PushgatewayTarget,
  pushgatewayNames,
  resolvePushgateway,
} from './pushgateway-options.ts';
import { isRegistry, type MetricRegistry } from './registry.ts';

/** What is counted, and how Prometheus gets it: by a server, a registry or a Pushgateway. */
export interface PrometheusOptions extends MetricsOptions {
  /** Default: `prometheus`. */
  readonly name?: string | undefined;
  /** `false`: counts nothing, listens nowhere and pushes nothing. Default: true. */
  readonly enabled?: boolean | undefined;
  /**
   * The port of the server of `/metrics`; 0: any free port; `false`: no server. Default: 8000, or `false` with a Pushgateway.
   */
  readonly port?: number | false | undefined;
  /** The address to listen on. Anyone who can reach it can read the metrics. Default: `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Adds prom-client's metrics of the process and of Node. They are measured even after `close()`. Default: false. */
  readonly defaultMetrics?: boolean | undefined;
  /** A registry of prom-client or its successor: it gets our metrics, and writes the text. Default: none, we write it ourselves. */
  readonly registry?: MetricRegistry | undefined;
  /**
   * To be set in the main process and in its cluster workers and worker threads alike: the main thread of the primary shows what
   * all of them count, and the others have no server. Default: false, each shows its own.
   */
  readonly workers?: boolean | undefined;
  /** For programs that end before they would be scraped. Default: none. */
  readonly pushgateway?: PushgatewayOptions | undefined;
  /**
   * Called with problems that no call can report: a port that is in use, a push that failed. What it throws is ignored. Default:
   * the `onError` of the client.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
}

const optionNames = {
  ...metricsOptionNames,
  name: true,
  enabled: true,
  port: true,
  host: true,
  defaultMetrics: true,
  registry: true,
  workers: true,
  pushgateway: true,
  onNotice: true,
} as const satisfies Record<keyof PrometheusOptions, true>;

export interface ResolvedOptions {
  readonly name: string;
  readonly enabled: boolean;
  readonly port: number | false;
  readonly host: string;
  readonly defaultMetrics: boolean;
  readonly registry: MetricRegistry | undefined;
  readonly workers: boolean;
  readonly pushgateway: PushgatewayTarget | undefined;
  readonly metrics: ResolvedMetricsOptions;
  readonly onNotice: PrometheusOptions['onNotice'];
}

/** @throws AnalyticsError `INVALID_CONFIG` with every problem. */
export function resolveOptions(given: PrometheusOptions): ResolvedOptions {
  const problems = unknownOptions(given, optionNames);
  const options: PrometheusOptions = Object(given);
  const wrong = (field: string, message: string): void => void problems.push({ field, message });
  const { name = 'prometheus', host = '127.0.0.1', registry, onNotice } = options;
  const flag = (field: 'enabled' | 'defaultMetrics' | 'workers', otherwise: boolean): boolean => {
    const value = options[field] ?? otherwise;
    if (typeof value !== 'boolean') {
      wrong(field, `must be true or false, got ${describeValue(value)}`);
    }
    return value;
  };
  const metrics = resolveMetricsOptions(options, problems);
  const defaultMetrics = flag('defaultMetrics', false);
  const pushgateway = isObject(options.pushgateway)
    ? resolvePushgateway(options.pushgateway, defaultMetrics, problems)
    : undefined;
  if (options.pushgateway !== undefined) {
    problems.push(...unknownOptions(options.pushgateway, pushgatewayNames, 'pushgateway'));
  }
  const port = options.port ?? (pushgateway === undefined ? 8000 : false);
  const workers = flag('workers', false);

  if (typeof name !== 'string' || name.trim() === '') {
    wrong('name', `must be a non-blank string, got ${describeValue(name)}`);
  }
  if (port !== false && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    wrong('port', `must be a whole number from 0 to 65535, or false for no server, got ${describeValue(port)}`);
  }
  checkHost(host, (message) => wrong('host', message));
  if (registry !== undefined && !isRegistry(registry)) {
    wrong('registry', 'must be a Registry of prom-client or @prometheus-io/client');
  }
  if (registry !== undefined && defaultMetrics === true) {
    wrong('defaultMetrics', 'cannot be combined with `registry`: call collectDefaultMetrics({ register }) with yours');
  }
  if (registry !== undefined && workers === true) {
    wrong('workers', 'cannot be combined with `registry`: use the AggregatorRegistry of its library');
  }
  if (onNotice !== undefined && typeof onNotice !== 'function') {
    wrong('onNotice', `must be a function, got ${describeValue(onNotice)}`);
  }
  const enabled = flag('enabled', true);
  if (problems.length > 0) {
    throw configError(problems);
  }
  return { name, enabled, port, host, defaultMetrics, registry, workers, pushgateway, metrics, onNotice };
}

export function checkHost(host: unknown, refuse: (message: string) => void): void {
  if (typeof host !== 'string' || !/^[\w.:%-]+$/.test(host)) {
    refuse(`must be an IP address or the name of a host, such as 127.0.0.1 or 0.0.0.0, got ${describeValue(host)}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
