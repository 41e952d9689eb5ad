import type {
  AnalyticsEvent,
  ExecutionEvent,
  InvocationStats,
  ToolInvocationFilter,
  ToolInvocationTrace,
  ToolkitEvent,
  ToolkitFilter,
  ToolkitMetrics,
  ToolkitTrace,
  ToolkitTraceFilter,
} from '@toolweaver/analytics-core';
import { add, compareTexts, executionsOf, inOrder, listExecutions, weigh, weightOf } from './oracle.ts';

// The answers about toolkits, counted by hand from the events.

function stats(calls: readonly ExecutionEvent[]): InvocationStats {
  const timed = calls.filter(({ latencyMs }) => latencyMs !== undefined);
  const total = add(timed.map((event) => (event.latencyMs ?? 0) * weightOf(event)));
  return {
    calls: weigh(calls),
    successful: weigh(calls.filter(({ success }) => success)),
    failed: weigh(calls.filter(({ success }) => !success)),
    avg_duration_ms: timed.length === 0 ? 0 : total / weigh(timed),
    total_duration_ms: total,
  };
}

/** Of tools and toolkits whose names have no dots. */
export function toolkitMetrics(events: readonly AnalyticsEvent[], filter: ToolkitFilter = {}): ToolkitMetrics {
  const calls = listExecutions(events, { ...filter, kind: 'tool' });
  const lifecycle = toolkitEvents(events, filter);
  const count = (operation: string): number => weigh(lifecycle.filter((event) => event.operation === operation));
  const [hits, misses] = [count('cache_hit'), count('cache_miss')];
  const all = stats(calls);
  const toolkits = Map.groupBy(calls, ({ toolkit }) => toolkit ?? '');
  const tools = Map.groupBy(calls, ({ toolkit, name }) => (toolkit === undefined ? name : `${toolkit}.${name}`));
  return {
    execution_id: filter.runId ?? null,
    toolkit_lifecycle: {
      total_created: count('create'),
      cache_hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
    },
    tool_invocations: {
      total_calls: all.calls,
      successful_calls: all.successful,
      failed_calls: all.failed,
      success_rate: all.calls === 0 ? 0 : all.successful / all.calls,
      avg_duration_ms: all.avg_duration_ms,
      total_duration_ms: all.total_duration_ms,
    },
    by_toolkit: Object.fromEntries(Array.from(toolkits, ([toolkit, own]) => [toolkit, stats(own)])),
    by_tool: Object.fromEntries(
      Array.from(tools, ([key, own]) => [
        key,
        { toolkit: own[0]?.toolkit ?? null, tool: own[0]?.name ?? '', ...stats(own) },
      ]),
    ),
  };
}

function toolkitEvents(events: readonly AnalyticsEvent[], filter: ToolkitTraceFilter): ToolkitEvent[] {
  const { from = -Infinity, to = Infinity, runId, toolkit, operation } = filter;
  return events
    .filter((event) => event.type === 'toolkit')
    .filter(({ at }) => from <= at && at < to)
    .filter((event) => runId === undefined || event.runId === runId)
    .filter((event) => toolkit === undefined || event.toolkit === toolkit)
    .filter((event) => operation === undefined || event.operation === operation)
    .sort(
      inOrder(
        (one, other) => other.at - one.at,
        (one, other) => compareTexts(other.id, one.id),
      ),
    );
}

function common({ id, runId, at, success, error, attributes }: ToolkitEvent | ExecutionEvent) {
  return {
    trace_id: id,
    execution_id: runId ?? null,
    time: new Date(at).toISOString(),
    success,
    error: error?.message ?? error?.type ?? null,
    metadata: { ...attributes, ...(error !== undefined && { error_type: error.type }) },
  };
}

export function toolkitTraces(events: readonly AnalyticsEvent[], filter: ToolkitTraceFilter = {}): ToolkitTrace[] {
  return toolkitEvents(events, filter)
    .slice(0, filter.limit ?? 1000)
    .map((event) => {
      const { time: timestamp, ...more } = common(event);
      const { operation, toolkit: toolkit_class, durationMs: duration_ms } = event;
      return { ...more, timestamp, operation, toolkit_class, duration_ms };
    });
}

export function toolInvocations(
  events: readonly AnalyticsEvent[],
  { toolName, limit = 1000, ...filter }: ToolInvocationFilter = {},
): ToolInvocationTrace[] {
  return listExecutions(executionsOf(events), { ...filter, name: toolName, kind: 'tool' })
    .slice(0, limit)
    .map((event) => {
      const { time: _, ...more } = common(event);
      return {
        ...more,
        invoked_at: new Date(Math.max(0, Math.round(event.at - (event.latencyMs ?? 0)))).toISOString(),
        toolkit_class: event.toolkit ?? null,
        tool_name: event.name,
        duration_ms: event.latencyMs ?? null,
        input_size_bytes: event.inputBytes ?? null,
        output_size_bytes: event.outputBytes ?? null,
      };
    });
}
