import type { CostSource, ExecutionEvent, Usage } from '@toolweaver/analytics-core';
import type { Selectable } from 'kysely';
import type { Tables } from './tables.ts';

type Row = Selectable<Tables['execution_events']>;
/** The columns that hold an id of the dictionary. */
export type TextColumn =
  | 'run'
  | 'user'
  | 'org'
  | 'error_type'
  | 'version'
  | 'toolkit'
  | 'model'
  | 'provider'
  | 'cost_source';

/** A stored execution, with texts in the place of their ids. */
export type StoredExecution = Omit<Row, 'seq' | 'subject' | TextColumn> &
  Readonly<Record<TextColumn, string | null>> &
  Pick<Tables['subjects'], 'kind' | 'name'>;

/** The event as it was recorded. */
export function toExecution(row: StoredExecution): ExecutionEvent {
  const event: ExecutionEvent = {
    type: 'execution',
    id: formatUuid(row.id),
    at: row.at,
    runId: row.run ?? undefined,
    userId: row.user ?? undefined,
    orgId: row.org ?? undefined,
    weight: row.weight ?? undefined,
    attributes: row.attributes === null ? undefined : JSON.parse(row.attributes),
    kind: row.kind,
    name: row.name,
    success: row.success === 1,
    latencyMs: row.latency_ms ?? undefined,
    error: row.error_type === null ? undefined : toError(row.error_type, row.error_message),
    version: row.version ?? undefined,
    toolkit: row.toolkit ?? undefined,
    parentId: row.parent_id === null ? undefined : formatUuid(row.parent_id),
    attempt: row.attempt ?? undefined,
    cacheHit: row.cache_hit === null ? undefined : row.cache_hit === 1,
    inputBytes: row.input_bytes ?? undefined,
    outputBytes: row.output_bytes ?? undefined,
    model: row.model ?? undefined,
    provider: row.provider ?? undefined,
    usage: toUsage(row),
    cost:
      row.cost_nano_usd === null ? undefined : { nanoUsd: row.cost_nano_usd, source: row.cost_source as CostSource },
  };
  const known = Object.entries(event).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as ExecutionEvent;
}

function toError(type: string, message: string | null): ExecutionEvent['error'] {
  return message === null ? { type } : { type, message };
}

function toUsage(row: StoredExecution): Usage | undefined {
  return row.input_tokens === null
    ? undefined
    : {
        inputTokens: row.input_tokens,
        cacheReadTokens: row.cache_read_tokens ?? 0,
        cacheWriteTokens: row.cache_write_tokens ?? 0,
        outputTokens: row.output_tokens ?? 0,
        reasoningTokens: row.reasoning_tokens ?? 0,
      };
}

export function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function parseUuid(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
