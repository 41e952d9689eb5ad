import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { type PrometheusOptions, prometheus, prometheusFromEnv } from '@toolweaver/analytics-prometheus';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from './support/parse.ts';

async function problemsOf(options: object): Promise<readonly string[]> {
  const error: AnalyticsError = await prometheus(options as PrometheusOptions).then(
    () => expect.fail('must be refused'),
    (thrown) => thrown,
  );
  expect(error.code).toBe('INVALID_CONFIG');
  return error.problems.map(({ field }) => field);
}

const url = 'http://127.0.0.1:9091';

describe('options', () => {
  test('all that are wrong are named at once', async () => {
    const fields = await problemsOf({
      name: ' ',
      prot: 9000,
      enabled: 'yes',
      port: 65_536,
      host: 'not a host',
      namespace: '1st',
      labels: ['session_id'],
      latencyBucketsMs: [100, 5, 50],
      maxLabelSets: 0,
      defaultMetrics: 1,
      workers: 'all',
      registry: {},
      onNotice: 'log',
      pushgateway: {
        url: 'gateway:9091',
        jobs: 'a',
        job: '',
        grouping: { 'a-b': 'x', skill_id: 'x', job: 'x', __x: 'x', shard: 3 },
        intervalMs: 5,
        timeoutMs: 0,
        mode: 'put',
        deleteOnClose: 1,
        authorization: 'two\nlines',
      },
    });
    expect(fields.toSorted()).toEqual(
      [
        ...['prot', 'name', 'enabled', 'port', 'host', 'namespace', 'labels', 'latencyBucketsMs', 'maxLabelSets'],
        ...['defaultMetrics', 'workers', 'registry', 'onNotice'],
        ...['a-b', 'skill_id', 'job', '__x', 'shard'].map((label) => `pushgateway.grouping.${label}`),
        ...['url', 'jobs', 'job', 'intervalMs', 'timeoutMs', 'mode', 'deleteOnClose', 'authorization'].map(
          (field) => `pushgateway.${field}`,
        ),
      ].toSorted(),
    );
  });

  test.each<[string, object, ...string[]]>([
    ['a port that is not whole', { port: 80.5 }, 'port'],
    ['a port as a text', { port: '8000' }, 'port'],
    ['no number', { port: Number.NaN }, 'port'],
    [
      'a part of a ms',
      { pushgateway: { url: 'http://127.0.0.1:9091', timeoutMs: 10_000 / 3 } },
      'pushgateway.timeoutMs',
    ],
    ['an address of another machine', { host: '192.0.2.1', port: 0 }, 'host'],
    ['a host that does not exist', { host: 'does-not-exist.invalid', port: 0 }, 'host'],
    ['buckets with infinity', { latencyBucketsMs: [1, Number.POSITIVE_INFINITY] }, 'latencyBucketsMs'],
    ['a registry with default metrics', { registry: new Registry(), defaultMetrics: true }, 'defaultMetrics'],
    ['a registry with workers', { registry: new Registry(), workers: true }, 'workers'],
    ['a password in the URL', { pushgateway: { url: 'http://u:p@localhost:9091' } }, 'pushgateway.url'],
    ['a job of half a character', { port: 0, pushgateway: { url, job: 'a\ud800' } }, 'pushgateway.job'],
    ['the same in the grouping', { pushgateway: { url, grouping: { a: '\ud800' } } }, 'pushgateway.grouping.a'],
    ['a label of buckets in the grouping', { pushgateway: { url, grouping: { le: 'x' } } }, 'pushgateway.grouping.le'],
    [
      "the overflow's label in the grouping",
      { pushgateway: { url, grouping: { otel_metric_overflow: 'y' } } },
      'pushgateway.grouping.otel_metric_overflow',
    ],
    [
      "a label of Node's metrics in the grouping, where these are pushed",
      { defaultMetrics: true, pushgateway: { url, grouping: { version: '1.2' } } },
      'pushgateway.grouping.version',
    ],
    ['nothing as the grouping', { pushgateway: { url, grouping: null } }, 'pushgateway.grouping'],
    ['a list as the grouping', { pushgateway: { url, grouping: [] } }, 'pushgateway.grouping'],
    ['nothing as the gateway', { pushgateway: null }, 'pushgateway', 'pushgateway.url'],
    ['a list as the gateway', { pushgateway: [url] }, 'pushgateway', 'pushgateway.url'],
    ['what is no object', null as never, 'options'],
    ['a file as the gateway', { pushgateway: { url: 'file:///etc/passwd' } }, 'pushgateway.url'],
    [
      'a token over plain http to another machine',
      { pushgateway: { url: 'http://gateway.example:9091', authorization: 'Bearer x' } },
      'pushgateway.url',
    ],
  ])('%s is refused', async (_, options, ...fields) => {
    expect(await problemsOf(options)).toEqual(fields);
  });

  test('namespace, labels, buckets and the limit of label sets are those that were given', async () => {
    const backend = await prometheus({
      port: false,
      namespace: 'acme',
      labels: ['org_id'],
      latencyBucketsMs: [1, 2.5],
      maxLabelSets: 1,
    });
    await backend.write([
      { type: 'execution', id: '1', at: 1, kind: 'skill', name: 'a', orgId: 'o', success: true, latencyMs: 2 },
      { type: 'execution', id: '2', at: 1, kind: 'skill', name: 'b', orgId: 'o', success: true },
    ]);
    const text = await backend.scrape();
    expect(text).toContain('acme_skill_latency_milliseconds_bucket{le="2.5",skill_id="a",org_id="o"} 1\n');
    expect(text).toContain('acme_skill_executions_total{otel_metric_overflow="true"} 1\n');
    expect(text).toContain('acme_analytics_label_overflow_total{metric="acme_skill_executions_total"} 1\n');
    expect(text).not.toContain('toolweaver_');
  });

  test('what is not enabled counts nothing and listens nowhere', async () => {
    const backend = await prometheus({ enabled: false, port: 0, pushgateway: { url: 'http://127.0.0.1:1' } });
    await backend.write([{ type: 'rating', id: '1', at: 1, skillId: 'a', rating: 5 }]);
    expect(backend.url).toBeUndefined();
    expect(parse(await backend.scrape()).get('toolweaver_skill_rating')?.samples).toEqual([]);
    await backend.flush?.(AbortSignal.timeout(1000));
    await backend.close?.();
  });

  test('what is not enabled does not keep others of the client from counting', async () => {
    const off = await prometheus({ name: 'off', enabled: false });
    const on = await prometheus({ name: 'on', port: false });
    const client = createAnalytics({ backends: [off, on] });
    client.recordSkillExecution({ skillId: 'a', success: true });
    expect(await on.scrape()).toContain('toolweaver_skill_executions_total{skill_id="a"} 1\n');
    await client.close();
  });

  test('settings say what holds, and where nothing does, and no secret', async () => {
    const pushgateway = { url, authorization: 'Basic c2VjcmV0' };
    const without = await prometheus({ pushgateway });
    const { port, host, url: at, registry } = without.settings;
    expect({ port, host, at, registry }).toEqual({ port: null, host: null, at: null, registry: 'own' });
    expect(JSON.stringify(without.settings)).toContain('"authorization":"[redacted]"');
    const backend = await prometheus({ port: 0, registry: new Registry() });
    expect(backend.settings).toMatchObject({ port: 0, host: '127.0.0.1', url: backend.url, registry: 'given' });
    expect(backend.settings['pushgateway']).toBeNull();
    await backend.close?.();
    expect(backend.settings['url']).toBeNull();
  });

  test('the metrics of Node are there when asked for, and only then', async () => {
    const [plain, more] = await Promise.all(
      [false, true].map(async (defaultMetrics) => {
        const backend = await prometheus({ port: false, defaultMetrics });
        return parse(await backend.scrape());
      }),
    );
    expect(plain?.has('process_cpu_seconds_total')).toBe(false);
    expect(more?.has('process_cpu_seconds_total')).toBe(true);
    expect(more?.has('toolweaver_skill_executions_total')).toBe(true);
    const labels = [...(more?.values() ?? [])].flatMap(({ samples }) =>
      samples.flatMap((one) => Object.keys(one.labels)),
    );
    for (const label of new Set(labels)) {
      const grouping = { [label]: 'x' };
      expect(await problemsOf({ defaultMetrics: true, pushgateway: { url, grouping } })).toEqual([
        `pushgateway.grouping.${label}`,
      ]);
    }
  });
});

describe('variables', () => {
  test('become options', () => {
    const options = prometheusFromEnv({
      PROMETHEUS_ENABLED: 'true',
      PROMETHEUS_PORT: '9000',
      PROMETHEUS_HOST: '0.0.0.0',
      PROMETHEUS_DEFAULT_METRICS: 'on',
      PROMETHEUS_WORKERS: 'no',
      PROMETHEUS_PUSHGATEWAY_URL: 'http://127.0.0.1:9091/',
      PROMETHEUS_PUSHGATEWAY_JOB: 'nightly/receipts',
      PROMETHEUS_PUSHGATEWAY_GROUPING: 'instance=eu-1, shard = 3',
      PROMETHEUS_PUSHGATEWAY_INTERVAL: '7.5',
      PROMETHEUS_PUSHGATEWAY_MODE: 'ADD',
      PROMETHEUS_PUSHGATEWAY_DELETE_ON_CLOSE: '1',
      PROMETHEUS_PUSHGATEWAY_AUTHORIZATION: 'Basic eDp5',
      ANALYTICS_METRICS_NAMESPACE: 'acme',
    });
    expect(options).toMatchObject({
      enabled: true,
      port: 9000,
      host: '0.0.0.0',
      defaultMetrics: true,
      workers: false,
      namespace: 'acme',
      pushgateway: {
        url: 'http://127.0.0.1:9091/',
        job: 'nightly/receipts',
        grouping: { instance: 'eu-1', shard: '3' },
        intervalMs: 7500,
        mode: 'add',
        deleteOnClose: true,
      },
    });
    expect(options.pushgateway?.authorization?.toString()).toBe('[redacted]');
  });

  test.each(['tcp://10.96.12.7:9090', 'udp://10.96.12.7:53'])(
    'a link to a service, as of Kubernetes, is no port: %s',
    (link) => {
      expect(prometheusFromEnv({ PROMETHEUS_PORT: link }).port).toBeUndefined();
      expect(() => prometheusFromEnv({ PROMETHEUS_PORT: 'http://10.96.12.7:9090' })).toThrow('PROMETHEUS_PORT');
    },
  );

  test('that are not set change nothing', () => {
    const options = prometheusFromEnv({ PROMETHEUS_PORT: ' ' });
    expect(Object.values(options).every((value) => value === undefined)).toBe(true);
  });

  test('that are wrong are named, all at once', () => {
    const variables = {
      PROMETHEUS_ENABLED: 'maybe',
      PROMETHEUS_PORT: '70000',
      PROMETHEUS_HOST: 'http://0.0.0.0',
      ANALYTICS_METRICS_BUCKETS_MS: '100,5,50',
      ANALYTICS_METRICS_NAMESPACE: 'a-b',
      PROMETHEUS_PUSHGATEWAY_URL: 'ftp://gateway',
      PROMETHEUS_PUSHGATEWAY_GROUPING: 'instance,skill_id=x',
      PROMETHEUS_PUSHGATEWAY_INTERVAL: '-1',
      PROMETHEUS_PUSHGATEWAY_MODE: 'replace',
    };
    let problems: AnalyticsError['problems'] = [];
    try {
      prometheusFromEnv(variables);
    } catch (error) {
      problems = (error as AnalyticsError).problems;
    }
    expect(new Set(problems.map(({ field }) => field))).toEqual(new Set(Object.keys(variables)));
  });

  test('of a Pushgateway are refused in their own unit and by the name of the label', () => {
    const variables = {
      PROMETHEUS_PUSHGATEWAY_URL: url,
      PROMETHEUS_PUSHGATEWAY_INTERVAL: '0.05',
      PROMETHEUS_PUSHGATEWAY_GROUPING: 'a.b=1',
    };
    expect(() => prometheusFromEnv(variables)).toThrow(/INTERVAL.*seconds from 0\.1/s);
    expect(() => prometheusFromEnv(variables)).toThrow(/GROUPING.*a\.b is not a valid label name/s);
    expect(() => prometheusFromEnv(variables)).not.toThrow(/\bms\b/);
  });

  test('of a Pushgateway name each label once', () => {
    const variables = { PROMETHEUS_PUSHGATEWAY_URL: url, PROMETHEUS_PUSHGATEWAY_GROUPING: 'a=1,b=1, a =2' };
    expect(() => prometheusFromEnv(variables)).toThrow(/GROUPING.*each label once/);
  });

  test('of a Pushgateway without its address are a mistake', () => {
    expect(() => prometheusFromEnv({ PROMETHEUS_PUSHGATEWAY_JOB: 'nightly' })).toThrow('PROMETHEUS_PUSHGATEWAY_URL');
    // Also where they are wrong themselves: nobody should mend these only to hear of the address then.
    const others = { PROMETHEUS_PUSHGATEWAY_INTERVAL: 'often', PROMETHEUS_PUSHGATEWAY_GROUPING: 'le=x' };
    expect(() => prometheusFromEnv(others)).toThrow(/3 problems:.*_URL: must be set.*_INTERVAL.*_GROUPING: le is/s);
    expect(() => prometheusFromEnv({ PROMETHEUS_PUSHGATEWAY_MODE: ' ' })).not.toThrow();
  });

  test("of a Pushgateway may have labels of Node's metrics only where these are not pushed", () => {
    const variables = { PROMETHEUS_PUSHGATEWAY_URL: url, PROMETHEUS_PUSHGATEWAY_GROUPING: 'version=1.2' };
    expect(prometheusFromEnv(variables).pushgateway?.grouping).toEqual({ version: '1.2' });
    const pushed = { ...variables, PROMETHEUS_DEFAULT_METRICS: 'on' };
    expect(() => prometheusFromEnv(pushed)).toThrow('GROUPING: version is a label of the metrics');
  });
});
