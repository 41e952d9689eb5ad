import type { ExecutionKind, ToolkitOperation } from '@toolweaver/analytics-core';
import type { ExecutionTally, Observation } from '@toolweaver/analytics-testkit';
import type { Received } from './receiver.ts';
import type { Decoded, DecodedMetric, Point } from './wire.ts';

const prefix = 'toolweaver_';

/** What the accepted requests come to: of each instance the latest one, as its totals hold all that was before. */
export function observe(requests: readonly Received[]): Observation {
  const latest = new Map<unknown, Decoded>();
  for (const request of requests) {
    if (request.accepted && request.path.endsWith('/v1/metrics') && request.bytes.length > 0) {
      const decoded = request.decoded();
      if (decoded.metrics.length > 0) {
        latest.set(decoded.resource['service.instance.id'], decoded);
      }
    }
  }
  const metrics = [...latest.values()].flatMap((decoded) => decoded.metrics);
  return {
    executions: executions(metrics),
    ratings: points(metrics, 'skill_rating').map(({ attributes, count = 0, sum = 0 }) => ({
      skillId: text(attributes['skill_id']),
      count,
      sum,
    })),
    health: points(metrics, 'skill_health_score').map(({ attributes, asDouble = 0 }) => ({
      skillId: text(attributes['skill_id']),
      score: asDouble,
    })),
    toolkits: points(metrics, 'toolkit_events_total').map(({ attributes, asDouble = 0 }) => ({
      toolkit: text(attributes['toolkit']),
      operation: attributes['operation'] as ToolkitOperation,
      count: asDouble,
      failures: attributes['status'] === 'failure' ? asDouble : 0,
    })),
  };
}

function executions(metrics: readonly DecodedMetric[]): ExecutionTally[] {
  const tallies: ExecutionTally[] = [];
  /** Costs are unknown until something says otherwise. */
  const none = { count: 0, successes: 0, failures: 0, nanoUsd: null };
  const add = (kind: ExecutionKind, name: unknown, figures: Partial<ExecutionTally>): void => {
    tallies.push({ ...none, ...figures, kind, name: text(name) });
  };
  const outcome = ({ attributes, asDouble = 0 }: Point): Partial<ExecutionTally> =>
    attributes['status'] === 'failure'
      ? { count: asDouble, failures: asDouble }
      : { count: asDouble, successes: asDouble };
  const latency = ({ count = 0, sum = 0 }: Point, unitMs: number) => ({ latency: { count, sumMs: sum * unitMs } });

  for (const { attributes, asDouble: value = 0 } of points(metrics, 'skill_executions_total')) {
    add('skill', attributes['skill_id'], { count: value });
  }
  for (const { attributes, asDouble: value = 0 } of points(metrics, 'skill_success_total')) {
    add('skill', attributes['skill_id'], { successes: value });
  }
  for (const { attributes, asDouble: value = 0 } of points(metrics, 'skill_failures_total')) {
    add('skill', attributes['skill_id'], { failures: value });
  }
  for (const point of points(metrics, 'skill_latency_milliseconds')) {
    add('skill', point.attributes['skill_id'], latency(point, 1));
  }
  for (const point of points(metrics, 'tool_executions_total')) {
    add('tool', point.attributes['tool_name'], outcome(point));
  }
  for (const point of points(metrics, 'tool_duration_seconds')) {
    add('tool', point.attributes['tool_name'], latency(point, 1000));
  }
  for (const point of points(metrics, 'llm_calls_total')) {
    add('llm', point.attributes['model'], outcome(point));
  }
  for (const point of points(metrics, 'llm_duration_seconds')) {
    add('llm', point.attributes['model'], latency(point, 1000));
  }
  for (const point of points(metrics, 'request_total')) {
    add(point.attributes['kind'] as ExecutionKind, point.attributes['operation'], outcome(point));
  }
  for (const point of points(metrics, 'request_duration_seconds')) {
    add(point.attributes['kind'] as ExecutionKind, point.attributes['operation'], latency(point, 1000));
  }
  for (const { attributes, asDouble = 0 } of points(metrics, 'cost_dollars_total')) {
    add(attributes['kind'] as ExecutionKind, attributes['name'], { nanoUsd: Math.round(asDouble * 1e9) });
  }
  const noTokens = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  for (const { attributes, asDouble = 0 } of points(metrics, 'token_usage_total')) {
    const type = text(attributes['type']).replace(/_(.)/, (_, letter: string) => letter.toUpperCase());
    add('llm', attributes['model'], { tokens: { ...noTokens, [`${type}Tokens`]: asDouble } });
  }
  return tallies;
}

function points(metrics: readonly DecodedMetric[], name: string): readonly Point[] {
  return metrics.filter((metric) => metric.name === prefix + name).flatMap((metric) => metric.points);
}

/** An empty label is no attribute. */
function text(value: unknown): string {
  return String(value ?? '');
}
