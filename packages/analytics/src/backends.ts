import { type AnalyticsError, type Backend, type Env, memory } from '@toolweaver/analytics-core';

/** A name in `ANALYTICS_BACKEND`. */
export type BackendName = 'sqlite' | 'prometheus' | 'otlp' | 'wandb' | 'memory';

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

/** Packages are only imported when named, so that a program pays only for the backends that it uses. */
export const knownBackends: { readonly [name: string]: KnownBackend } = {
  sqlite: {
    package: '@toolweaver/analytics-sqlite',
    variables: { path: 'ANALYTICS_DB_PATH' },
    async load() {
      const { sqlite, sqliteFromEnv } = await import('@toolweaver/analytics-sqlite');
      return opener(sqliteFromEnv, sqlite);
    },
  },
  prometheus: {
    package: '@toolweaver/analytics-prometheus',
    variables: { host: 'PROMETHEUS_HOST', port: 'PROMETHEUS_PORT' },
    async load() {
      const { prometheus, prometheusFromEnv } = await import('@toolweaver/analytics-prometheus');
      return opener(prometheusFromEnv, prometheus);
    },
  },
  otlp: {
    package: '@toolweaver/analytics-otlp',
    opensWithoutTrace: true,
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
      baseUrl: 'WANDB_BASE_URL',
      appUrl: 'WANDB_APP_URL',
      username: 'WANDB_USERNAME',
      userEmail: 'WANDB_USER_EMAIL',
      headers: 'WANDB_X_EXTRA_HTTP_HEADERS',
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
