import { metrics as global } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { type Analytics, type AnalyticsError, type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { type OtlpBackend, type OtlpOptions, otlp } from '@toolweaver/analytics-otlp';
import { execution, health } from '@toolweaver/analytics-testkit';
import { describe, expect, test, vi } from 'vitest';
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

  /** What is exported of the skill's executions, and of the client's own counts. */
  function totalsOf({ points }: ReturnType<typeof hostProvider>) {
    const events = points('toolweaver_analytics_events_total');
    return {
      executions: points('toolweaver_skill_executions_total').map(({ value }) => value),
      observed: points('toolweaver_skill_latency_milliseconds').map(({ value }) => (value as Histogram).count),
      delivered: events.filter(({ attributes }) => attributes['outcome'] === 'delivered').map(({ value }) => value),
      dropped: events.filter(({ attributes }) => attributes['reason'] === 'invalid').map(({ value }) => value),
      active: points('toolweaver_active_operations').map(({ value }) => value),
    };
  }
  async function clientOf(meterProvider: MeterProvider): Promise<Analytics> {
    return createAnalytics({ backends: [await otlp({ meterProvider })], onError: () => {} });
  }
  function record(client: Analytics, times: number): void {
    for (let count = 0; count < times; count += 1) {
      client.recordSkillExecution({ skillId: 'a', success: true, latencyMs: 10 });
    }
    client.recordSkillExecution({ skillId: '', success: true });
  }

  test('one after the other go on with the totals', async () => {
    const host = hostProvider();
    for (const [times, sum, refused] of [
      [5, 5, 1],
      [2, 7, 2],
      [1, 8, 3],
    ] as const) {
      const client = await clientOf(host.provider);
      await client.flush();
      expect(totalsOf(host).executions).toEqual(times === 5 ? [] : [sum - times]);
      void client.trackOperation({ kind: 'skill', name: 'endless' }, () => new Promise(() => {}));
      record(client, times);
      await client.flush();
      expect(totalsOf(host)).toEqual({
        executions: [sum],
        observed: [sum],
        delivered: [sum],
        dropped: [refused],
        active: [1],
      });
      await client.close();
    }
    await host.provider.shutdown();
  });

  test('at the same time add up', async () => {
    const host = hostProvider();
    const [first, second] = [await clientOf(host.provider), await clientOf(host.provider)];
    void first.trackOperation({ kind: 'skill', name: 'endless' }, () => new Promise(() => {}));
    record(first, 3);
    record(second, 2);
    await first.flush();
    expect(totalsOf(host)).toEqual({ executions: [5], observed: [5], delivered: [5], dropped: [2], active: [1] });
    await first.close();
    record(second, 1);
    await second.flush();
    expect(totalsOf(host)).toEqual({ executions: [6], observed: [6], delivered: [6], dropped: [3], active: [0] });
    await second.close();
    await host.provider.shutdown();
  });

  test('of one client count once', async () => {
    const host = hostProvider();
    const backendOf = (name: string) => otlp({ meterProvider: host.provider, name });
    const client = createAnalytics({ backends: [await backendOf('one'), await backendOf('two')], onError: () => {} });
    record(client, 2);
    await client.flush();
    expect(totalsOf(host)).toEqual({ executions: [2], observed: [2], delivered: [2, 2], dropped: [1, 1], active: [0] });
    await client.close();
    await host.provider.shutdown();
  });

  test('show what the other backends of a client that closes delivered last', async () => {
    const host = hostProvider();
    const meterProvider = host.provider;
    const backend = await otlp({ meterProvider });
    const gate = Promise.withResolvers<void>();
    const counting: Backend = { ...backend, close: async () => gate.resolve(await backend.close?.()) };
    const slow: Backend = {
      name: 'slow',
      delivery: { maxEvents: 10, maxDelayMs: 60_000 },
      settings: {},
      write: () => gate.promise,
    };
    const client = createAnalytics({ backends: [counting, slow], onError: () => {} });
    record(client, 1);
    await client.close();
    const next = await clientOf(meterProvider);
    await next.flush();
    const ofSlow = host
      .points('toolweaver_analytics_events_total')
      .filter(({ attributes }) => attributes['backend'] === 'slow');
    expect(ofSlow).toContainEqual(
      expect.objectContaining({ attributes: { backend: 'slow', outcome: 'delivered' }, value: 1 }),
    );
    await next.close();
    await meterProvider.shutdown();
  });

  test('are refused when their options differ, for as long as the provider lives', async () => {
    const { provider, points } = hostProvider();
    const first = await otlp({ meterProvider: provider });
    const others: OtlpOptions[] = [
      { labels: ['org_id'] },
      { latencyBucketsMs: [1, 2] },
      { maxLabelSets: 5 },
      { semconv: 'both' },
    ];
    const refused = async (): Promise<void> => {
      for (const options of others) {
        expect(await problemsOf({ meterProvider: provider, ...options })).toEqual([
          { field: 'meterProvider', message: expect.stringContaining('toolweaver_skill_executions_total') },
        ]);
      }
    };
    await refused();
    first.write([execution()]);
    await first.close?.();
    await refused();

    const second = await otlp({ meterProvider: provider });
    // Closing twice takes nothing from whoever came next.
    await first.close?.();
    second.write([execution()]);
    await second.close?.();
    expect(points('toolweaver_skill_executions_total')).toMatchObject([{ value: 2 }]);
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

/** Attaches a client whose figures are watched. */
function attachFake(backend: OtlpBackend) {
  const stats = vi.fn(() => ({ backends: {} }));
  backend.attach?.({ stats, activeOperations: () => 0, report() {}, shared: new Map() });
  return { stats };
}

test('a client that is closed is forgotten when the next one comes', async () => {
  const { provider } = hostProvider();
  const first = await otlp({ meterProvider: provider });
  const { stats } = attachFake(first);
  await first.close?.();
  const second = await otlp({ meterProvider: provider });
  attachFake(second);
  stats.mockClear();
  await flush(second);
  expect(stats).not.toHaveBeenCalled();
  await second.close?.();
  await provider.shutdown();
});

test('closing leaves the provider to the host', async () => {
  const { provider, points } = hostProvider();
  const backend = await otlp({ meterProvider: provider });
  const { stats } = attachFake(backend);
  backend.write([health()]);
  await backend.close?.();
  expect(stats).toHaveBeenCalled();
  stats.mockClear();
  await provider.forceFlush();
  expect(stats).not.toHaveBeenCalled();
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
