import type { ExecutionKind } from '@toolweaver/analytics-core';
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { msFrom, tailBits } from '../sequence.ts';
import type { Tables } from '../tables.ts';

/** One snapshot of the database, whatever is written meanwhile. */
export type Db = Kysely<Tables>;

/** Conditions that must all hold. `to` is exclusive. */
export interface Filter {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
  readonly model?: string | undefined;
  readonly success?: boolean | undefined;
  readonly errorType?: string | undefined;
  readonly toolkit?: string | undefined;
  readonly version?: string | undefined;
  readonly minLatencyMs?: number | undefined;
}

/** The id of a text in the dictionary; NULL, which equals nothing, if the text was never recorded. */
export function textId(text: string): RawBuilder<number | null> {
  return sql`(SELECT id FROM dictionary WHERE text = ${text})`;
}

/** `firstKey` as an SQL expression. */
export function firstSeq(at: number): RawBuilder<number> {
  return sql`(${msFrom(at)} << ${sql.lit(tailBits)})`;
}

/** All tokens of an execution `e`; 0 if its usage is unknown. */
export const tokensOfExecution: RawBuilder<number> = sql`coalesce(e.input_tokens + e.cache_read_tokens + e.cache_write_tokens
  + e.output_tokens + e.reasoning_tokens, 0)`;

/** The number in a LIMIT. Were it a mere parameter, SQLite would plan by its value, and so prepare the statement for every call. */
export function atMost(count: number): RawBuilder<number> {
  return sql`${count} + 0`;
}

export function all(conditions: readonly (RawBuilder<unknown> | undefined)[]): RawBuilder<SqlBool> {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? sql`TRUE` : sql.join(given, sql` AND `);
}

/** A condition for the subjects of a kind, a name, or both; undefined for all of them. */
export function isSubject({ kind, name }: Filter, column: RawBuilder<unknown>): RawBuilder<SqlBool> | undefined {
  const given = all([
    kind === undefined ? undefined : sql`kind = ${kind}`,
    name === undefined ? undefined : sql`name = ${name}`,
  ]);
  if (kind === undefined && name === undefined) {
    return undefined;
  }
  // `=` if there is only one: an index then returns its rows in order of time.
  return kind !== undefined && name !== undefined
    ? sql`${column} = (SELECT id FROM subjects WHERE ${given})`
    : sql`${column} IN (SELECT id FROM subjects WHERE ${given})`;
}

/** All conditions of a filter, for rows `e` of executions. */
export function matches(filter: Filter): RawBuilder<SqlBool> {
  const { from, to, orgId, userId, runId, model, success, errorType, toolkit, version, minLatencyMs } = filter;
  const isText = (column: string, text: string | undefined): RawBuilder<SqlBool> | undefined =>
    text === undefined ? undefined : sql`${sql.ref(`e.${column}`)} = ${textId(text)}`;
  return all([
    from === undefined ? undefined : sql`e.seq >= ${firstSeq(from)}`,
    to === undefined ? undefined : sql`e.seq < ${firstSeq(to)}`,
    isSubject(filter, sql`e.subject`),
    isText('org', orgId),
    isText('user', userId),
    isText('run', runId),
    isText('model', model),
    isText('error_type', errorType),
    isText('toolkit', toolkit),
    isText('version', version),
    success === undefined ? undefined : sql`e.success = ${Number(success)}`,
    minLatencyMs === undefined ? undefined : sql`e.latency_ms >= ${minLatencyMs}`,
  ]);
}

// The index that finds rows, fixed because SQLite has no statistics to choose by. Each is in order of time.
export const byRun: RawBuilder<unknown> = sql`execution_events e INDEXED BY execution_events_run`;
export const bySubject: RawBuilder<unknown> = sql`execution_events e INDEXED BY execution_events_subject`;
export const byTime: RawBuilder<unknown> = sql`execution_events e NOT INDEXED`;

/** The source of rows `e` of executions that suits a filter best. */
export function executionsFor({ runId, kind, name }: Filter): RawBuilder<unknown> {
  if (runId !== undefined) {
    return byRun;
  }
  // A kind has many subjects, and most of the rows.
  return name === undefined ? byTime : kind === undefined ? sql`execution_events e` : bySubject;
}
