import type {
  ExecutionEvent,
  ToolInvocationFilter,
  ToolInvocationTrace,
  ToolkitOperation,
  ToolkitReader,
  ToolkitTraceFilter,
} from '@toolweaver/analytics-core';
import { checkOptions, type OptionNames } from '@toolweaver/analytics-core/backend';
import type { Ask } from '../answers/answers.ts';
import { toMetadata } from '../answers/metadata.ts';
import { checkLimit, checkWindow, windowNames } from './options.ts';
import { toRecord } from './record.ts';

const traceNames: OptionNames<ToolkitTraceFilter> = {
  ...windowNames,
  runId: true,
  operation: true,
  toolkit: true,
  limit: true,
};
const invocationNames: OptionNames<ToolInvocationFilter> = {
  ...windowNames,
  runId: true,
  toolkit: true,
  toolName: true,
  success: true,
  limit: true,
};
const operations: readonly ToolkitOperation[] = ['create', 'cache_hit', 'cache_miss', 'cleanup'];
const defaultLimit = 1000;

export function toolkitReader(ask: Ask): ToolkitReader {
  return {
    async getToolkitMetrics(options) {
      const filter = checkOptions(options, { ...windowNames, runId: true }, (check, given) => ({
        runId: check.id('runId', given.runId),
        ...checkWindow(check, given),
      }));
      const { by_toolkit, by_tool, ...found } = await ask('toolkits', { filter });
      return {
        execution_id: filter.runId ?? null,
        ...found,
        by_toolkit: toRecord(by_toolkit),
        by_tool: toRecord(by_tool),
      };
    },

    async listToolkitTraces(options) {
      const question = checkOptions(options, traceNames, (check, given) => ({
        filter: {
          runId: check.id('runId', given.runId),
          operation: check.choice('operation', given.operation, operations),
          toolkit: check.id('toolkit', given.toolkit),
          ...checkWindow(check, given),
        },
        limit: checkLimit(check, given.limit) ?? defaultLimit,
      }));
      return toList(question.filter.runId, await ask('toolkitTraces', question));
    },

    async listToolInvocations(options) {
      const question = checkOptions(options, invocationNames, (check, given) => ({
        filter: {
          kind: 'tool' as const,
          runId: check.id('runId', given.runId),
          toolkit: check.id('toolkit', given.toolkit),
          name: check.id('toolName', given.toolName),
          success: check.flag('success', given.success),
          ...checkWindow(check, given),
        },
        limit: checkLimit(check, given.limit) ?? defaultLimit,
      }));
      const found = await ask('executions', { ...question, orderBy: 'at', after: undefined });
      return toList(question.filter.runId, found.map(toTrace));
    },
  };
}

function toList<T>(
  runId: string | undefined,
  traces: readonly T[],
): { execution_id: string | null; count: number; traces: readonly T[] } {
  return { execution_id: runId ?? null, count: traces.length, traces };
}

function toTrace(event: ExecutionEvent): ToolInvocationTrace {
  return {
    trace_id: event.id,
    execution_id: event.runId ?? null,
    toolkit_class: event.toolkit ?? null,
    tool_name: event.name,
    invoked_at: new Date(Math.max(0, Math.round(event.at - (event.latencyMs ?? 0)))).toISOString(),
    duration_ms: event.latencyMs ?? null,
    input_size_bytes: event.inputBytes ?? null,
    output_size_bytes: event.outputBytes ?? null,
    success: event.success,
    error: event.error?.message ?? event.error?.type ?? null,
    metadata: toMetadata(event.attributes, event.error?.type),
  };
}
