import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { SkillExecutionInput } from '@toolweaver/analytics-core';
import type { ToolCall } from './data.ts';

const compress = promisify(gzip);
const latencyBoundsMs = [10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

class PlainReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export interface OtelByHand {
  /** Counts an execution with the same labels as the backend. */
  record(execution: SkillExecutionInput): void;
  /** Counts a tool call in three counters and a histogram, and a failure in one more counter. */
  recordTool(call: ToolCall): void;
  /** Prepares a push: collects, serializes, and compresses in another thread. */
  prepare(): Promise<Uint8Array>;
  /** The number of data points of a counter in the next push. */
  points(counter: string): Promise<number>;
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
  const calls = meter.createCounter('toolweaver_tool_executions_total', { unit: '{execution}' });
  const errors = meter.createCounter('toolweaver_tool_errors_total', { unit: '{error}' });
  const toolCost = meter.createCounter('toolweaver_tool_cost_usd_total', { unit: '{USD}' });
  const cost = meter.createCounter('toolweaver_cost_dollars_total', { unit: '{USD}' });
  const duration = meter.createHistogram('toolweaver_tool_duration_seconds', {
    unit: 's',
    advice: { explicitBucketBoundaries: latencyBoundsMs.map((ms) => ms / 1000) },
  });
  return {
    // Labels are spelled out, because spreading one object into several costs more.
    recordTool({ toolName, toolkit, orgId = '', success, latencyMs, error, cost: { usd } }) {
      const status = success ? 'success' : 'failure';
      const tool_name = toolName;
      if (orgs) {
        calls.add(1, { tool_name, toolkit, status, org_id: orgId });
        duration.record(latencyMs / 1000, { tool_name, toolkit, org_id: orgId });
        toolCost.add(usd, { tool_name, toolkit, org_id: orgId });
        cost.add(usd, { kind: 'tool', name: tool_name, org_id: orgId });
        if (!success) {
          errors.add(1, { tool_name, toolkit, error_type: error?.type ?? 'unknown', org_id: orgId });
        }
        return;
      }
      calls.add(1, { tool_name, toolkit, status });
      duration.record(latencyMs / 1000, { tool_name, toolkit });
      toolCost.add(usd, { tool_name, toolkit });
      cost.add(usd, { kind: 'tool', name: tool_name });
      if (!success) {
        errors.add(1, { tool_name, toolkit, error_type: error?.type ?? 'unknown' });
      }
    },
    record({ skillId, orgId = '', success, latencyMs }) {
      const labels = orgs ? { skill_id: skillId, org_id: orgId } : { skill_id: skillId };
      executions.add(1, labels);
      // Add 0, too: a series that appears only with the first failure would hide that failure from every rate.
      successes.add(success ? 1 : 0, labels);
      failures.add(success ? 0 : 1, labels);
      latency.record(latencyMs as number, labels);
    },
    async prepare() {
      const { resourceMetrics } = await reader.collect();
      return compress(ProtobufMetricsSerializer.serializeRequest(resourceMetrics) as Uint8Array);
    },
    async points(counter) {
      const { resourceMetrics } = await reader.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return metrics.find(({ descriptor }) => descriptor.name === counter)?.dataPoints.length ?? 0;
    },
    close: () => provider.shutdown(),
  };
}
