import { steadyClock } from '@toolweaver/analytics-core/backend';
import { describeMetrics } from '@toolweaver/analytics-metrics';
import { execution, health, rating, toolkit } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { backendOfTest, flush, pointsOf, pushed, receiverOfTest } from './support/pushed.ts';

const called = execution({
  kind: 'llm',
  name: 'sonnet',
  model: 'sonnet',
  provider: 'anthropic',
  latencyMs: 812.5,
  usage: { inputTokens: 1200, cacheReadTokens: 300, cacheWriteTokens: 0, outputTokens: 210, reasoningTokens: 7 },
  cost: { nanoUsd: 12_345_678, source: 'computed' },
});

describe.each(['http/protobuf', 'http/json'] as const)('by %s', (protocol) => {
  test('a counter is a cumulative monotonic sum, a score a gauge, a latency a histogram', async () => {
    const before = Date.now();
    const decoded = await pushed(
      [execution({ latencyMs: 12.5 }), execution({ latencyMs: 1e9, success: false }), health({ score: 87.5 })],
      { protocol },
    );
    const byName = new Map(decoded.metrics.map((metric) => [metric.name, metric]));
    expect(byName.get('toolweaver_skill_executions_total')).toMatchObject({
      type: 'sum',
      unit: '{execution}',
      temporality: 2,
      isMonotonic: true,
      points: [{ attributes: { skill_id: 'summarise' }, asDouble: 2 }],
    });
    expect(byName.get('toolweaver_skill_health_score')).toMatchObject({
      type: 'gauge',
      unit: '',
      points: [{ attributes: { skill_id: 'summarise' }, asDouble: 87.5 }],
    });
    expect(byName.get('toolweaver_skill_latency_milliseconds')).toMatchObject({
      type: 'histogram',
      unit: 'ms',
      temporality: 2,
      points: [
        {
          attributes: { skill_id: 'summarise' },
          count: 2,
          sum: 1_000_000_012.5,
          bucketCounts: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
          explicitBounds: [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000],
        },
      ],
    });
    for (const { startTimeUnixNano, timeUnixNano } of decoded.metrics.flatMap(({ points }) => points)) {
      // A number holds nanoseconds of today to within 256.
      expect(Math.round(startTimeUnixNano / 1e6)).toBeGreaterThanOrEqual(before);
      expect(timeUnixNano).toBeGreaterThanOrEqual(startTimeUnixNano);
      expect(Math.round(timeUnixNano / 1e6)).toBeLessThanOrEqual(Date.now());
    }
    expect(decoded.scopes).toEqual(['@toolweaver/analytics-otlp']);
  });

  test('every metric of the catalogue has its name and its unit, and no others are there', async () => {
    const decoded = await pushed(
      [called, execution({ kind: 'tool', success: false, cacheHit: true, cost: { nanoUsd: 1, source: 'provider' } })],
      { protocol, labels: ['org_id'] },
    );
    const catalogue = new Map(describeMetrics().map(({ name, unit }) => [name, unit]));
    expect(decoded.metrics.length).toBeGreaterThan(6);
    for (const { name, unit } of decoded.metrics) {
      expect([name, unit]).toEqual([name, catalogue.get(name)]);
    }
  });
});

test('totals go on from push to push, from one start', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url });
  for (const success of [true, true, false]) {
    backend.write([execution({ success })]);
    await flush(backend);
  }
  const pushes = receiver.requests.map((request) => pointsOf(request.decoded(), 'toolweaver_skill_executions_total'));
  expect(pushes.map(([point]) => point?.asDouble)).toEqual([1, 2, 3]);
  expect(new Set(pushes.map(([point]) => point?.startTimeUnixNano)).size).toBe(1);
});

test('a clock that was set back takes the start with it, and values are shown at once', async () => {
  const receiver = await receiverOfTest();
  let now = Date.now() + 600_000;
  const backend = await backendOfTest({ endpoint: receiver.url, clock: { ...steadyClock(), now: () => now } });
  for (const stepMs of [0, -600_000, 1000]) {
    now += stepMs;
    backend.write([execution()]);
    await flush(backend);
  }
  const times = receiver.requests
    .flatMap((request) => pointsOf(request.decoded(), 'toolweaver_skill_executions_total'))
    .map((point) =>
      [point.startTimeUnixNano, point.timeUnixNano].map((nano) => Math.round(nano / 1e9 - now / 1e3) + 0),
    );
  expect(times).toEqual([
    [599, 599],
    [-1, -1],
    [-1, 0],
  ]);
});

test('weights may make counters fractional; observations are whole, and add up to what the buckets say', async () => {
  const decoded = await pushed([
    execution({ latencyMs: 5, weight: 2.5 }),
    execution({ latencyMs: 20, weight: 1.4 }),
    execution({ latencyMs: 20, weight: 1.2 }),
  ]);
  const [counter] = pointsOf(decoded, 'toolweaver_skill_executions_total');
  expect(counter?.asDouble).toBeCloseTo(5.1, 9);
  const [histogram] = pointsOf(decoded, 'toolweaver_skill_latency_milliseconds');
  expect(histogram).toMatchObject({ count: 6, bucketCounts: [3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
  expect(histogram?.sum).toBeCloseTo(64.5, 9);
});

test('buckets that adapt, when asked for; stars keep theirs', async () => {
  const decoded = await pushed([execution({ latencyMs: 100 }), execution({ latencyMs: 0 }), rating({ rating: 4 })], {
    buckets: 'exponential',
  });
  const latency = decoded.metrics.find(({ name }) => name === 'toolweaver_skill_latency_milliseconds');
  expect(latency).toMatchObject({ type: 'exponentialHistogram', temporality: 2 });
  const [point] = latency?.points ?? [];
  expect(point).toMatchObject({ count: 2, sum: 100, zeroCount: 1, positive: { bucketCounts: [1] } });
  // The bucket that it says is the one that 100 is in.
  const base = 2 ** (2 ** -(point?.scale ?? 0));
  const offset = point?.positive?.offset ?? 0;
  expect(base ** offset).toBeLessThan(100);
  expect(base ** (offset + 1)).toBeGreaterThanOrEqual(100);
  expect(decoded.metrics.find(({ name }) => name === 'toolweaver_skill_rating')).toMatchObject({
    type: 'histogram',
    points: [{ count: 1, sum: 4, bucketCounts: [0, 0, 0, 1, 0, 0] }],
  });
});

test('the count of sampled executions in buckets that adapt is right, and rises when these get wider', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url, buckets: 'exponential' });
  backend.write(Array.from({ length: 100 }, (_, at) => execution({ latencyMs: 100 + at / 10, weight: 2.5 })));
  await flush(backend);
  backend.write([execution({ latencyMs: 150, weight: 2.5 })]);
  await flush(backend);
  const [before, after] = receiver.requests.map((request) =>
    pointsOf(request.decoded(), 'toolweaver_skill_latency_milliseconds'),
  );
  expect(before).toMatchObject([{ count: 250 }]);
  expect(after).toMatchObject([{ count: 252 }]);
  expect(after?.[0]?.sum).toBeCloseTo(2.5 * (100 * 100 + 4950 / 10 + 150), 6);
});

test('what has no value is no attribute; the series of all further label sets is marked', async () => {
  const decoded = await pushed(
    ['a', 'b', 'c'].map((name) => execution({ kind: 'skill', name })),
    { maxLabelSets: 1, labels: ['org_id'] },
  );
  expect(pointsOf(decoded, 'toolweaver_skill_executions_total')).toMatchObject([
    { attributes: { skill_id: 'a' }, asDouble: 1 },
    { attributes: { 'otel.metric.overflow': true }, asDouble: 2 },
  ]);
  expect(pointsOf(decoded, 'toolweaver_skill_executions_total')[0]?.attributes).toEqual({ skill_id: 'a' });
  expect(pointsOf(decoded, 'toolweaver_analytics_label_overflow_total')).toMatchObject([
    { attributes: { metric: 'toolweaver_skill_executions_total' }, asDouble: 2 },
  ]);
});

test("OpenTelemetry's GenAI conventions, beside or instead", async () => {
  const names = async (semconv: 'genai' | 'both') =>
    (await pushed([called, toolkit()], { semconv })).metrics.map(({ name }) => name);
  const genai = ['gen_ai.client.operation.duration', 'gen_ai.client.token.usage'];
  expect(await names('genai')).toEqual(genai);
  expect(await names('both')).toEqual(
    expect.arrayContaining([...genai, 'toolweaver_llm_calls_total', 'toolweaver_toolkit_events_total']),
  );
});

test('the resource says which service and which instance of it', async () => {
  const own = await pushed([execution()], {
    serviceName: 'agents',
    serviceVersion: '2.1.0',
    resourceAttributes: { 'deployment.environment.name': 'test', 'service.name': 'overruled' },
  });
  expect(own.resource).toEqual({
    'service.name': 'agents',
    'service.version': '2.1.0',
    'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'deployment.environment.name': 'test',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '3.1.0',
  });
  const other = await pushed([execution()]);
  expect(other.resource['service.name']).toBe('toolweaver');
  expect(other.resource).not.toHaveProperty(['service.version']);
  expect(other.resource['service.instance.id']).not.toBe(own.resource['service.instance.id']);
  const named = await pushed([execution()], { serviceInstanceId: 'pod-7' });
  expect(named.resource['service.instance.id']).toBe('pod-7');
});

test('attributes that are given go over what is there by default', async () => {
  const receiver = await receiverOfTest();
  const given = { 'service.name': 'mine', 'service.version': '2.1.0', 'service.instance.id': 'pod-7' };
  const backend = await backendOfTest({ endpoint: receiver.url, resourceAttributes: given });
  backend.write([execution()]);
  await flush(backend);
  expect(receiver.requests[0]?.decoded().resource).toMatchObject(given);
  const shown = { serviceName: 'mine', serviceVersion: '2.1.0', serviceInstanceId: 'pod-7' };
  expect(backend.settings).toMatchObject(shown);
});

test('a request has the headers that were asked for, and is compressed', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({
    endpoint: `${receiver.url}/otlp/`,
    instanceId: '12345',
    token: 'glc_secret',
    headers: { 'X-Scope-OrgID': 'team' },
  });
  backend.write([execution()]);
  await flush(backend);
  const [request] = receiver.requests;
  expect(request).toMatchObject({ path: '/otlp/v1/metrics' });
  expect(request?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('12345:glc_secret').toString('base64')}`,
    'x-scope-orgid': 'team',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    'accept-encoding': 'identity',
    'content-length': String(request?.bytes.length),
  });
});

test('nothing is compressed when that is not wanted', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url, compression: 'none' });
  backend.write([execution()]);
  await flush(backend);
  expect(receiver.requests[0]?.headers).not.toHaveProperty('content-encoding');
  expect(receiver.requests[0]?.decoded().metrics.length).toBeGreaterThan(0);
});

test.each([
  ['', '/v1/metrics'],
  ['/', '/v1/metrics'],
  ['/v1/metrics', '/v1/metrics'],
  ['/v1/metrics/', '/v1/metrics'],
  ['/otlp', '/otlp/v1/metrics'],
  ['/otlp?tenant=1', '/otlp/v1/metrics?tenant=1'],
])('an endpoint that ends in %j is posted to at %s', async (path, expected) => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url + path });
  backend.write([execution()]);
  await flush(backend);
  expect(receiver.requests.map((request) => request.path)).toEqual([expected]);
});

test('a url is posted to as it is', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ url: `${receiver.url}/api/v1/push` });
  backend.write([execution()]);
  await flush(backend);
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/api/v1/push']);
});

test('nothing is sent while nothing was counted', async () => {
  const receiver = await receiverOfTest();
  const backend = await backendOfTest({ endpoint: receiver.url });
  await flush(backend);
  await backend.close?.();
  expect(receiver.requests).toEqual([]);
});
