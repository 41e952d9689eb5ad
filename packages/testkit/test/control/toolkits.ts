import type {
  AnalyticsEvent,
  ExecutionEvent,
  InvocationStats,
  ToolkitEvent,
  ToolkitFilter,
  ToolkitReader,
} from '@toolweaver/analytics-core';
import { countsOf, groupsOf, latencyOf } from './figures.ts';

/** Answers about toolkits, from the rows by hand. */
export function toolkitsOver(rows: () => readonly AnalyticsEvent[]): ToolkitReader {
  function about({ from = 0, to = Number.POSITIVE_INFINITY, runId }: ToolkitFilter): AnalyticsEvent[] {
    return rows()
      .filter((row) => row.at >= from && row.at < to && (runId === undefined || row.runId === runId))
      .sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
  }
  const tools = (filter: ToolkitFilter): ExecutionEvent[] =>
    about(filter)
      .filter((row) => row.type === 'execution')
      .filter(({ kind }) => kind === 'tool');
  const happened = (filter: ToolkitFilter): ToolkitEvent[] => about(filter).filter((row) => row.type === 'toolkit');
  const list = <T>({ runId }: ToolkitFilter, traces: readonly T[]) => ({
    execution_id: runId ?? null,
    count: traces.length,
    traces,
  });

  return {
    async getToolkitMetrics(filter = {}) {
      const calls = tools(filter);
      const count = (operation: string): number =>
        happened(filter)
          .filter((row) => row.operation === operation)
          .reduce((sum, { weight = 1 }) => sum + weight, 0);
      const hits = count('cache_hit');
      const all = statsOf(calls);
      return {
        execution_id: filter.runId ?? null,
        toolkit_lifecycle: {
          total_created: count('create'),
          cache_hit_rate: hits === 0 ? 0 : hits / (hits + count('cache_miss')),
        },
        tool_invocations: {
          total_calls: all.calls,
          successful_calls: all.successful,
          failed_calls: all.failed,
          success_rate: all.calls === 0 ? 0 : all.successful / all.calls,
          avg_duration_ms: all.avg_duration_ms,
          total_duration_ms: all.total_duration_ms,
        },
        by_toolkit: Object.fromEntries(
          groupsOf(calls, ({ toolkit = '' }) => ({ toolkit })).map(([{ toolkit }, own]) => [toolkit, statsOf(own)]),
        ),
        by_tool: Object.fromEntries(
          groupsOf(calls, ({ toolkit = null, name }) => ({ toolkit, tool: name })).map(([subject, own]) => {
            const { toolkit, tool } = subject;
            return [toolkit === null ? tool : `${toolkit}.${tool}`, { ...subject, ...statsOf(own) }];
          }),
        ),
      };
    },

    async listToolkitTraces({ limit = 1000, operation, toolkit, ...filter } = {}) {
      const found = happened(filter).filter(
        (row) =>
          (operation === undefined || row.operation === operation) &&
          (toolkit === undefined || row.toolkit === toolkit),
      );
      return list(
        filter,
        found.slice(0, limit).map((row) => ({
          ...traceOf(row),
          timestamp: new Date(row.at).toISOString(),
          operation: row.operation,
          toolkit_class: row.toolkit,
          duration_ms: row.durationMs,
        })),
      );
    },

    async listToolInvocations({ limit = 1000, toolkit, toolName, success, ...filter } = {}) {
      const found = tools(filter).filter(
        (row) =>
          (toolkit === undefined || row.toolkit === toolkit) &&
          (toolName === undefined || row.name === toolName) &&
          (success === undefined || row.success === success),
      );
      return list(
        filter,
        found.slice(0, limit).map((row) => ({
          ...traceOf(row),
          toolkit_class: row.toolkit ?? null,
          tool_name: row.name,
          invoked_at: new Date(row.at - (row.latencyMs ?? 0)).toISOString(),
          duration_ms: row.latencyMs ?? null,
          input_size_bytes: row.inputBytes ?? null,
          output_size_bytes: row.outputBytes ?? null,
        })),
      );
    },
  };
}

function traceOf({ id, runId, success, error, attributes }: ExecutionEvent | ToolkitEvent) {
  return {
    trace_id: id,
    execution_id: runId ?? null,
    success,
    error: error?.message ?? error?.type ?? null,
    metadata: error === undefined ? { ...attributes } : { ...attributes, error_type: error.type },
  };
}

function statsOf(events: readonly ExecutionEvent[]): InvocationStats {
  const { executions, successes, failures } = countsOf(events);
  return {
    calls: executions,
    successful: successes,
    failed: failures,
    avg_duration_ms: latencyOf(events).average ?? 0,
    total_duration_ms: events.reduce((sum, { latencyMs = 0, weight = 1 }) => sum + latencyMs * weight, 0),
  };
}
