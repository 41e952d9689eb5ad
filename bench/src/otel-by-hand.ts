import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { SkillExecutionInput } from '@toolweaver/analytics-core';

const compress = promisify(gzip);
const latencyBoundsMs = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

class PlainReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export interface OtelByHand {
  /** Counts an execution under the labels that the backend gives it. */
  record(execution: SkillExecutionInput): void;
  /** What a push does before it sends: collects, serializes, and compresses in another thread. */
  prepare(): Promise<Uint8Array>;
  /** Of the counter of executions, as the next push would have them. */
  points(): Promise<number>;
  close(): Promise<void>;
}

/** OpenTelemetry's SDK as a careful program uses it: instruments made once, three counters and a histogram updated each time. */
export function otelByHand({ orgs, limit }: { readonly orgs: boolean; readonly limit: number }): OtelByHand {
  const reader = new PlainReader({ cardinalitySelector: () => limit });
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('by-hand');
  const executions = meter.createCounter('toolweaver_skill_executions_total', { unit: '{execution}' });
  const successes = meter.createCounter('toolweaver_skill_success_total', { unit: '{execution}' });
  const failures = meter.createCounter('toolweaver_skill_failures_total', { unit: '{execution}' });
  const latency = meter.createHistogram('toolweaver_skill_latency_milliseconds', {
    unit: 'ms',
    advice: { explicitBucketBoundaries: latencyBoundsMs },
  });
  return {
    record({ skillId, orgId = '', success, latencyMs }) {
      const labels = orgs ? { skill_id: skillId, org_id: orgId } : { skill_id: skillId };
      executions.add(1, labels);
      // By 0, too: a series that is not there until the first failure hides that one from every rate.
      successes.add(success ? 1 : 0, labels);
      failures.add(success ? 0 : 1, labels);
      latency.record(latencyMs as number, labels);
    },
    async prepare() {
      const { resourceMetrics } = await reader.collect();
      return compress(ProtobufMetricsSerializer.serializeRequest(resourceMetrics) as Uint8Array);
    },
    async points() {
      const { resourceMetrics } = await reader.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return (
        metrics.find(({ descriptor }) => descriptor.name === 'toolweaver_skill_executions_total')?.dataPoints.length ??
        0
      );
    },
    close: () => provider.shutdown(),
  };
}
