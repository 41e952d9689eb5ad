import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution, toolkit } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, minuteMs } from './answers.ts';

/** Events of toolkits, and calls of tools with and without a toolkit, some of them in the run `a`. */
function toolsFrom(at: number): AnalyticsEvent[] {
  const read = { kind: 'tool', name: 'read', toolkit: 'files' } as const;
  const error = { type: 'DiskError', message: 'no disk' };
  return [
    toolkit({ at, runId: 'a', weight: 2 }),
    toolkit({ at: at + 1, success: false, error, attributes: { disk: 1 } }),
    toolkit({ at: at + 2, operation: 'cache_hit', runId: 'a' }),
    toolkit({ at: at + 2, operation: 'cache_miss', toolkit: 'web' }),
    execution({ ...read, at, runId: 'a', latencyMs: 10, weight: 3, inputBytes: 7, outputBytes: 9 }),
    execution({ ...read, at: at + 1, latencyMs: undefined, success: false, error, attributes: { disk: 1 } }),
    execution({ kind: 'tool', name: 'grep', at: at + 2, latencyMs: 20 }),
    execution({ at, runId: 'a', toolkit: 'files' }),
  ];
}

/** What readers say of toolkits. */
export const toolkitLaws: readonly Law[] = [
  {
    law: 'the life of toolkits and the calls of their tools are summed up',
    only: 'reader',
    check(trial) {
      const at = Date.now() - minuteMs;
      const files = { calls: 4, successful: 3, failed: 1, avg_duration_ms: 10, total_duration_ms: 30 };
      const none = { calls: 1, successful: 1, failed: 0, avg_duration_ms: 20, total_duration_ms: 20 };
      return answers(trial, toolsFrom(at), [
        [
          'getToolkitMetrics',
          [],
          {
            execution_id: null,
            toolkit_lifecycle: { total_created: 3, cache_hit_rate: 0.5 },
            tool_invocations: {
              total_calls: 5,
              successful_calls: 4,
              failed_calls: 1,
              success_rate: 0.8,
              avg_duration_ms: 12.5,
              total_duration_ms: 50,
            },
            by_toolkit: { files, '': none },
            by_tool: {
              'files.read': { toolkit: 'files', tool: 'read', ...files },
              grep: { toolkit: null, tool: 'grep', ...none },
            },
          },
        ],
        [
          'getToolkitMetrics',
          [{ runId: 'a' }],
          {
            execution_id: 'a',
            toolkit_lifecycle: { total_created: 2, cache_hit_rate: 1 },
            tool_invocations: { total_calls: 3 },
          },
        ],
        [
          'getToolkitMetrics',
          [{ from: at + 1, to: at + 2 }],
          {
            toolkit_lifecycle: { total_created: 1, cache_hit_rate: 0 },
            tool_invocations: { total_calls: 1, success_rate: 0, avg_duration_ms: 0, total_duration_ms: 0 },
          },
        ],
        ['getToolkitMetrics', [{ runId: 'unknown' }], { tool_invocations: { total_calls: 0, success_rate: 0 } }],
      ]);
    },
  },
  {
    law: 'what happened to toolkits and calls of tools are listed one by one, newest first',
    only: 'reader',
    check(trial) {
      const at = Date.now() - minuteMs;
      const events = toolsFrom(at);
      const [first, second, third, fourth, read, failed, alone] = events.map(({ id }) => ({ trace_id: id }));
      const time = (ms: number): string => new Date(ms).toISOString();
      const error = { success: false, error: 'no disk', metadata: { disk: 1, error_type: 'DiskError' } };
      return answers(trial, events, [
        [
          'listToolkitTraces',
          [],
          {
            execution_id: null,
            traces: [
              { ...fourth, operation: 'cache_miss', toolkit_class: 'web', execution_id: null },
              { ...third, execution_id: 'a' },
              {
                ...second,
                ...error,
                timestamp: time(at + 1),
                operation: 'create',
                toolkit_class: 'files',
                duration_ms: 5,
              },
              { ...first, success: true, error: null },
            ],
          },
        ],
        ['listToolkitTraces', [{ runId: 'a' }], { execution_id: 'a', count: 2, traces: [third, first] }],
        ['listToolkitTraces', [{ operation: 'create', limit: 1 }], { traces: [second] }],
        ['listToolkitTraces', [{ toolkit: 'files', from: at + 1, to: at + 2 }], { traces: [second] }],
        ['listToolkitTraces', [{ toolkit: 'web' }], { traces: [fourth] }],
        [
          'listToolInvocations',
          [],
          {
            traces: [
              { ...alone, toolkit_class: null, tool_name: 'grep', duration_ms: 20 },
              { ...failed, ...error, duration_ms: null, input_size_bytes: null },
              {
                ...read,
                execution_id: 'a',
                toolkit_class: 'files',
                invoked_at: time(at - 10),
                duration_ms: 10,
                input_size_bytes: 7,
                output_size_bytes: 9,
                success: true,
                error: null,
              },
            ],
          },
        ],
        ['listToolInvocations', [{ runId: 'a' }], { execution_id: 'a', count: 1, traces: [read] }],
        ['listToolInvocations', [{ toolkit: 'files', limit: 1 }], { traces: [failed] }],
        ['listToolInvocations', [{ toolName: 'read', success: true }], { traces: [read] }],
        ['listToolInvocations', [{ from: at + 1, to: at + 2 }], { traces: [failed] }],
      ]);
    },
  },
];
