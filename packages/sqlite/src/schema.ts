import { type ColumnDefinitionBuilder, type Compilable, type CreateTableBuilder, sql } from 'kysely';
import type { Migration } from './migrate.ts';
import { schema } from './schema-builder.ts';
import { tailBits } from './sequence.ts';
import { triggers } from './triggers.ts';
import { views } from './views.ts';

// The schema is the sum of the migrations. A released migration is never changed; new ones are appended, and counted in
// `schemaVersion`.

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();

/** A table of events. `run`, `user` and `org` are ids of the dictionary. */
function eventTable(name: string): CreateTableBuilder<string, string> {
  return withOrigin(
    schema
      .createTable(name)
      .addColumn('seq', 'integer', (column) => column.primaryKey())
      .addColumn('id', 'blob', (column) => column.notNull().unique())
      .addColumn('at', 'integer', required),
  );
}

function withOrigin(table: CreateTableBuilder<string, string>): CreateTableBuilder<string, string> {
  return table
    .addColumn('run', 'integer')
    .addColumn('user', 'integer')
    .addColumn('org', 'integer')
    .addColumn('weight', 'real')
    .addColumn('attributes', 'text');
}

const tables: readonly Compilable[] = [
  // The original schema: SQLite itself does not notice when a byte of a view or trigger changes.
  schema.createTable('schema_copy').addColumn('name', 'text', required).addColumn('sql', 'text', required),
  // A health check writes to this table and deletes it again.
  schema.createTable('probe').addColumn('data', 'blob', required),
  schema
    .createTable('dictionary')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('text', 'text', (column) => column.notNull().unique()),
  schema
    .createTable('subjects')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('kind', 'text', required)
    .addColumn('name', 'text', required)
    .addUniqueConstraint('subjects_kind_name', ['kind', 'name']),
  // The key contains the time of an execution and part of its id (see `sequence.ts`), so neither needs an index.
  withOrigin(
    schema
      .createTable('execution_events')
      .addColumn('seq', 'integer', (column) => column.primaryKey())
      .addColumn('id', 'blob', required)
      .addColumn('at', 'integer', (column) => column.generatedAlwaysAs(sql`seq >> ${sql.lit(tailBits)}`)),
  )
    .addColumn('subject', 'integer', required)
    .addColumn('success', 'integer', required)
    .addColumn('latency_ms', 'real')
    .addColumn('parent_id', 'blob')
    .addColumn('error_type', 'integer')
    .addColumn('error_message', 'text')
    .addColumn('version', 'integer')
    .addColumn('toolkit', 'integer')
    .addColumn('attempt', 'integer')
    .addColumn('cache_hit', 'integer')
    .addColumn('input_bytes', 'integer')
    .addColumn('output_bytes', 'integer')
    .addColumn('model', 'integer')
    .addColumn('provider', 'integer')
    .addColumn('input_tokens', 'integer')
    .addColumn('cache_read_tokens', 'integer')
    .addColumn('cache_write_tokens', 'integer')
    .addColumn('output_tokens', 'integer')
    .addColumn('reasoning_tokens', 'integer')
    .addColumn('cost_nano_usd', 'integer')
    .addColumn('cost_source', 'integer'),
  // Executions of one subject in order of time: an index ends with the key of the row.
  schema.createIndex('execution_events_subject').on('execution_events').column('subject'),
  // Executions of one run; costs nothing for those without one.
  schema.createIndex('execution_events_run').on('execution_events').column('run').where(sql.ref('run'), 'is not', null),
  eventTable('rating_events')
    .addColumn('subject', 'integer', required)
    .addColumn('rating', 'integer', required)
    .addColumn('execution_id', 'blob')
    .addColumn('comment', 'text'),
  schema.createIndex('rating_events_subject_at').on('rating_events').columns(['subject', 'at']),
  schema.createIndex('rating_events_run').on('rating_events').column('run').where(sql.ref('run'), 'is not', null),
  eventTable('health_events')
    .addColumn('subject', 'integer', required)
    .addColumn('score', 'real', required)
    .addColumn('deprecated', 'integer'),
  schema.createIndex('health_events_subject_at').on('health_events').columns(['subject', 'at']),
  // The score that a later one of the same organisation replaces.
  schema.createIndex('health_events_subject_org_at').on('health_events').columns(['subject', 'org', 'at']),
  // Among many scores, the latest that says whether the skill is deprecated.
  schema
    .createIndex('health_events_deprecated')
    .on('health_events')
    .columns(['subject', 'at'])
    .where(sql.ref('deprecated'), 'is not', null),
  schema.createIndex('health_events_run').on('health_events').column('run').where(sql.ref('run'), 'is not', null),
  eventTable('toolkit_events')
    .addColumn('toolkit', 'integer', required)
    .addColumn('operation', 'integer', required)
    .addColumn('duration_ms', 'real', required)
    .addColumn('success', 'integer', required)
    .addColumn('error_type', 'integer')
    .addColumn('error_message', 'text'),
  eventTable('metrics_events').addColumn('step', 'integer').addColumn('metrics', 'text', required),
  eventTable('run_events')
    .addColumn('state', 'text', required)
    .addColumn('name', 'text')
    .addColumn('project', 'text')
    .addColumn('config', 'text')
    .addColumn('tags', 'text')
    .addColumn('summary', 'text'),
  // The start and end of a run, without reading the rows, which may be long.
  schema.createIndex('run_events_run_at').on('run_events').columns(['run', 'at', 'state']),
  eventTable('artifact_events')
    .addColumn('name', 'text', required)
    .addColumn('kind', 'text', required)
    .addColumn('path', 'text')
    .addColumn('bytes', 'blob'),
  schema.createIndex('artifact_events_run').on('artifact_events').column('run').where(sql.ref('run'), 'is not', null),
  schema
    .createIndex('metrics_events_run')
    .on('metrics_events')
    .columns(['run', 'step', 'at'])
    .where(sql.ref('run'), 'is not', null),
  schema.createIndex('toolkit_events_run').on('toolkit_events').column('run').where(sql.ref('run'), 'is not', null),
  // What is counted of the executions of each write, until it is added to the roll-ups (see `fold.ts`).
  schema
    .createTable('rollup_log')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('cells', 'blob', required),
  // A cell: the executions of a subject and a model within an hour, a day or 32 days, of one organisation or (0) of all.
  schema
    .createTable('rollups')
    .addColumn('width', 'integer', required)
    .addColumn('org', 'integer', required)
    .addColumn('start', 'integer', required)
    .addColumn('subject', 'integer', required)
    .addColumn('model', 'integer', required)
    .addColumn('cell', 'integer', required)
    .addColumn('executions', 'real', required)
    .addColumn('successes', 'real', required)
    .addColumn('latency_weight', 'real', required)
    .addColumn('latency_sum', 'real', required)
    .addColumn('latency_min', 'real')
    .addColumn('latency_max', 'real')
    .addColumn('first_at', 'integer', required)
    .addColumn('last_at', 'integer', required)
    .addColumn('input_tokens', 'real', required)
    .addColumn('cache_read_tokens', 'real', required)
    .addColumn('cache_write_tokens', 'real', required)
    .addColumn('output_tokens', 'real', required)
    .addColumn('reasoning_tokens', 'real', required)
    .addColumn('cost_nano_usd', 'real', required)
    .addColumn('cost_weight', 'real', required)
    .addColumn('cache_hits', 'real', required)
    .addColumn('cache_misses', 'real', required)
    .addColumn('errors', 'text')
    .addPrimaryKeyConstraint('rollups_key', ['width', 'org', 'start', 'subject', 'model'])
    .modifyEnd(sql`WITHOUT ROWID`),
  // Separate from the figures, so that ranking reads little.
  schema
    .createTable('rollup_sketches')
    .addColumn('cell', 'integer', (column) => column.primaryKey())
    .addColumn('latency', 'blob')
    .addColumn('users', 'blob'),
  schema
    .createTable('run_rollups')
    .addColumn('run', 'integer', (column) => column.primaryKey())
    .addColumn('org', 'integer')
    .addColumn('user', 'integer')
    .addColumn('first_at', 'integer', required)
    .addColumn('last_at', 'integer', required)
    .addColumn('executions', 'real', required)
    .addColumn('successes', 'real', required)
    .addColumn('tokens', 'real', required)
    .addColumn('cost_nano_usd', 'real', required)
    .addColumn('cost_weight', 'real', required),
  // The last value of each metric of a run, and whose it is; see `triggers.ts`.
  schema
    .createTable('run_metrics')
    .addColumn('run', 'integer', required)
    .addColumn('name', 'text', required)
    .addColumn('value', 'real', required)
    .addColumn('step', 'integer', required)
    .addColumn('at', 'integer', required)
    .addColumn('user', 'integer')
    .addPrimaryKeyConstraint('run_metrics_key', ['run', 'name'])
    .modifyEnd(sql`WITHOUT ROWID`),
  // `executions` and `hours` are the times before which rows and hourly cells were deleted; `erasures` counts calls of `erase()`.
  schema
    .createTable('floors')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('before', 'integer', required),
  schema
    .createTable('recommendations')
    .addColumn('id', 'blob', (column) => column.primaryKey())
    .addColumn('user', 'integer', required)
    .addColumn('org', 'integer')
    .addColumn('subject', 'integer', required)
    .addColumn('type', 'text', required)
    .addColumn('score', 'real', required)
    .addColumn('reason', 'text', required)
    .addColumn('at', 'integer', required)
    .addColumn('clicked_at', 'integer')
    .addColumn('installed_at', 'integer'),
  // A repeated recommendation to a user (of an organisation) stays the same row.
  schema
    .createIndex('recommendations_of_user')
    .unique()
    .on('recommendations')
    .expression(sql`user, subject, coalesce(org, 0)`),
];

const copySchema: Migration[number] = {
  compile: () => ({
    sql: 'INSERT INTO schema_copy (name, sql) SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL',
  }),
};

export const migrations: readonly Migration[] = [[...tables, ...triggers, ...views, copySchema]];
