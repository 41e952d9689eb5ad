import {
  type ColumnDefinitionBuilder,
  type Compilable,
  type CreateTableBuilder,
  DummyDriver,
  Kysely,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { dayMs } from './cell.ts';
import type { Migration } from './migrate.ts';
import { tailBits } from './sequence.ts';
import { triggers } from './triggers.ts';

// The schema is the sum of the migrations. A released migration is never changed; new ones are appended, and counted in
// `schemaVersion`.

/** Builds statements without running them. */
const { schema } = new Kysely<never>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

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

// Views are for people and their tools: names instead of ids, and times as UTC strings in SQLite's own format, so that they
// compare with the result of `datetime()`.

function text(column: string): RawBuilder<unknown> {
  return sql`(SELECT text FROM dictionary WHERE id = ${sql.ref(column)})`;
}

function timestamp(ms: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`strftime('%Y-%m-%d %H:%M:%f', ${ms} / 1000.0, 'unixepoch')`;
}

function uuid(column: string): RawBuilder<unknown> {
  const part = (start: number, length: number): RawBuilder<unknown> =>
    sql`substr(lower(hex(${sql.ref(column)})), ${sql.lit(start)}, ${sql.lit(length)})`;
  const uuidText = sql.join([part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)], sql` || '-' || `);
  return sql`CASE WHEN ${sql.ref(column)} IS NOT NULL THEN ${uuidText} END`;
}

const weight: RawBuilder<unknown> = sql`coalesce(e.weight, 1)`;
const error: RawBuilder<unknown> = sql`coalesce(e.error_message, ${text('e.error_type')})`;
/** The attributes, with the error type under the key by which others group failures. */
const metadata: RawBuilder<unknown> = sql`
  CASE WHEN e.error_type IS NULL THEN coalesce(e.attributes, '{}')
    ELSE json_set(coalesce(e.attributes, '{}'), '$.error_type', ${text('e.error_type')}) END AS metadata`;
/** A join, so that `run_id = 'x'` uses the index; costs nothing if the column is not selected. */
const runOf: RawBuilder<unknown> = sql`LEFT JOIN dictionary r ON r.id = e.run`;
/** The last columns of every view of events; needs `runOf`. */
const origin: RawBuilder<unknown> = sql`
  r.text AS run_id, ${text('e.user')} AS user_id, ${text('e.org')} AS org_id,
  e.attributes, ${weight} AS weight`;

/** The value of the latest event of a run that has one. */
function latest(column: string): RawBuilder<unknown> {
  const value = sql.ref(`l.${column}`);
  return sql`(
    SELECT ${value} FROM run_events l WHERE l.run = e.run AND ${value} IS NOT NULL
    ORDER BY l.at DESC, l.state <> 'started' DESC, l.seq DESC LIMIT 1
  )`;
}

/** When the skill `s` was last used. */
const lastUsed: RawBuilder<unknown> = sql`coalesce(
  (SELECT max(seq) >> ${sql.lit(tailBits)} FROM execution_events WHERE subject = s.id),
  (SELECT max(last_at) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0 AND subject = s.id)
)`;

const views: readonly Compilable[] = [
  schema.createView('executions').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, s.kind, s.name, e.success, e.latency_ms,
      ${text('e.error_type')} AS error_type, e.error_message, ${text('e.version')} AS version,
      ${text('e.toolkit')} AS toolkit, ${uuid('e.parent_id')} AS parent_id, e.attempt, e.cache_hit, e.input_bytes,
      e.output_bytes, ${text('e.model')} AS model, ${text('e.provider')} AS provider, e.input_tokens,
      e.cache_read_tokens, e.cache_write_tokens, e.output_tokens, e.reasoning_tokens,
      e.input_tokens + e.cache_read_tokens + e.cache_write_tokens + e.output_tokens + e.reasoning_tokens
        AS total_tokens,
      e.cost_nano_usd, e.cost_nano_usd / 1e9 AS cost_usd, ${text('e.cost_source')} AS cost_source, ${origin}
    FROM execution_events e LEFT JOIN subjects s ON s.id = e.subject ${runOf}`),
  schema.createView('ratings').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, s.name AS skill_id, e.rating, e.comment,
      ${uuid('e.execution_id')} AS execution_id, ${origin}
    FROM rating_events e LEFT JOIN subjects s ON s.id = e.subject ${runOf}`),
  schema.createView('health_scores').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, s.name AS skill_id, e.score, e.deprecated, ${origin}
    FROM health_events e LEFT JOIN subjects s ON s.id = e.subject ${runOf}`),
  schema.createView('metrics').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, e.step, m.key AS name, m.value, ${origin}
    FROM metrics_events e JOIN json_each(e.metrics) m ${runOf}`),
  schema.createView('artifacts').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, e.name, e.kind, e.path, e.bytes, ${origin}
    FROM artifact_events e ${runOf}`),
  schema.createView('runs').as(sql`
    SELECT ${text('e.run')} AS run_id, ${latest('state')} AS state, ${latest('name')} AS name,
      ${latest('project')} AS project, min(e.at) FILTER (WHERE e.state = 'started') AS started_at,
      CASE WHEN ${latest('state')} <> 'started' THEN max(e.at) FILTER (WHERE e.state <> 'started') END AS finished_at,
      ${timestamp(sql`min(e.at)`)} AS timestamp, ${latest('config')} AS config, ${latest('tags')} AS tags,
      ${latest('summary')} AS summary
    FROM run_events e GROUP BY e.run`),
  schema.createView('skill_usage').as(sql`
    SELECT s.name AS skill_id, ${text('e.user')} AS user_id, ${text('e.org')} AS org_id, ${weight} AS execution_count,
      CASE WHEN e.success THEN ${weight} ELSE 0 END AS success_count,
      CASE WHEN e.success THEN 0 ELSE ${weight} END AS failure_count,
      e.latency_ms AS avg_latency_ms, e.latency_ms AS min_latency_ms, e.latency_ms AS max_latency_ms,
      ${timestamp(sql`e.at`)} AS timestamp
    FROM execution_events e JOIN subjects s ON s.id = e.subject WHERE s.kind = 'skill'`),
  schema.createView('skill_metrics').as(sql`
    SELECT s.name AS skill_id, r.rating_avg, coalesce(r.rating_count, 0) AS rating_count,
      coalesce(r.rating_1_count, 0) AS rating_1_count, coalesce(r.rating_2_count, 0) AS rating_2_count,
      coalesce(r.rating_3_count, 0) AS rating_3_count, coalesce(r.rating_4_count, 0) AS rating_4_count,
      coalesce(r.rating_5_count, 0) AS rating_5_count,
      ${timestamp(lastUsed)} AS last_used,
      ${timestamp(sql`r.last_rated`)} AS last_rated,
      (SELECT score FROM health_events WHERE subject = s.id ORDER BY at DESC, id DESC LIMIT 1) AS health_score
    FROM subjects s LEFT JOIN (
      SELECT e.subject, max(e.at) AS last_rated, avg(e.rating) AS rating_avg, count(*) AS rating_count,
        sum(e.rating = 1) AS rating_1_count, sum(e.rating = 2) AS rating_2_count, sum(e.rating = 3) AS rating_3_count,
        sum(e.rating = 4) AS rating_4_count, sum(e.rating = 5) AS rating_5_count
      FROM rating_events e GROUP BY e.subject
    ) r ON r.subject = s.id
    WHERE s.kind = 'skill'`),
  schema.createView('toolkit_traces').as(sql`
    SELECT ${uuid('e.id')} AS trace_id, r.text AS execution_id, ${timestamp(sql`e.at`)} AS timestamp,
      ${text('e.operation')} AS operation, ${text('e.toolkit')} AS toolkit_class, e.duration_ms, e.success,
      ${error} AS error, ${metadata}
    FROM toolkit_events e ${runOf}`),
  schema.createView('tool_invocation_traces').as(sql`
    SELECT ${uuid('e.id')} AS trace_id, r.text AS execution_id, ${text('e.toolkit')} AS toolkit_class,
      s.name AS tool_name, ${timestamp(sql`e.at`)} AS invoked_at, e.latency_ms AS duration_ms,
      e.input_bytes AS input_size_bytes, e.output_bytes AS output_size_bytes, e.success, ${error} AS error,
      ${metadata}
    FROM execution_events e JOIN subjects s ON s.id = e.subject ${runOf} WHERE s.kind = 'tool'`),
];

const copySchema: Migration[number] = {
  compile: () => ({
    sql: 'INSERT INTO schema_copy (name, sql) SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL',
  }),
};

export const migrations: readonly Migration[] = [[...tables, ...triggers, ...views, copySchema]];
