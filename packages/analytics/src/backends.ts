import { type AnalyticsError, type Backend, type Env, memory } from '@toolweaver/analytics-core';

/** How to open a backend that `ANALYTICS_BACKEND` names. */
export interface KnownBackend {
  /** The package to install; none for a backend of core. */
  readonly package?: string;
  /** Variables whose values are only found wrong when the backend opens, by the option that each sets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether opening leaves nothing outside of this process, neither a file nor a port. */
  readonly opensWithoutTrace?: true;
  /** Loads the package. The result reads the environment, throws all its problems at once, and returns what opens the backend. */
  load(): Promise<(env: Env) => Open>;
}

/** Opens a backend. `onNotice` is called with problems that the backend finds by itself and no method call can report. */
export type Open = (onNotice: ((notice: AnalyticsError) => void) | undefined) => Backend | Promise<Backend>;

const maxMemoryEvents = 10_000;

/** Packages are only imported when named, so that a program pays only for the backends that it uses. */
export const knownBackends: { readonly [name: string]: KnownBackend } = {
  sqlite: {
    package: '@toolweaver/analytics-sqlite',
    variables: { path: 'ANALYTICS_DB_PATH' },
    async load() {
      const { sqlite, sqliteFromEnv } = await import('@toolweaver/analytics-sqlite');
      return (env) => {
        const options = sqliteFromEnv(env);
        return (onNotice) => sqlite({ ...options, onNotice });
      };
    },
  },
  prometheus: {
    package: '@toolweaver/analytics-prometheus',
    variables: { host: 'PROMETHEUS_HOST', port: 'PROMETHEUS_PORT' },
    async load() {
      const { prometheus, prometheusFromEnv } = await import('@toolweaver/analytics-prometheus');
      return (env) => {
        const options = prometheusFromEnv(env);
        return (onNotice) => prometheus({ ...options, onNotice });
      };
    },
  },
  otlp: {
    package: '@toolweaver/analytics-otlp',
    opensWithoutTrace: true,
    variables: {
      'tls.caFile': 'OTEL_EXPORTER_OTLP_CERTIFICATE',
      'tls.certFile': 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
      'tls.keyFile': 'OTEL_EXPORTER_OTLP_CLIENT_KEY',
    },
    async load() {
      const { otlp, otlpFromEnv } = await import('@toolweaver/analytics-otlp');
      return (env) => {
        const options = otlpFromEnv(env);
        return (onNotice) => otlp({ ...options, onNotice });
      };
    },
  },
  wandb: {
    package: '@toolweaver/analytics-wandb',
    opensWithoutTrace: true,
    variables: {
      apiKey: 'WANDB_API_KEY',
      baseUrl: 'WANDB_BASE_URL',
      appUrl: 'WANDB_APP_URL',
      username: 'WANDB_USERNAME',
      userEmail: 'WANDB_USER_EMAIL',
      headers: 'WANDB_X_EXTRA_HTTP_HEADERS',
      resume: 'WANDB_RESUME',
    },
    async load() {
      const { wandb, wandbFromEnv } = await import('@toolweaver/analytics-wandb');
      return (env) => {
        const options = wandbFromEnv(env);
        return (onNotice) => wandb({ ...options, onNotice });
      };
    },
  },
  memory: {
    async load() {
      // Otherwise a service would keep everything that it ever recorded.
      return () => () => memory({ maxEvents: maxMemoryEvents });
    },
  },
};
