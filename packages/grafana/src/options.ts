import { checkOptions, type OptionNames } from '@toolweaver/analytics-core/backend';
import { type MetricsOptions, resolveMetricsOptions } from '@toolweaver/analytics-metrics';
import { resolveThresholds, type Thresholds } from './thresholds.ts';

/** Options of `generateFiles`. `namespace` and `latencyBucketsMs` must equal those of the backends that export the metrics. */
export interface GrafanaOptions extends Pick<MetricsOptions, 'namespace' | 'latencyBucketsMs'> {
  /** The URL at which people open Grafana; links in alerts begin with it. Default: `http://localhost:3000`. */
  readonly grafanaUrl?: string | undefined;
  /** `host:port` of each program that Prometheus scrapes at `/metrics`. Default: `host.docker.internal:8000`. */
  readonly targets?: readonly string[] | undefined;
  /** Thresholds of the alerts. Each one that is left out keeps its default. */
  readonly thresholds?: Partial<Thresholds> | undefined;
}

export interface ResolvedGrafanaOptions {
  readonly namespace: string;
  readonly latencyBucketsMs: readonly number[];
  readonly grafanaUrl: string;
  readonly targets: readonly string[];
  readonly thresholds: Thresholds;
}

const optionNames: OptionNames<GrafanaOptions> = {
  namespace: true,
  latencyBucketsMs: true,
  grafanaUrl: true,
  targets: true,
  thresholds: true,
};

/** @throws AnalyticsError `INVALID_CONFIG` with every problem of the options. */
export function resolveOptions(options: GrafanaOptions): ResolvedGrafanaOptions {
  return checkOptions(options, optionNames, (check, given) => {
    const { namespace, latencyBucketsMs } = resolveMetricsOptions(check, given);
    // Everyone who is alerted sees the links, so they must not contain credentials.
    const grafanaUrl = check.url('grafanaUrl', given.grafanaUrl)?.href ?? 'http://localhost:3000';
    const { targets = ['host.docker.internal:8000'] } = given;
    if (!Array.isArray(targets) || targets.length === 0 || !targets.every(isTarget)) {
      const got = Array.isArray(targets)
        ? JSON.stringify(targets.filter((target) => !isTarget(target)))
        : typeof targets;
      check.problem('targets', `must be one or more of host:port, for example 10.0.0.7:8000, got ${got}`);
    }
    return {
      namespace,
      latencyBucketsMs,
      grafanaUrl: grafanaUrl.replace(/\/+$/, ''),
      targets,
      thresholds: resolveThresholds(check, given.thresholds, latencyBucketsMs),
    };
  });
}

function isTarget(text: unknown): boolean {
  const port = typeof text === 'string' ? /^(?:[\w.-]+|\[[\da-f:]+\]):(\d{1,5})$/i.exec(text)?.[1] : undefined;
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}
