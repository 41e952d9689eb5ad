import type { ExecutionEvent, ToolInvocationTrace, ToolkitOperation, ToolkitReader } from '@toolweaver/analytics-core';
import type { Ask } from '../answers/answers.ts';
import { toMetadata } from '../answers/metadata.ts';
import { checkOptions } from '../check.ts';
import { checkLimit, checkRange } from './options.ts';
import { toRecord } from './record.ts';

const operations: readonly ToolkitOperation[] = ['create', 'cache_hit', 'cache_miss', 'cleanup'];
const defaultLimit = 1000;

export function toolkitReader(ask: Ask): ToolkitReader {
  return {
    async getToolkitMetrics(options) {
      const filter = checkOptions((check) => ({
        runId: check.id('runId', options?.runId),
        ...checkRange(check, options ?? {}, ''),
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
      const question = checkOptions((check) => ({
        filter: {
          runId: check.id('runId', options?.runId),
          operation: check.choice('operation', options?.operation, operations),
          toolkit: check.id('toolkit', options?.toolkit),
          ...checkRange(check, options ?? {}, ''),
        },
        limit: checkLimit(check, options?.limit) ?? defaultLimit,
      }));
      return toList(question.filter.runId, await ask('toolkitTraces', question));
    },

    async listToolInvocations(options) {
      const question = checkOptions((check) => ({
        filter: {
          kind: 'tool' as const,
          runId: check.id('runId', options?.runId),
          toolkit: check.id('toolkit', options?.toolkit),
          name: check.id('toolName', options?.toolName),
          success: check.flag('success', options?.success),
          ...checkRange(check, options ?? {}, ''),
        },
        limit: checkLimit(check, options?.limit) ?? defaultLimit,
      }));
      const found = await ask('executions', { ...question, orderBy: 'time', after: undefined });
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
    invoked_at: new Date(event.at).toISOString(),
    duration_ms: event.latencyMs ?? null,
    input_size_bytes: event.inputBytes ?? null,
    output_size_bytes: event.outputBytes ?? null,
    success: event.success,
    error: event.error?.message ?? event.error?.type ?? null,
    metadata: toMetadata(event.attributes, event.error?.type),
  };
}
