import { type AnalyticsError, type Backend, type Env, memory } from '@toolweaver/analytics-core';

/** A name in `ANALYTICS_BACKEND`. */
export type BackendName = 'sqlite' | 'prometheus' | 'otlp' | 'wandb' | 'memory';

/** How to open a backend that `ANALYTICS_BACKEND` names. */
export interface KnownBackend {
  /** The package to install; none for a backend of core. */
  readonly package?: string;
  /** The variable that sets each option, of several the usual one. A test compares them with what the packages read. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether opening leaves nothing outside of this process, neither a file nor a port. */
  readonly opensWithoutTrace?: true;
  /** Loads the package. The result reads the environment, throws all its problems at once, and returns what opens the backend. */
  load(): Promise<(env: Env) => Open>;
}

/** Opens a backend. `onNotice` is called with problems that the backend finds by itself and no method call can report. */
export type Open = (onNotice: ((notice: AnalyticsError) => void) | undefined) => Backend | Promise<Backend>;

const maxMemoryEvents = 10_000;

/** What `load` returns of a backend whose options come from the environment. */
function opener<Options>(
  fromEnv: (env: Env) => Options,
  open: (options: Options & { readonly onNotice: Parameters<Open>[0] }) => ReturnType<Open>,
): (env: Env) => Open {
  return (env) => {
    const options = fromEnv(env);
    return (onNotice) => open({ ...options, onNotice });
  };
}

const ofMetrics = {
  namespace: 'ANALYTICS_METRICS_NAMESPACE',
  labels: 'ANALYTICS_METRICS_LABELS',
  latencyBucketsMs: 'ANALYTICS_METRICS_BUCKETS_MS',
  maxLabelSets: 'ANALYTICS_METRICS_MAX_LABEL_SETS',
};

/** Packages are only imported when named, so that a program pays only for the backends that it uses. */
export const knownBackends: { readonly [name: string]: KnownBackend } = {
  sqlite: {
    package: '@toolweaver/analytics-sqlite',
    variables: {
      path: 'ANALYTICS_DB_PATH',
      retentionDays: 'ANALYTICS_DB_RETENTION_DAYS',
      maxBytes: 'ANALYTICS_DB_MAX_MB',
    },
    async load() {
      const { sqlite, sqliteFromEnv } = await import('@toolweaver/analytics-sqlite');
      return opener(sqliteFromEnv, sqlite);
    },
  },
  prometheus: {
    package: '@toolweaver/analytics-prometheus',
    variables: {
      ...ofMetrics,
      enabled: 'PROMETHEUS_ENABLED',
      port: 'PROMETHEUS_PORT',
      host: 'PROMETHEUS_HOST',
      defaultMetrics: 'PROMETHEUS_DEFAULT_METRICS',
      workers: 'PROMETHEUS_WORKERS',
      pushgateway: 'PROMETHEUS_PUSHGATEWAY_URL',
    },
    async load() {
      const { prometheus, prometheusFromEnv } = await import('@toolweaver/analytics-prometheus');
      return opener(prometheusFromEnv, prometheus);
    },
  },
  otlp: {
    package: '@toolweaver/analytics-otlp',
    opensWithoutTrace: true,
    variables: {
      ...ofMetrics,
      enabled: 'OTEL_SDK_DISABLED',
      endpoint: 'OTLP_ENDPOINT',
      url: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
      instanceId: 'OTLP_INSTANCE_ID',
      token: 'OTLP_TOKEN',
      headers: 'OTEL_EXPORTER_OTLP_HEADERS',
      protocol: 'OTEL_EXPORTER_OTLP_PROTOCOL',
      compression: 'OTEL_EXPORTER_OTLP_COMPRESSION',
      pushIntervalMs: 'OTLP_PUSH_INTERVAL',
      timeoutMs: 'OTEL_EXPORTER_OTLP_TIMEOUT',
      tls: 'OTEL_EXPORTER_OTLP_CERTIFICATE',
      serviceName: 'OTLP_SERVICE_NAME',
      serviceVersion: 'OTLP_SERVICE_VERSION',
      serviceInstanceId: 'OTEL_RESOURCE_ATTRIBUTES',
      resourceAttributes: 'OTEL_RESOURCE_ATTRIBUTES',
      buckets: 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
    },
    async load() {
      const { otlp, otlpFromEnv } = await import('@toolweaver/analytics-otlp');
      return opener(otlpFromEnv, otlp);
    },
  },
  wandb: {
    package: '@toolweaver/analytics-wandb',
    opensWithoutTrace: true,
    variables: {
      apiKey: 'WANDB_API_KEY',
      netrc: 'NETRC',
      baseUrl: 'WANDB_BASE_URL',
      appUrl: 'WANDB_APP_URL',
      mode: 'WANDB_MODE',
      project: 'WANDB_PROJECT',
      entity: 'WANDB_ENTITY',
      dir: 'WANDB_DIR',
      username: 'WANDB_USERNAME',
      userEmail: 'WANDB_USER_EMAIL',
      headers: 'WANDB_X_EXTRA_HTTP_HEADERS',
      timeoutMs: 'WANDB_HTTP_TIMEOUT',
      runId: 'WANDB_RUN_ID',
      runName: 'WANDB_NAME',
      notes: 'WANDB_NOTES',
      tags: 'WANDB_TAGS',
      group: 'WANDB_RUN_GROUP',
      jobType: 'WANDB_JOB_TYPE',
      host: 'WANDB_HOST',
      program: 'WANDB_PROGRAM',
      resume: 'WANDB_RESUME',
    },
    async load() {
      const { wandb, wandbFromEnv } = await import('@toolweaver/analytics-wandb');
      return opener(wandbFromEnv, wandb);
    },
  },
  memory: {
    async load() {
      // Otherwise a service would keep everything that it ever recorded.
      return () => () => memory({ maxEvents: maxMemoryEvents });
    },
  },
} satisfies Record<BackendName, KnownBackend>;
