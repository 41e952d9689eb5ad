import { inspect } from 'node:util';
import type { AnalyticsError, Env } from '@toolweaver/analytics-core';
import { isSecret } from '@toolweaver/analytics-core/backend';
import { type OtlpOptions, otlp, otlpFromEnv } from '@toolweaver/analytics-otlp';
import { describe, expect, test } from 'vitest';
import { trialOfTests } from '../../../test/support/trial.ts';
import { instanceId, showsNoToken, token } from './support/canary.ts';

const grafana = {
  OTLP_ENDPOINT: 'https://otlp-gateway-prod-eu-west-0.grafana.net/otlp',
  OTLP_INSTANCE_ID: instanceId,
  OTLP_TOKEN: token,
};

/** The problems by variable; fails when there are none. */
function problemsOf(env: Env): Record<string, string> {
  try {
    otlpFromEnv(env);
  } catch (thrown) {
    showsNoToken(thrown);
    const { code, problems } = thrown as AnalyticsError;
    expect(code).toBe('INVALID_CONFIG');
    return Object.fromEntries(problems.map(({ field, message }) => [field, message]));
  }
  return expect.fail('must be refused');
}

describe('our own variables', () => {
  test('give everything that Grafana Cloud wants', () => {
    const { token: given, ...options } = otlpFromEnv({
      ...grafana,
      OTLP_PUSH_INTERVAL: '15',
      OTLP_SERVICE_NAME: 'agents',
      OTLP_SERVICE_VERSION: '2.1.0',
      ANALYTICS_METRICS_NAMESPACE: 'acme',
    });
    expect(options).toMatchObject({
      endpoint: grafana.OTLP_ENDPOINT,
      instanceId,
      pushIntervalMs: 15_000,
      serviceName: 'agents',
      serviceVersion: '2.1.0',
      namespace: 'acme',
    });
    expect(isSecret(given) && given.reveal()).toBe(token);
  });

  test('an endpoint alone will do', async () => {
    const backend = await otlp(otlpFromEnv({ OTLP_ENDPOINT: 'http://localhost:4318' }));
    expect(backend.settings).toMatchObject({
      url: 'http://localhost:4318/v1/metrics',
      instanceId: null,
      token: null,
      protocol: 'http/protobuf',
      compression: 'gzip',
      pushIntervalMs: 60_000,
      timeoutMs: 10_000,
      serviceName: 'toolweaver',
    });
    await backend.close?.();
  });

  test('what is missing is named, all of it', () => {
    expect(Object.keys(problemsOf({}))).toEqual(['OTLP_ENDPOINT']);
    expect(problemsOf({})['OTLP_ENDPOINT']).toMatch(/is missing: .*grafana\.net\/otlp.* http:\/\/localhost:4318/);
    expect(Object.keys(problemsOf({ OTLP_TOKEN: token }))).toEqual(['OTLP_ENDPOINT', 'OTLP_INSTANCE_ID']);
    expect(Object.keys(problemsOf({ OTLP_INSTANCE_ID: '1' }))).toEqual(['OTLP_ENDPOINT', 'OTLP_TOKEN']);
    expect(Object.keys(problemsOf({ OTLP_ENDPOINT: grafana.OTLP_ENDPOINT }))).toEqual([
      'OTLP_INSTANCE_ID',
      'OTLP_TOKEN',
    ]);
    expect(Object.keys(problemsOf({ ...grafana, OTLP_TOKEN: ' ' }))).toEqual(['OTLP_TOKEN']);
  });

  test('everything that is wrong is told at once', () => {
    const problems = problemsOf({
      OTLP_ENDPOINT: 'http://receiver.example/otlp',
      OTLP_INSTANCE_ID: 'a:b',
      OTLP_TOKEN: `${token}\nglc_second`,
      OTLP_PUSH_INTERVAL: '60s',
      ANALYTICS_METRICS_MAX_LABEL_SETS: '0',
    });
    expect(problems).toEqual({
      OTLP_ENDPOINT: expect.stringContaining('must begin with https://'),
      OTLP_INSTANCE_ID: expect.stringContaining('without blanks and colons'),
      OTLP_TOKEN: expect.stringContaining('line breaks'),
      OTLP_PUSH_INTERVAL: expect.stringContaining('"60s"'),
      ANALYTICS_METRICS_MAX_LABEL_SETS: expect.any(String),
    });
  });

  test.each(['0', '-1', '0.5', 'abc', '1e3', '0x10', '60s', '99999999999', 'NaN'])(
    'an interval of %s is refused',
    (value) => {
      expect(problemsOf({ ...grafana, OTLP_PUSH_INTERVAL: value })).toEqual({
        OTLP_PUSH_INTERVAL: expect.stringMatching(/must be a number of seconds( from 1 to 3600)?, got/),
      });
    },
  );

  test('an interval below the timeout is refused; by default the timeout gives way', () => {
    expect(problemsOf({ ...grafana, OTLP_PUSH_INTERVAL: '5', OTEL_EXPORTER_OTLP_TIMEOUT: '10000' })).toEqual({
      OTLP_PUSH_INTERVAL: 'must not be below the timeout of a push, 10000 ms, got 5000 ms',
    });
    expect(otlpFromEnv({ ...grafana, OTLP_PUSH_INTERVAL: '5' })).toMatchObject({ pushIntervalMs: 5000 });
  });
});

// Of addresses in options in options.test.ts.
trialOfTests('R32', 'OTLP: addresses and headers that would give secrets away are refused', () => {
  test.each([
    'localhost:4318',
    'receiver.example/otlp',
    'ftp://receiver.example',
    'file:///etc/passwd',
    'grpc://localhost:4317',
    '/otlp',
    'http://',
    `https://user:${token}@receiver.example/otlp`,
    `https://${encodeURIComponent(token)}@receiver.example`,
    'https://receiver.example/#otlp',
  ])('the endpoint %s is refused', (endpoint) => {
    expect(Object.keys(problemsOf({ ...grafana, OTLP_ENDPOINT: endpoint }))).toEqual(['OTLP_ENDPOINT']);
  });

  test.each([
    'http://receiver.example',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://10.0.0.1',
    'http://[::2]',
  ])('a token does not go unencrypted to %s', (endpoint) => {
    expect(problemsOf({ ...grafana, OTLP_ENDPOINT: endpoint })).toEqual({
      OTLP_ENDPOINT: expect.stringContaining('everybody on the way could read the token'),
    });
    // Without one there is nothing to read.
    expect(otlpFromEnv({ OTLP_ENDPOINT: endpoint })).toMatchObject({ endpoint });
  });

  test.each(['http://127.0.0.1:4318', 'http://127.1', 'http://localhost', 'http://[::1]:4318'])(
    'but to this machine: %s',
    (endpoint) => {
      expect(otlpFromEnv({ ...grafana, OTLP_ENDPOINT: endpoint })).toMatchObject({ endpoint, instanceId });
    },
  );
});

/** With the headers as they will be sent. */
function inClear({ headers = {}, ...options }: OtlpOptions): OtlpOptions {
  const clear = Object.entries(headers).map(([name, value]) => [name, isSecret(value) ? value.reveal() : value]);
  return { ...options, headers: Object.fromEntries(clear) };
}

describe('OpenTelemetry’s variables', () => {
  const otel = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/base',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=CANARY%3D1, x-tenant = team%20a',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    OTEL_METRIC_EXPORT_INTERVAL: '30000',
    OTEL_SERVICE_NAME: 'theirs',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=overruled,service.version=3,service.instance.id=pod-1,team=a%2Cb',
    OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
  };

  test('count where ours are unset', () => {
    expect(inClear(otlpFromEnv(otel))).toMatchObject({
      endpoint: 'https://collector.example/base',
      headers: { 'api-key': 'CANARY=1', 'x-tenant': 'team a' },
      protocol: 'http/json',
      timeoutMs: 3000,
      compression: 'none',
      pushIntervalMs: 30_000,
      serviceName: 'theirs',
      serviceVersion: '3',
      serviceInstanceId: 'pod-1',
      resourceAttributes: { team: 'a,b' },
      buckets: 'exponential',
    });
  });

  test('show no header to whoever prints the options', () => {
    expect(inspect(otlpFromEnv(otel), { depth: null })).not.toMatch(/CANARY|team a/);
  });

  test('those of metrics before those of all', () => {
    const options = otlpFromEnv({
      ...otel,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://metrics.example/push',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'api-key=other',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '4000',
    });
    expect(inClear(options)).toMatchObject({
      url: 'https://metrics.example/push',
      endpoint: undefined,
      headers: { 'api-key': 'other' },
      protocol: 'http/protobuf',
      timeoutMs: 4000,
    });
  });

  test('ours before both, and no headers or certificates of another endpoint', () => {
    const options = otlpFromEnv({
      ...otel,
      ...grafana,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://metrics.example/push',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'api-key=CANARY',
      OTEL_EXPORTER_OTLP_CLIENT_KEY: '/nowhere/key.pem',
      OTLP_PUSH_INTERVAL: '60',
      OTLP_SERVICE_NAME: 'ours',
    });
    expect(options).toMatchObject({ endpoint: grafana.OTLP_ENDPOINT, pushIntervalMs: 60_000, serviceName: 'ours' });
    expect(options.url).toBeUndefined();
    expect(options.headers).toBeUndefined();
    expect(options.tls).toBeUndefined();
    expect(JSON.stringify(options)).not.toContain('CANARY');
  });

  test('nor does our token go to another endpoint', () => {
    expect(Object.keys(problemsOf({ ...otel, OTLP_TOKEN: token, OTLP_INSTANCE_ID: instanceId }))).toEqual([
      'OTLP_ENDPOINT',
    ]);
  });

  test('attributes of the service that are blank are not set', () => {
    const attributes = 'service.name=,service.version=%20,service.instance.id=,team=';
    const { serviceName, serviceVersion, serviceInstanceId, resourceAttributes } = otlpFromEnv({
      OTEL_EXPORTER_OTLP_ENDPOINT: otel.OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_RESOURCE_ATTRIBUTES: attributes,
    });
    expect([serviceName, serviceVersion, serviceInstanceId]).toEqual([undefined, undefined, undefined]);
    expect(resourceAttributes).toEqual({ team: '' });
  });

  test('a certificate without its key, and a key without its certificate, are told by variable', () => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT } = otel;
    for (const [given, missing] of [
      ['OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'],
      ['OTEL_EXPORTER_OTLP_CLIENT_KEY', 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    ] as const) {
      expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT, [given]: '/a.pem' })).toMatchObject({
        [missing]: 'is needed with the other of the two',
      });
    }
  });

  test('a file that cannot be read is told by its variable', () => {
    const variables = {
      OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: '/nowhere/ca.pem',
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/nowhere/cert.pem',
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY: '/nowhere/key.pem',
    };
    const env = {
      ...variables,
      OTEL_EXPORTER_OTLP_ENDPOINT: otel.OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/other.pem',
    };
    const told = Object.entries(variables).map(([name, path]) => [
      name,
      `must be the path of a PEM file, got "${path}": ENOENT`,
    ]);
    expect(problemsOf(env)).toEqual(Object.fromEntries(told));
  });

  test.each(['OTEL_EXPORTER_OTLP_METRICS_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_METRIC_EXPORT_TIMEOUT'])(
    '%s alone is refused when it is longer than the default interval',
    (variable) => {
      expect(
        problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: otel.OTEL_EXPORTER_OTLP_ENDPOINT, [variable]: '90000' }),
      ).toEqual({
        [variable]: 'must not be above the interval of pushes, 60000 ms, got 90000 ms',
      });
    },
  );

  test('gRPC is refused where it is meant for us', () => {
    const { OTEL_EXPORTER_OTLP_PROTOCOL } = problemsOf({ ...otel, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(OTEL_EXPORTER_OTLP_PROTOCOL).toContain('http/protobuf, http/json');
    expect(otlpFromEnv({ ...grafana, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).protocol).toBeUndefined();
  });

  test.each(['novalue', 'a=%', '=b', 'a=1,CANARY'])('pairs like %j are refused, and not repeated', (pairs) => {
    const problems = problemsOf({ ...otel, OTEL_EXPORTER_OTLP_HEADERS: pairs });
    expect(problems).toEqual({ OTEL_EXPORTER_OTLP_HEADERS: expect.stringContaining('name=value') });
    expect(JSON.stringify(problems)).not.toContain('CANARY');
  });

  test('headers that HTTP does not allow are refused', () => {
    expect(problemsOf({ ...otel, OTEL_EXPORTER_OTLP_HEADERS: 'a%20b=1' })).toEqual({
      OTEL_EXPORTER_OTLP_HEADERS: expect.stringContaining('"a b"'),
    });
    expect(problemsOf({ ...otel, OTEL_EXPORTER_OTLP_HEADERS: 'a=CANARY%0Ax: y' })).toEqual({
      OTEL_EXPORTER_OTLP_HEADERS: expect.not.stringContaining('CANARY'),
    });
  });

  test('a disabled SDK takes events and sends nothing', async () => {
    const backend = await otlp(otlpFromEnv({ OTEL_SDK_DISABLED: 'true' }));
    expect(backend.settings).toEqual({ enabled: false });
    expect(backend.flush).toBeUndefined();
  });
});
