import { metrics as global } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { createAnalytics } from '@toolweaver/analytics-core';
import { otlp } from '@toolweaver/analytics-otlp';
import { execution, health } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
import { flush } from './support/pushed.ts';

function hostProvider() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
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

test('label sets have the same limit', async () => {
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
