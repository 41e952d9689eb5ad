import type { Agent } from 'node:http';
import type { MeterProvider } from '@opentelemetry/api';
import type { AnalyticsError, Clock, RetryOptions, Secret } from '@toolweaver/analytics-core';
import {
  guardedRandom,
  type OptionBounds,
  type OptionChecks,
  type OptionNames,
  steadyClock,
} from '@toolweaver/analytics-core/backend';
import {
  type Buckets,
  type MetricsOptions,
  metricsOptionNames,
  type ResolvedCellsOptions,
  resolveCellsOptions,
  type SemanticConventions,
} from '@toolweaver/analytics-metrics';
import { checkCredentials, readHeaders, toSecret } from './credentials.ts';
import { logsUrl, metricsUrl } from './endpoint.ts';

/** Paths of PEM files for TLS. */
export interface TlsFiles {
  /** Certificate authorities to trust instead of Node's own. */
  readonly caFile?: string | undefined;
  /** Client certificate, whose key is `keyFile`. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What to count and where to send it: to a receiver, or to a `meterProvider`; options about sending are then refused. */
export interface OtlpOptions extends MetricsOptions {
  /** Base URL of the receiver, with or without a final `/v1/metrics`. Give one of `endpoint`, `url` and `meterProvider`. */
  readonly endpoint?: string | undefined;
  /** Full URL that metrics are posted to, for a receiver with another path. */
  readonly url?: string | undefined;
  /** Grafana Cloud instance id: the user name of HTTP basic authentication. Needs `token`. */
  readonly instanceId?: string | undefined;
  /** Password of basic authentication. Needs `instanceId`; refused over plain http to another machine. */
  readonly token?: string | Secret | undefined;
  /** Additional headers of each request, such as keys of other vendors or a tenant. */
  readonly headers?: Readonly<Record<string, string | Secret>> | undefined;
  /** Default: `http/protobuf`. */
  readonly protocol?: 'http/protobuf' | 'http/json' | undefined;
  /** Default: `gzip`. */
  readonly compression?: 'gzip' | 'none' | undefined;
  /** At least 1000, and no less than `timeoutMs`. Default: 60000. */
  readonly pushIntervalMs?: number | undefined;
  /** Time limit of a push with all attempts, and of a health check. Default: 10000, or `pushIntervalMs` if shorter. */
  readonly timeoutMs?: number | undefined;
  /** Retries within a push. Defaults: `minDelayMs` 1000, `maxDelayMs` 5000 (or `minDelayMs` if longer), `maxAttempts` 5. */
  readonly retry?: RetryOptions | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Node's agent for the connections, such as that of a proxy. Default: a new connection for each request. */
  readonly agent?: Agent | undefined;
  /** `service.name` of the resource. Default: `toolweaver`. */
  readonly serviceName?: string | undefined;
  /** `service.version`. Default: none. */
  readonly serviceVersion?: string | undefined;
  /** `service.instance.id`: two processes with the same one overwrite each other's counts. Default: a new UUID. */
  readonly serviceInstanceId?: string | undefined;
  /** Attributes of the resource. The three options above win over attributes of the same name, and these over the defaults. */
  readonly resourceAttributes?: Readonly<Record<string, string>> | undefined;
  /** Default: `toolweaver`. */
  readonly semconv?: SemanticConventions | undefined;
  /** Default: `explicit`. */
  readonly buckets?: Buckets | undefined;
  /** Also sends ratings as `gen_ai.evaluation.result` events in OTLP logs, without comments and users. Default: false. */
  readonly evaluationEvents?: boolean | undefined;
  /**
   * The host's own provider. It then owns the instruments and exports them like its others, and this backend sends nothing.
   * Backends with the same options share what they have counted on it; one with other options needs another `namespace`.
   * `maxLabelSets` then defaults to 1990; a higher value needs a provider whose cardinality limit is more than 5 above it.
   */
  readonly meterProvider?: MeterProvider | undefined;
  /** `false` accepts events and discards them. Default: true. */
  readonly enabled?: boolean | undefined;
  /** Default: `otlp`. */
  readonly name?: string | undefined;
  /**
   * Called with problems that no method call can report: failed pushes at intervals and at close, warnings of the receiver, and
   * lost evaluation events; at most once a minute for each code. Whatever it throws or rejects with is ignored. Default: the
   * `onError` of the client.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
  /** For tests: 0 <= x < 1. */
  readonly random?: (() => number) | undefined;
}

/** Options about pushing, which have no effect with the host's provider. */
const pushing = {
  endpoint: true,
  url: true,
  instanceId: true,
  token: true,
  headers: true,
  protocol: true,
  compression: true,
  pushIntervalMs: true,
  timeoutMs: true,
  retry: true,
  tls: true,
  agent: true,
  serviceName: true,
  serviceVersion: true,
  serviceInstanceId: true,
  resourceAttributes: true,
  evaluationEvents: true,
  buckets: true,
} as const satisfies { readonly [O in keyof OtlpOptions]: true };
export const optionNames: OptionNames<OtlpOptions> = {
  ...metricsOptionNames,
  ...pushing,
  semconv: true,
  meterProvider: true,
  enabled: true,
  name: true,
  onNotice: true,
  clock: true,
  random: true,
};
const tlsNames: OptionNames<TlsFiles> = { caFile: true, certFile: true, keyFile: true };
const retryNames: OptionNames<RetryOptions> = { minDelayMs: true, maxDelayMs: true, maxAttempts: true };

export interface ResolvedOptions {
  readonly cells: ResolvedCellsOptions;
  readonly url: URL;
  readonly logsUrl: URL | undefined;
  readonly instanceId: string | undefined;
  readonly token: Secret | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly encoding: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
  readonly pushIntervalMs: number;
  readonly timeoutMs: number;
  readonly retry: { readonly minDelayMs: number; readonly maxDelayMs: number; readonly maxAttempts: number };
  readonly clock: Clock;
  readonly random: () => number;
}

const minIntervalMs = 1000;
const maxIntervalMs = 86_400_000;
const defaultIntervalMs = 60_000;
const defaultTimeoutMs = 10_000;

/**
 * The default of `maxLabelSets` on a provider of the host. By default, OpenTelemetry's SDK keeps 1999 series of an instrument;
 * each collection adds the totals of further series of a counter to the overflow anew. Ours exceed the limit by at most five.
 */
const hostMaxLabelSets = 1990;

/** Returns the options with their defaults, which must not be used if there was a problem. */
export function resolveOptions(check: OptionChecks, options: OtlpOptions): ResolvedOptions {
  const byDefault = options.meterProvider === undefined ? undefined : hostMaxLabelSets;
  const cells = resolveCellsOptions(check, { ...options, maxLabelSets: options.maxLabelSets ?? byDefault });
  checkResource(check, options);
  checkConnection(check, options);
  if (options.meterProvider !== undefined) {
    checkHostOptions(check, options);
  }
  check.flag('enabled', options.enabled);
  check.text('name', options.name);
  check.callback('onNotice', options.onNotice);
  const token = toSecret(options.token);
  const url = resolveUrl(check, options);
  const headers = readHeaders(options.headers);
  checkCredentials(check, options, url, token, headers);
  const duration = (field: string, value: unknown, bounds: OptionBounds): number | undefined =>
    check.number(field, value, { max: maxIntervalMs, ...bounds });
  const pushIntervalMs =
    duration('pushIntervalMs', options.pushIntervalMs, { min: minIntervalMs }) ?? defaultIntervalMs;
  const timeoutMs = duration('timeoutMs', options.timeoutMs, { min: 1 }) ?? Math.min(defaultTimeoutMs, pushIntervalMs);
  if (pushIntervalMs < timeoutMs) {
    if (options.pushIntervalMs === undefined) {
      check.problem('timeoutMs', `must not be above the interval of pushes, ${pushIntervalMs} ms, got ${timeoutMs} ms`);
    } else {
      const timeout = `the timeout of a push, ${timeoutMs} ms`;
      check.problem('pushIntervalMs', `must not be below ${timeout}, got ${pushIntervalMs} ms`);
    }
  }
  const retry = check.group('retry', options.retry, retryNames);
  const minDelayMs = duration('retry.minDelayMs', retry.minDelayMs, { min: 0 }) ?? 1000;
  return {
    cells,
    url,
    logsUrl: check.flag('evaluationEvents', options.evaluationEvents) ? resolveLogsUrl(check, url) : undefined,
    instanceId: options.instanceId,
    token,
    headers: headers as Readonly<Record<string, Secret>>,
    encoding:
      check.choice('protocol', options.protocol, ['http/protobuf', 'http/json']) === 'http/json' ? 'json' : 'protobuf',
    compression: check.choice('compression', options.compression, ['gzip', 'none']) ?? 'gzip',
    pushIntervalMs,
    timeoutMs,
    retry: {
      minDelayMs,
      maxDelayMs: duration('retry.maxDelayMs', retry.maxDelayMs, { min: minDelayMs }) ?? Math.max(5000, minDelayMs),
      maxAttempts: check.number('retry.maxAttempts', retry.maxAttempts, { min: 1, whole: true }) ?? 5,
    },
    clock: steadyClock(check.clock('clock', options.clock)),
    random: guardedRandom(check.callback('random', options.random) ?? Math.random),
  };
}

function checkResource(check: OptionChecks, options: OtlpOptions): void {
  check.text('serviceName', options.serviceName);
  check.text('serviceVersion', options.serviceVersion);
  check.text('serviceInstanceId', options.serviceInstanceId);
  const { resourceAttributes = {} } = options;
  const isRight =
    isPlainObject(resourceAttributes) && Object.values(resourceAttributes).every((value) => typeof value === 'string');
  check.expect('resourceAttributes', resourceAttributes, isRight, 'a plain object of strings');
}

function checkConnection(check: OptionChecks, { headers = {}, tls, agent }: OtlpOptions): void {
  if (!isPlainObject(headers)) {
    // The value is not shown: it may hold a key.
    check.problem('headers', 'must be a plain object');
  }
  const { certFile, keyFile } = check.group('tls', tls, tlsNames);
  if ((certFile === undefined) !== (keyFile === undefined)) {
    check.problem(certFile === undefined ? 'tls.certFile' : 'tls.keyFile', 'is needed with the other of the two');
  }
  // Node's own check for an agent.
  const isAgent = typeof Object(agent).addRequest === 'function';
  check.expect('agent', agent, agent === undefined || isAgent, 'an http.Agent');
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}

function checkHostOptions(check: OptionChecks, options: OtlpOptions): void {
  const { meterProvider } = options;
  const isProvider = typeof meterProvider?.getMeter === 'function';
  check.expect('meterProvider', meterProvider, isProvider, 'a MeterProvider of OpenTelemetry');
  for (const field of Object.keys(pushing) as (keyof typeof pushing)[]) {
    if (options[field] !== undefined) {
      check.problem(field, 'has no effect with a meterProvider; leave one of them out');
    }
  }
}

const nowhere: URL = new URL('http://localhost');

function resolveUrl(check: OptionChecks, { endpoint, url, meterProvider, agent }: OtlpOptions): URL {
  if (endpoint !== undefined && url !== undefined) {
    check.problem('url', 'and endpoint name the same; leave one of them out');
  }
  const field = url === undefined ? 'endpoint' : 'url';
  const address = url ?? endpoint;
  if (address === undefined) {
    if (meterProvider === undefined) {
      const cloud = 'https://otlp-gateway-<zone>.grafana.net/otlp, with an instance id and a token';
      check.problem(
        field,
        `is missing: where to push to, such as ${cloud}, or http://localhost:4318 for a Collector here`,
      );
    }
    return nowhere;
  }
  const credentials = 'give an instance id and a token, or headers';
  const given = check.url(field, address, { query: true, credentials });
  if (given === undefined) {
    return nowhere;
  }
  const found = url === undefined ? metricsUrl(given) : given;
  // Node refuses each request where this differs. Agents for both protocols have no such property of their own.
  const { protocol = found.protocol } = { ...agent } as { readonly protocol?: string };
  if (protocol !== found.protocol) {
    check.problem('agent', `must be one for ${found.protocol}//`);
  }
  return found;
}

function resolveLogsUrl(check: OptionChecks, url: URL): URL | undefined {
  const found = logsUrl(url);
  if (found === undefined) {
    check.problem('evaluationEvents', 'needs an address that ends in /v1/metrics');
  }
  return found;
}
