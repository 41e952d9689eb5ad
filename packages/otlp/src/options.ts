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

/** Files in PEM for TLS. */
export interface TlsFiles {
  /** Authorities to trust instead of Node's own. */
  readonly caFile?: string | undefined;
  /** What this program shows of itself, with the key below. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What is counted, and where it goes: to a receiver, or into a `meterProvider`, with which all that says how to send is refused. */
export interface OtlpOptions extends MetricsOptions {
  /** Of the receiver, with or without `/v1/metrics` at its end. Either this or `url` or `meterProvider`. */
  readonly endpoint?: string | undefined;
  /** Where metrics are posted, as it is, for a receiver with another path. */
  readonly url?: string | undefined;
  /** Of Grafana Cloud; the user of HTTP's basic authentication. With `token`. */
  readonly instanceId?: string | undefined;
  /** Its password. With `instanceId`; refused over plain http to another machine. */
  readonly token?: string | Secret | undefined;
  /** Further headers of each request: keys of other vendors, tenants. */
  readonly headers?: Readonly<Record<string, string | Secret>> | undefined;
  /** Default: `http/protobuf`. */
  readonly protocol?: 'http/protobuf' | 'http/json' | undefined;
  /** Default: `gzip`. */
  readonly compression?: 'gzip' | 'none' | undefined;
  /** At least 1000, and no less than `timeoutMs`. Default: 60000. */
  readonly pushIntervalMs?: number | undefined;
  /** Of a push with all its tries, and of a probe. Default: 10000, or the interval where that is shorter. */
  readonly timeoutMs?: number | undefined;
  /** Within a push. Defaults: 1000, 5000, 5 tries. */
  readonly retry?: RetryOptions | undefined;
  readonly tls?: TlsFiles | undefined;
  /** A way of one's own to the receiver, such as a proxy's. Default: a new connection for each request. */
  readonly agent?: Agent | undefined;
  /** `service.name` of the resource. Default: `toolweaver`. */
  readonly serviceName?: string | undefined;
  /** `service.version`. Default: none. */
  readonly serviceVersion?: string | undefined;
  /** `service.instance.id`: two processes with the same one overwrite each other's counts. Default: a new UUID. */
  readonly serviceInstanceId?: string | undefined;
  /** Of the resource; the three options above go over those of their names, and these over the defaults. */
  readonly resourceAttributes?: Readonly<Record<string, string>> | undefined;
  /** Default: `toolweaver`. */
  readonly semconv?: SemanticConventions | undefined;
  /** Default: `explicit`. */
  readonly buckets?: Buckets | undefined;
  /** Sends ratings as events, too: `gen_ai.evaluation.result`, in OTLP logs, without comments and users. Default: false. */
  readonly evaluationEvents?: boolean | undefined;
  /**
   * The host's own. Then the instruments are its, it exports them as it does its others, and nothing is sent by this backend. The
   * default of `maxLabelSets` is then 1990: a higher one needs a provider whose cardinality limit is more than 5 above it.
   */
  readonly meterProvider?: MeterProvider | undefined;
  /** `false` takes events and does nothing with them. Default: true. */
  readonly enabled?: boolean | undefined;
  /** Default: `otlp`. */
  readonly name?: string | undefined;
  /**
   * Is told what no call can be told of: pushes at intervals that failed, warnings of the receiver, evaluation events that were
   * given up; at most once a minute for each code. What it throws is ignored.
   */
  readonly onNotice?: ((notice: AnalyticsError) => unknown) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
  /** For tests: 0 <= x < 1. */
  readonly random?: (() => number) | undefined;
}

/** Options that say how to push: where the host's provider does, they would say nothing. */
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

/** What is none of the options, of this backend or of a group of them. */
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
 * The default of `maxLabelSets` on a provider of the host. OpenTelemetry's SDK keeps 1999 series of an instrument, unless it is told
 * otherwise, and adds the totals of all further ones of a counter up anew in each collection. Ours are five at most beyond the limit.
 */
const hostMaxLabelSets = 1990;

/** The options with their defaults; what is wrong with them goes to `problems`, and then the result is not to be used. */
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

/** Notes what is wrong with an option. */
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
  // Node's own test of what is one.
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
  // By this Node refuses each request. Agents that do for both have no such property of their own.
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
