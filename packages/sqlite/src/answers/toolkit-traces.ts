import type { ToolkitOperation, ToolkitTrace } from '@toolweaver/analytics-core';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { formatUuid } from '../stored.ts';
import { all, atMost, type Db, type Filter, textId } from './filter.ts';
import { toMetadata } from './metadata.ts';

export interface ToolkitTracesQuestion {
  readonly filter: ToolkitConditions;
  readonly limit: number;
}

export interface ToolkitConditions extends Pick<Filter, 'from' | 'to' | 'runId' | 'toolkit'> {
  readonly operation?: ToolkitOperation | undefined;
}

/** Newest first. */
export async function toolkitTraces(db: Db, { filter, limit }: ToolkitTracesQuestion): Promise<ToolkitTrace[]> {
  const text = (column: string): RawBuilder<unknown> =>
    sql`(SELECT text FROM dictionary WHERE id = ${sql.ref(`e.${column}`)}) AS ${sql.ref(column)}`;
  const { rows } = await sql<Row>`
    SELECT e.id, e.at, e.duration_ms, e.success, e.error_message, e.attributes,
      ${text('run')}, ${text('operation')}, ${text('toolkit')}, ${text('error_type')}
    FROM toolkit_events e WHERE ${all(toolkitConditions(filter))}
    ORDER BY e.at DESC, e.id DESC LIMIT ${atMost(limit)}`.execute(db);
  return rows.map((row) => ({
    trace_id: formatUuid(row.id),
    execution_id: row.run,
    timestamp: new Date(row.at).toISOString(),
    operation: row.operation,
    toolkit_class: row.toolkit,
    duration_ms: row.duration_ms,
    success: row.success === 1,
    error: row.error_message ?? row.error_type,
    metadata: toMetadata(row.attributes === null ? undefined : JSON.parse(row.attributes), row.error_type ?? undefined),
  }));
}

interface Row {
  readonly id: Buffer;
  readonly at: number;
  readonly run: string | null;
  readonly operation: ToolkitOperation;
  readonly toolkit: string;
  readonly duration_ms: number;
  readonly success: number;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly attributes: string | null;
}

/** Conditions on rows `e` of toolkit events. */
export function toolkitConditions(filter: ToolkitConditions): (RawBuilder<SqlBool> | undefined)[] {
  const { from, to, runId, toolkit, operation } = filter;
  const isText = (column: string, text: string | undefined): RawBuilder<SqlBool> | undefined =>
    text === undefined ? undefined : sql`${sql.ref(`e.${column}`)} = ${textId(text)}`;
  return [
    from === undefined ? undefined : sql`e.at >= ${from}`,
    to === undefined ? undefined : sql`e.at < ${to}`,
    isText('run', runId),
    isText('toolkit', toolkit),
    isText('operation', operation),
  ];
}
