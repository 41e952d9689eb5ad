import type { JsonObject, ToolkitOperation } from '../events/event.ts';
import type { WindowOptions } from './common.ts';

// Answers have the form of the documents that existing toolkit tools read, hence the snake case. `execution_id` is a run's id.

/** The run and the time (default: all) of the events that a query about toolkits covers. */
export interface ToolkitFilter extends WindowOptions {
  /** Default: every run, and events without one. */
  readonly runId?: string | undefined;
}

/** Totals of the invocations of a toolkit or a tool; only known durations count. */
export interface InvocationStats {
  readonly calls: number;
  readonly successful: number;
  readonly failed: number;
  /** 0 without a known duration. */
  readonly avg_duration_ms: number;
  readonly total_duration_ms: number;
}

/** Totals of a run, or of everything. */
export interface ToolkitMetrics {
  readonly execution_id: string | null;
  readonly toolkit_lifecycle: {
    /** Number of `create` events, failed ones included. */
    readonly total_created: number;
    /** Hits / (hits + misses), 0 to 1; 0 without either. */
    readonly cache_hit_rate: number;
  };
  readonly tool_invocations: {
    readonly total_calls: number;
    readonly successful_calls: number;
    readonly failed_calls: number;
    /** 0 to 1; 0 without calls. */
    readonly success_rate: number;
    readonly avg_duration_ms: number;
    readonly total_duration_ms: number;
  };
  /** Tools without a toolkit are under ''. */
  readonly by_toolkit: Readonly<Record<string, InvocationStats>>;
  /**
   * By `Toolkit.tool`, or the tool's name alone if it has no toolkit. If dots make two keys equal, the second becomes the JSON
   * array of its toolkit and that key.
   */
  readonly by_tool: Readonly<
    Record<string, InvocationStats & { readonly toolkit: string | null; readonly tool: string }>
  >;
}

/** The events of toolkits to list: those that meet every condition. */
export interface ToolkitTraceFilter extends ToolkitFilter {
  readonly operation?: ToolkitOperation | undefined;
  readonly toolkit?: string | undefined;
  /** 1 to 1000. Default: 1000. */
  readonly limit?: number | undefined;
}

/** The calls of tools to list: those that meet every condition. The window applies to their end. */
export interface ToolInvocationFilter extends ToolkitFilter {
  readonly toolkit?: string | undefined;
  readonly toolName?: string | undefined;
  readonly success?: boolean | undefined;
  /** 1 to 1000. Default: 1000. */
  readonly limit?: number | undefined;
}

/** One event of a toolkit. */
export interface ToolkitTrace {
  readonly trace_id: string;
  readonly execution_id: string | null;
  /** ISO 8601, UTC: the moment of the event. */
  readonly timestamp: string;
  readonly operation: ToolkitOperation;
  readonly toolkit_class: string;
  readonly duration_ms: number;
  readonly success: boolean;
  readonly error: string | null;
  /** The event's attributes, and the `error_type` if there is one. */
  readonly metadata: JsonObject;
}

/** One call of a tool. */
export interface ToolInvocationTrace {
  readonly trace_id: string;
  readonly execution_id: string | null;
  readonly toolkit_class: string | null;
  readonly tool_name: string;
  /** ISO 8601, UTC: the start of the call, or its end if `duration_ms` is null. */
  readonly invoked_at: string;
  readonly duration_ms: number | null;
  readonly input_size_bytes: number | null;
  readonly output_size_bytes: number | null;
  readonly success: boolean;
  readonly error: string | null;
  readonly metadata: JsonObject;
}

/** Individual events of a run, or of everything. */
export interface TraceList<T> {
  readonly execution_id: string | null;
  readonly count: number;
  /** Newest first, then by id, highest first. */
  readonly traces: readonly T[];
}

/**
 * Queries about toolkits and their tools, answered from individual events: those that retention has deleted do not count.
 * In totals, sampled events count by their weight; lists contain each stored event once.
 */
export interface ToolkitReader {
  /** Totals of tool calls and of the lifecycle of toolkits. */
  getToolkitMetrics(filter?: ToolkitFilter): Promise<ToolkitMetrics>;
  /** Individual events of toolkits. */
  listToolkitTraces(filter?: ToolkitTraceFilter): Promise<TraceList<ToolkitTrace>>;
  /** Individual calls of tools. */
  listToolInvocations(filter?: ToolInvocationFilter): Promise<TraceList<ToolInvocationTrace>>;
}
