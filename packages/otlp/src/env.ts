import type { Env } from '@toolweaver/analytics-core';
import { createOptionChecks, type EnvReader, readEnv, secret } from '@toolweaver/analytics-core/backend';
import { readMetricsOptions } from '@toolweaver/analytics-metrics';
import { type OtlpOptions, resolveOptions } from './options.ts';
import { tlsOf } from './tls-files.ts';

/**
 * Reads `OTLP_ENDPOINT`, `OTLP_INSTANCE_ID`, `OTLP_TOKEN`, `OTLP_PUSH_INTERVAL` (seconds), `OTLP_SERVICE_NAME` and
 * `OTLP_SERVICE_VERSION`, the variables that all metrics backends share (`ANALYTICS_METRICS_…`) and, where ours are unset,
 * OpenTelemetry's own. Pure: pass `process.env`.
 * @throws AnalyticsError `INVALID_CONFIG` with all problems.
 */
export function otlpFromEnv(env: Env): OtlpOptions {
  return readEnv(env, (vars) => {
    if (vars.flag('OTEL_SDK_DISABLED') === true) {
      return { enabled: false };
    }
    /** The variable that each option came from. */
    const from = new Map<string, string>();
    const first = <T>(field: string, names: readonly string[], read: (name: string) => T): T | undefined => {
      const name = names.find((one) => vars.text(one) !== undefined);
      if (name === undefined) {
        return undefined;
      }
      from.set(field, name);
      return read(name);
    };
    const metrics = readMetricsOptions(vars);
    const options: OtlpOptions = {
      ...readResource(vars, first),
      ...readConnection(vars, first),
      pushIntervalMs:
        first('pushIntervalMs', ['OTLP_PUSH_INTERVAL'], (name) =>
          seconds(vars.number(name, { min: 1, max: 3_600 }, 'a number of seconds')),
        ) ?? first('pushIntervalMs', ['OTEL_METRIC_EXPORT_INTERVAL'], (name) => vars.integer(name)),
      timeoutMs: first('timeoutMs', [...otel('TIMEOUT'), 'OTEL_METRIC_EXPORT_TIMEOUT'], (name) => vars.integer(name)),
      compression: first('compression', otel('COMPRESSION'), (name) => vars.choice(name, ['gzip', 'none'])),
      buckets: readBuckets(vars),
    };
    const check = createOptionChecks((field, message) => {
      vars.problem(from.get(field) ?? variables[field] ?? field, message);
    });
    resolveOptions(check, options);
    tlsOf(check, options.tls);
    return { ...metrics, ...options };
  });
}

type First = <T>(field: string, names: readonly string[], read: (name: string) => T) => T | undefined;

const variables: Readonly<Record<string, string>> = {
  endpoint: 'OTLP_ENDPOINT',
  instanceId: 'OTLP_INSTANCE_ID',
  token: 'OTLP_TOKEN',
  pushIntervalMs: 'OTLP_PUSH_INTERVAL',
  'tls.certFile': 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
  'tls.keyFile': 'OTEL_EXPORTER_OTLP_CLIENT_KEY',
};

/** OpenTelemetry's variables for a setting of metrics, the more specific one first. */
function otel(setting: string): readonly string[] {
  return [`OTEL_EXPORTER_OTLP_METRICS_${setting}`, `OTEL_EXPORTER_OTLP_${setting}`];
}

const seconds = (value: number | undefined): number | undefined => value && value * 1000;

function readConnection(vars: EnvReader, first: First): OtlpOptions {
  const own: OtlpOptions = {
    endpoint: first('endpoint', ['OTLP_ENDPOINT'], vars.text),
    instanceId: first('instanceId', ['OTLP_INSTANCE_ID'], vars.text),
    token: first('token', ['OTLP_TOKEN'], vars.secret),
  };
  const protocol = first('protocol', otel('PROTOCOL'), (name): OtlpOptions['protocol'] => {
    // `grpc` is no mistake here: it is meant for other exporters of the host.
    const isOthers = own.endpoint !== undefined && vars.text(name)?.toLowerCase() === 'grpc';
    return isOthers ? undefined : vars.choice(name, ['http/protobuf', 'http/json']);
  });
  // Our endpoint must not get credentials that were meant for OpenTelemetry's, nor the reverse.
  if (Object.values(own).some((value) => value !== undefined)) {
    return { ...own, protocol };
  }
  const url = first('url', ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'], vars.text);
  const file = (field: string, setting: string) => first(`tls.${field}`, otel(setting), vars.text);
  return {
    protocol,
    url,
    endpoint: url === undefined ? first('endpoint', ['OTEL_EXPORTER_OTLP_ENDPOINT'], vars.text) : undefined,
    headers: first('headers', otel('HEADERS'), (name) => readHeaders(vars, name)),
    tls: {
      caFile: file('caFile', 'CERTIFICATE'),
      certFile: file('certFile', 'CLIENT_CERTIFICATE'),
      keyFile: file('keyFile', 'CLIENT_KEY'),
    },
  };
}

function readResource(vars: EnvReader, first: First): OtlpOptions {
  const {
    'service.name': serviceName,
    'service.version': serviceVersion,
    'service.instance.id': serviceInstanceId,
    ...resourceAttributes
  } = readPairs(vars, 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    serviceName:
      first('serviceName', ['OTLP_SERVICE_NAME', 'OTEL_SERVICE_NAME'], vars.text) ?? unlessBlank(serviceName),
    serviceVersion: first('serviceVersion', ['OTLP_SERVICE_VERSION'], vars.text) ?? unlessBlank(serviceVersion),
    serviceInstanceId: unlessBlank(serviceInstanceId),
    resourceAttributes,
  };
}

/** Treats a blank value as unset, as for variables: it may come from a template that had nothing to fill in. */
function unlessBlank(text: string | undefined): string | undefined {
  return text?.trim() === '' ? undefined : text;
}

function readBuckets(vars: EnvReader): OtlpOptions['buckets'] {
  const [name] = otel('DEFAULT_HISTOGRAM_AGGREGATION') as [string];
  const choice = vars.choice(name, ['explicit_bucket_histogram', 'base2_exponential_bucket_histogram']);
  return choice === 'base2_exponential_bucket_histogram' ? 'exponential' : undefined;
}

/** All values are secrets, because any of them may be a key. */
function readHeaders(vars: EnvReader, variable: string): OtlpOptions['headers'] {
  return Object.fromEntries(Object.entries(readPairs(vars, variable)).map(([name, value]) => [name, secret(value)]));
}

/** Reads comma-separated, percent-encoded `name=value` pairs. */
function readPairs(vars: EnvReader, variable: string): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const item of vars.list(variable) ?? []) {
    const at = item.indexOf('=');
    try {
      if (at <= 0) {
        throw new URIError();
      }
      pairs.push(
        [item.slice(0, at), item.slice(at + 1)].map((part) => decodeURIComponent(part.trim())) as [string, string],
      );
    } catch {
      // Values may be secrets, so the message repeats no part of them.
      vars.problem(variable, 'must be name=value pairs with commas between, % and commas in them percent-encoded');
      break;
    }
  }
  return Object.fromEntries(pairs);
}
