import type { AnalyticsError } from '@toolweaver/analytics-core';
import { checkOptions, type OptionChecks, type OptionNames } from '@toolweaver/analytics-core/backend';
import {
  type MetricsOptions,
  metricsOptionNames,
  type ResolvedMetricsOptions,
  resolveMetricsOptions,
} from '@toolweaver/analytics-metrics';
import { type PushgatewayOptions, type PushgatewayTarget, resolvePushgateway } from './pushgateway-options.ts';
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
   * Called with problems that no call can report: a port that cannot be had, a push that failed. What it throws is ignored. Default:
   * the `onError` of the client.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
}

const optionNames: OptionNames<PrometheusOptions> = {
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
};

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
export function resolveOptions(options: PrometheusOptions): ResolvedOptions {
  return checkOptions(options, optionNames, (check, given) => {
    const { registry } = given;
    const defaultMetrics = check.flag('defaultMetrics', given.defaultMetrics) ?? false;
    const workers = check.flag('workers', given.workers) ?? false;
    const pushgateway =
      given.pushgateway === undefined ? undefined : resolvePushgateway(check, given.pushgateway, defaultMetrics);
    const port = given.port ?? (pushgateway === undefined ? 8000 : false);
    const isPort = Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65_535;
    check.expect('port', port, port === false || isPort, 'a whole number from 0 to 65535, or false for no server');
    if (registry !== undefined) {
      check.expect('registry', registry, isRegistry(registry), 'a Registry of prom-client or @prometheus-io/client');
      if (defaultMetrics) {
        const message = 'cannot be combined with `registry`: call collectDefaultMetrics({ register }) with yours';
        check.problem('defaultMetrics', message);
      }
      if (workers) {
        check.problem('workers', 'cannot be combined with `registry`: use the AggregatorRegistry of its library');
      }
    }
    return {
      name: check.text('name', given.name) ?? 'prometheus',
      enabled: check.flag('enabled', given.enabled) ?? true,
      port,
      host: checkHost(check, given.host) ?? '127.0.0.1',
      defaultMetrics,
      registry,
      workers,
      pushgateway,
      metrics: resolveMetricsOptions(check, given),
      onNotice: check.callback('onNotice', given.onNotice),
    };
  });
}

export function checkHost(check: OptionChecks, host: string | undefined): string | undefined {
  const isHost = typeof host === 'string' && /^[\w.:%-]+$/.test(host);
  const expected = 'an IP address or the name of a host, such as 127.0.0.1 or 0.0.0.0';
  return check.expect('host', host, host === undefined || isHost, expected);
}
