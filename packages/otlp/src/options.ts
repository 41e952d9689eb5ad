import type { Agent } from 'node:http';
import type { MeterProvider } from '@opentelemetry/api';
import type { AnalyticsError, Clock, Problem, RetryOptions, Secret } from '@toolweaver/analytics-core';
import {
  clockProblem,
  describeValue,
  guardedRandom,
  steadyClock,
  unknownOptions,
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
import { addressProblem, logsUrl, metricsUrl } from './endpoint.ts';

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
const optionNames = {
  ...metricsOptionNames,
  ...pushing,
  semconv: true,
  meterProvider: true,
  enabled: true,
  name: true,
  onNotice: true,
  clock: true,
  random: true,
} as const satisfies Record<keyof OtlpOptions, true>;
const tlsNames = { caFile: true, certFile: true, keyFile: true } as const satisfies Record<keyof TlsFiles, true>;
const retryNames = { minDelayMs: true, maxDelayMs: true, maxAttempts: true } as const satisfies Record<
  keyof RetryOptions,
  true
>;

/** Returns a problem for each unknown option, also inside `tls` and `retry`. */
export function unknownNames(options: OtlpOptions): Problem[] {
  const { tls = {}, retry = {} } = Object(options) as OtlpOptions;
  return [
    ...unknownOptions(options, optionNames),
    ...unknownOptions(tls, tlsNames, 'tls'),
    ...unknownOptions(retry, retryNames, 'retry'),
  ];
}

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

/** Returns the options with their defaults. Adds what is wrong to `problems`; the result must not be used then. */
export function resolveOptions(options: OtlpOptions, problems: Problem[]): ResolvedOptions {
  const refuse = (field: string, message: string): void => void problems.push({ field, message });
  const byDefault = options.meterProvider === undefined ? undefined : hostMaxLabelSets;
  const cells = resolveCellsOptions({ ...options, maxLabelSets: options.maxLabelSets ?? byDefault }, problems);
  checkCommon(options, refuse);
  if (options.meterProvider !== undefined) {
    checkHostOptions(options, refuse);
  }
  const token = toSecret(options.token);
  const url = resolveUrl(options, refuse);
  const headers = readHeaders(options.headers);
  checkCredentials(options, url, token, headers, refuse);
  const pushIntervalMs = numberOf('pushIntervalMs', options.pushIntervalMs, defaultIntervalMs, minIntervalMs, refuse);
  const timeoutMs = numberOf('timeoutMs', options.timeoutMs, Math.min(defaultTimeoutMs, pushIntervalMs), 1, refuse);
  if (pushIntervalMs < timeoutMs) {
    refuse('pushIntervalMs', `must not be below the timeout of a push, ${timeoutMs} ms, got ${pushIntervalMs} ms`);
  }
  const retry: RetryOptions = Object(options.retry);
  const minDelayMs = numberOf('retry.minDelayMs', retry.minDelayMs, 1000, 0, refuse);
  return {
    cells,
    url,
    logsUrl: options.evaluationEvents === true ? resolveLogsUrl(url, refuse) : undefined,
    instanceId: options.instanceId,
    token,
    headers: headers as Readonly<Record<string, Secret>>,
    encoding: options.protocol === 'http/json' ? 'json' : 'protobuf',
    compression: options.compression ?? 'gzip',
    pushIntervalMs,
    timeoutMs,
    retry: {
      minDelayMs,
      maxDelayMs: numberOf('retry.maxDelayMs', retry.maxDelayMs, Math.max(5000, minDelayMs), minDelayMs, refuse),
      maxAttempts: Math.floor(numberOf('retry.maxAttempts', retry.maxAttempts, 5, 1, refuse)),
    },
    clock: steadyClock(options.clock),
    random: guardedRandom(options.random ?? Math.random),
  };
}

/** Reports what is wrong with an option. */
export type Refuse = (field: string, message: string) => void;

function checkCommon(options: OtlpOptions, refuse: Refuse): void {
  const choice = (field: keyof OtlpOptions, choices: readonly unknown[]): void => {
    if (options[field] !== undefined && !choices.includes(options[field])) {
      refuse(field, `must be one of ${choices.join(', ')}, got ${describeValue(options[field])}`);
    }
  };
  choice('protocol', ['http/protobuf', 'http/json']);
  choice('compression', ['gzip', 'none']);
  choice('evaluationEvents', [true, false]);
  choice('enabled', [true, false]);
  for (const field of ['serviceName', 'serviceVersion', 'serviceInstanceId', 'name'] as const) {
    const text: unknown = options[field];
    if (text !== undefined && (typeof text !== 'string' || text.trim() === '')) {
      refuse(field, `must be a non-blank string, got ${describeValue(text)}`);
    }
  }
  for (const field of ['onNotice', 'random'] as const) {
    if (options[field] !== undefined && typeof options[field] !== 'function') {
      refuse(field, `must be a function, got ${describeValue(options[field])}`);
    }
  }
  const wrongClock = clockProblem(options.clock);
  if (wrongClock !== undefined) {
    refuse('clock', wrongClock);
  }
  for (const field of ['headers', 'resourceAttributes'] as const) {
    const given: unknown = options[field];
    if (given !== undefined && (typeof given !== 'object' || given === null || Symbol.iterator in given)) {
      refuse(field, 'must be a plain object');
    }
  }
  const { tls, resourceAttributes, agent } = options;
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined)) {
    refuse(tls?.certFile === undefined ? 'tls.certFile' : 'tls.keyFile', 'is needed with the other of the two');
  }
  // Node's own check for an agent.
  if (agent !== undefined && typeof Object(agent).addRequest !== 'function') {
    refuse('agent', 'must be an http.Agent');
  }
  if (Object.values(Object(resourceAttributes)).some((value: unknown) => typeof value !== 'string')) {
    refuse('resourceAttributes', 'must be strings');
  }
}

function checkHostOptions(options: OtlpOptions, refuse: Refuse): void {
  if (typeof options.meterProvider?.getMeter !== 'function') {
    refuse('meterProvider', 'must be a MeterProvider of OpenTelemetry');
  }
  for (const field of Object.keys(pushing) as (keyof typeof pushing)[]) {
    if (options[field] !== undefined) {
      refuse(field, 'has no effect with a meterProvider; leave one of them out');
    }
  }
}

const nowhere: URL = new URL('http://localhost');

function resolveUrl({ endpoint, url, meterProvider, agent }: OtlpOptions, refuse: Refuse): URL {
  if (endpoint !== undefined && url !== undefined) {
    refuse('url', 'and endpoint name the same; leave one of them out');
  }
  const field = url === undefined ? 'endpoint' : 'url';
  const address = url ?? endpoint;
  if (address === undefined) {
    if (meterProvider === undefined) {
      const cloud = 'https://otlp-gateway-<zone>.grafana.net/otlp, with an instance id and a token';
      refuse(field, `is missing: where to push to, such as ${cloud}, or http://localhost:4318 for a Collector here`);
    }
    return nowhere;
  }
  const problem = addressProblem(address);
  if (problem !== undefined) {
    refuse(field, problem);
    return nowhere;
  }
  const found = url === undefined ? metricsUrl(address) : new URL(address);
  // Node refuses each request where this differs. Agents for both protocols have no such property of their own.
  const { protocol = found.protocol } = { ...agent } as { readonly protocol?: string };
  if (protocol !== found.protocol) {
    refuse('agent', `must be one for ${found.protocol}//`);
  }
  return found;
}

function resolveLogsUrl(url: URL, refuse: Refuse): URL | undefined {
  const found = logsUrl(url);
  if (found === undefined) {
    refuse('evaluationEvents', 'needs an address that ends in /v1/metrics');
  }
  return found;
}

function numberOf(field: string, value: unknown, byDefault: number, min: number, refuse: Refuse): number {
  if (value === undefined) {
    return byDefault;
  }
  if (typeof value !== 'number' || !(value >= min && value <= maxIntervalMs)) {
    refuse(field, `must be a number from ${min} to ${maxIntervalMs}, got ${describeValue(value)}`);
    return byDefault;
  }
  return value;
}
