import type { InvocationStats, ToolkitMetrics } from '@toolweaver/analytics-core';
import { forgetting, type Mutant, type Mutants, misspoken, storing, storingExecutions } from './altered.ts';

function sums(change: (metrics: ToolkitMetrics) => Partial<ToolkitMetrics>): Mutant {
  return misspoken('getToolkitMetrics', (metrics) => ({ ...metrics, ...change(metrics) }));
}

function invocations(change: (all: ToolkitMetrics['tool_invocations']) => object): Mutant {
  return sums(({ tool_invocations }) => ({ tool_invocations: { ...tool_invocations, ...change(tool_invocations) } }));
}

export const toolkitMutants: Mutants = {
  'the life of toolkits and the calls of their tools are summed up': {
    'counts sampled ones once': storing((event) => ({ ...event, weight: 1 })),
    'leaves out what failed to be created': storing((event) =>
      event.type === 'toolkit' && !event.success ? [] : event,
    ),
    'counts hits per event': sums(({ toolkit_lifecycle }) => ({
      toolkit_lifecycle: { ...toolkit_lifecycle, cache_hit_rate: toolkit_lifecycle.cache_hit_rate / 2 },
    })),
    'averages the unknown as zero': invocations(({ total_calls, total_duration_ms }) => ({
      avg_duration_ms: total_calls === 0 ? 0 : total_duration_ms / total_calls,
    })),
    'has null for nothing': invocations(({ success_rate }) => ({ success_rate: success_rate || null })),
    'has percentages': invocations(({ success_rate }) => ({ success_rate: success_rate * 100 })),
    'takes every execution for a call of a tool': storingExecutions(() => ({ kind: 'tool' })),
    'leaves out tools without a toolkit': sums(({ by_toolkit: { '': _, ...by_toolkit } }) => ({
      by_toolkit: by_toolkit as Readonly<Record<string, InvocationStats>>,
    })),
    'has tools by their names alone': sums(({ by_tool }) => ({
      by_tool: Object.fromEntries(Object.values(by_tool).map((tool) => [tool.tool, tool])),
    })),
    'has an empty toolkit for none': sums(({ by_tool }) => ({
      by_tool: Object.fromEntries(
        Object.entries(by_tool).map(([key, tool]) => [key, { ...tool, toolkit: tool.toolkit ?? '' }]),
      ),
    })),
    'has a rate of one for nothing': invocations(({ total_calls, success_rate }) => ({
      success_rate: total_calls === 0 ? 1 : success_rate,
    })),
    'forgets the run of toolkits': misspoken('getToolkitMetrics', (metrics, { runId } = {}) =>
      runId === 'a' ? { ...metrics, toolkit_lifecycle: { ...metrics.toolkit_lifecycle, total_created: 3 } } : metrics,
    ),
    'forgets the run': forgetting('getToolkitMetrics', 'runId'),
    'forgets the start': forgetting('getToolkitMetrics', 'from'),
    'forgets the end': forgetting('getToolkitMetrics', 'to'),
  },
  'what happened to toolkits and calls of tools are listed one by one, newest first': {
    'has the oldest toolkit first': misspoken('listToolkitTraces', (list) => ({
      ...list,
      traces: list.traces.toReversed(),
    })),
    'has the oldest call first': misspoken('listToolInvocations', (list) => ({
      ...list,
      traces: list.traces.toReversed(),
    })),
    'has the lowest id of a moment first': misspoken('listToolkitTraces', (list) => ({
      ...list,
      traces: list.traces.toSorted((one, other) =>
        one.timestamp === other.timestamp ? (one.trace_id < other.trace_id ? -1 : 1) : 0,
      ),
    })),
    'forgets the type of an error': misspoken('listToolkitTraces', (list) => ({
      ...list,
      traces: list.traces.map((trace) => ({ ...trace, metadata: { disk: 1 } })),
    })),
    'forgets the attributes': storing((event) => ({ ...event, attributes: undefined })),
    'tells the type of an error for its message': storing((event) =>
      'error' in event && event.error !== undefined ? { ...event, error: { type: event.error.type } } : event,
    ),
    'takes an unknown duration for none': misspoken('listToolInvocations', (list) => ({
      ...list,
      traces: list.traces.map((trace) => ({ ...trace, duration_ms: trace.duration_ms ?? 0 })),
    })),
    'takes an unknown size for none': misspoken('listToolInvocations', (list) => ({
      ...list,
      traces: list.traces.map((trace) => ({ ...trace, input_size_bytes: trace.input_size_bytes ?? 0 })),
    })),
    'tells the time when a call ended': misspoken('listToolInvocations', (list) => ({
      ...list,
      traces: list.traces.map((trace) => ({
        ...trace,
        invoked_at: new Date(Date.parse(trace.invoked_at) + (trace.duration_ms ?? 0)).toISOString(),
      })),
    })),
    'takes every execution for a call of a tool': storingExecutions(() => ({ kind: 'tool' })),
    ...Object.fromEntries(
      (
        [
          ['listToolkitTraces', 'runId', 'operation', 'toolkit', 'from', 'to', 'limit'],
          ['listToolInvocations', 'runId', 'toolkit', 'toolName', 'success', 'from', 'to', 'limit'],
        ] as const
      ).flatMap(([question, ...fields]) =>
        fields.map((field) => [`forgets \`${field}\` in ${question}`, forgetting(question, field)]),
      ),
    ),
  },
};
