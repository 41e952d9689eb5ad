import { metrics as global } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { execution, health } from '@toolweaver/analytics-testkit';
import { describe, expect, test } from 'vitest';
import { flush } from './support/pushed.ts';

function hostProvider(cardinalityLimit?: number) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const cardinalityLimits = cardinalityLimit === undefined ? {} : { default: cardinalityLimit };
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, cardinalityLimits })] });
  return {
    provider,
    points(name: string): readonly DataPoint<unknown>[] {
      const [latest] = exporter.getMetrics().slice(-1);
      const all = latest?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [];
      return all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap<DataPoint<unknown>>(({ dataPoints }) => dataPoints);
    },
  };
}

test('the instruments are those of the host’s provider, with the same names and numbers', async () => {
  const { provider, points } = hostProvider();
  const client = createAnalytics({ backends: [await otlp({ meterProvider: provider })] });
  client.recordSkillExecution({ skillId: 'a', success: true, latencyMs: 12.5 });
  client.recordSkillExecution({ skillId: 'a', success: false, latencyMs: 70 });
  client.updateHealthScore({ skillId: 'a', score: 80 });
  expect(await client.flush()).toMatchObject({ ok: true });
  expect(points('toolweaver_skill_executions_total')).toMatchObject([{ attributes: { skill_id: 'a' }, value: 2 }]);
  expect(points('toolweaver_skill_failures_total')).toMatchObject([{ value: 1 }]);
  expect(points('toolweaver_skill_health_score')).toMatchObject([{ value: 80 }]);
  expect(points('toolweaver_skill_latency_milliseconds')).toMatchObject([
    {
      attributes: { skill_id: 'a' },
      value: { count: 2, sum: 82.5, buckets: { boundaries: expect.arrayContaining([10, 60_000]) } },
    },
  ]);
  client.recordSkillExecution({ skillId: 'a', success: true });
  await client.flush();
  expect(points('toolweaver_skill_executions_total')).toMatchObject([{ value: 3 }]);
  await client.close();
  await provider.shutdown();
});

test('weights are observed as often as they say, on the average', async () => {
  const { provider, points } = hostProvider();
  const backend = await otlp({ meterProvider: provider });
  for (let count = 0; count < 4; count += 1) {
    backend.write([execution({ weight: 2.5, latencyMs: 10 })]);
  }
  await flush(backend);
  expect(points('toolweaver_skill_latency_milliseconds')).toMatchObject([{ value: { count: 10, sum: 100 } }]);
  expect(points('toolweaver_skill_executions_total')).toMatchObject([{ value: 10 }]);
  await backend.close?.();
  await provider.shutdown();
});

test('an event of any weight is observed at most a thousand times, and the next one as ever', async () => {
  const { provider, points } = hostProvider();
  const backend = await otlp({ meterProvider: provider });
  for (const weight of [1e15 + 0.5, 1.5, 2 ** 60]) {
    backend.write([execution({ weight, latencyMs: 10 })]);
  }
  await flush(backend);
  expect(points('toolweaver_skill_latency_milliseconds')).toMatchObject([{ value: { count: 2002, sum: 20_020 } }]);
  expect(points('toolweaver_skill_executions_total')).toMatchObject([{ value: 1e15 + 2 + 2 ** 60 }]);
  await backend.close?.();
  await provider.shutdown();
});

test.each([
  { maxLabelSets: undefined, shown: 1990, cardinalityLimit: undefined },
  { maxLabelSets: 20, shown: 20, cardinalityLimit: 26 },
  { maxLabelSets: 2400, shown: 2400, cardinalityLimit: 2406 },
])('sums stay the same when nothing is recorded, with more label sets than $shown', async (limits) => {
  const { maxLabelSets, shown, cardinalityLimit } = limits;
  const { provider, points } = hostProvider(cardinalityLimit);
  const backend = await otlp({ meterProvider: provider, maxLabelSets });
  expect(backend.settings).toMatchObject({ maxLabelSets: shown });
  const names = Array.from({ length: 2500 }, (_, at) => `skill ${at}`);
  const usage = { inputTokens: 1, cacheReadTokens: 1, cacheWriteTokens: 1, outputTokens: 1, reasoningTokens: 1 };
  backend.write(names.map((name) => execution({ name, latencyMs: 1 })));
  backend.write(names.map((model) => execution({ kind: 'llm', name: model, model, usage })));
  for (let collection = 1; collection <= 3; collection += 1) {
    await flush(backend);
    const sumOf = (name: string): number => points(name).reduce((sum, { value }) => sum + (value as number), 0);
    expect(sumOf('toolweaver_skill_executions_total')).toBe(2500);
    expect(sumOf('toolweaver_token_usage_total')).toBe(5 * 2500);
    expect(points('toolweaver_skill_latency_milliseconds')).toHaveLength(shown + 1);
  }
  await backend.close?.();
  await provider.shutdown();
});

describe('several backends on one provider', () => {
  async function problemsOf(options: OtlpOptions): Promise<AnalyticsError['problems']> {
    const error: AnalyticsError = await otlp(options).then(
      () => expect.fail('must be refused'),
      (thrown) => thrown,
    );
    expect(error.code).toBe('INVALID_CONFIG');
    return error.problems;
  }

  test('are refused while another has metrics of the same names', async () => {
    const { provider, points } = hostProvider();
    const first = await otlp({ meterProvider: provider });
    expect(await problemsOf({ meterProvider: provider })).toEqual([
      { field: 'meterProvider', message: expect.stringContaining('toolweaver_skill_executions_total') },
    ]);
    first.write([execution()]);
    await first.close?.();
    expect(points('toolweaver_skill_executions_total')).toMatchObject([{ value: 1 }]);

    const second = await otlp({ meterProvider: provider });
    // Closing twice takes nothing from whoever came next.
    await first.close?.();
    await problemsOf({ meterProvider: provider });
    await second.close?.();
    await provider.shutdown();
  });

  test('are refused when both have the names of GenAI, which have no namespace', async () => {
    const { provider } = hostProvider();
    const first = await otlp({ meterProvider: provider, semconv: 'both' });
    const [problem] = await problemsOf({ meterProvider: provider, semconv: 'genai', namespace: 'acme' });
    expect(problem?.message).toContain('gen_ai.client.operation.duration');
    expect(problem?.message).not.toContain('acme');
    await first.close?.();
    await provider.shutdown();
  });

  test('of one client or of two count for themselves, each in a namespace of its own', async () => {
    const { provider, points } = hostProvider();
    const backendOf = (namespace: string) => otlp({ meterProvider: provider, namespace, name: namespace });
    const clients = [
      createAnalytics({ backends: [await backendOf('one'), await backendOf('two')] }),
      createAnalytics({ backends: [await backendOf('three')] }),
    ];
    for (const client of clients) {
      client.recordSkillExecution({ skillId: 'a', success: true, latencyMs: 10 });
      await client.flush();
    }
    for (const namespace of ['one', 'two', 'three']) {
      expect(points(`${namespace}_skill_executions_total`)).toMatchObject([{ value: 1 }]);
      expect(points(`${namespace}_skill_latency_milliseconds`)).toMatchObject([{ value: { count: 1, sum: 10 } }]);
    }
    await Promise.all(clients.map((client) => client.close()));
    await provider.shutdown();
  });

  test('have the same names on providers of their own', async () => {
    const [one, other] = [hostProvider(), hostProvider()];
    const backends = [await otlp({ meterProvider: one.provider }), await otlp({ meterProvider: other.provider })];
    for (const backend of backends) {
      backend.write([execution()]);
      await backend.close?.();
    }
    expect(one.points('toolweaver_skill_executions_total')).toMatchObject([{ value: 1 }]);
    expect(other.points('toolweaver_skill_executions_total')).toMatchObject([{ value: 1 }]);
    await Promise.all([one.provider.shutdown(), other.provider.shutdown()]);
  });
});

test('label sets have the limit that the options give', async () => {
  const { provider, points } = hostProvider();
  const backend = await otlp({ meterProvider: provider, maxLabelSets: 2 });
  backend.write(['a', 'b', 'c', 'd'].map((name) => execution({ name, latencyMs: 1 })));
  await flush(backend);
  for (const name of ['toolweaver_skill_executions_total', 'toolweaver_skill_latency_milliseconds']) {
    expect(points(name).map(({ attributes }) => attributes)).toEqual([
      { skill_id: 'a' },
      { skill_id: 'b' },
      { 'otel.metric.overflow': true },
    ]);
  }
  await backend.close?.();
  await provider.shutdown();
});

test('closing leaves the provider to the host', async () => {
  const { provider, points } = hostProvider();
  const backend = await otlp({ meterProvider: provider });
  backend.write([health()]);
  await backend.close?.();
  expect(points('toolweaver_skill_health_score')).toMatchObject([{ value: 90 }]);
  provider.getMeter('host').createCounter('host_total').add(1);
  await provider.forceFlush();
  expect(points('host_total')).toMatchObject([{ value: 1 }]);
  await provider.shutdown();
});

test('the global provider is never touched', async () => {
  const before = global.getMeterProvider();
  const backend = await otlp({ endpoint: 'http://localhost:4318' });
  expect(global.getMeterProvider()).toBe(before);
  await backend.close?.();
});
