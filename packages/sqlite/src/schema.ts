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
import { applicationId, type Connection, type DatabaseConfig, transaction } from './database.ts';

// The schema is the sum of the migrations. One that has been released is never changed; changes are appended, and counted
// in `schemaVersion`.

/** Builds statements and runs none. */
const { schema } = new Kysely<never>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** Brings the schema up to date, or leaves it as it is. Other processes may try the same at the same time. */
export function migrate(db: Connection, config: DatabaseConfig): void {
  transaction(db, config, () => {
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version < migrations.length) {
      for (const statement of migrations.slice(version).flat()) {
        db.exec(statement.compile().sql);
      }
      db.pragma(`application_id = ${applicationId}`);
      db.pragma(`user_version = ${migrations.length}`);
    }
  });
}

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();

/** A table of events. `run`, `user` and `org` are ids of the dictionary. */
function eventTable(name: string): CreateTableBuilder<string, string> {
  return schema
    .createTable(name)
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'blob', (column) => column.notNull().unique())
    .addColumn('at', 'integer', required)
    .addColumn('run', 'integer')
    .addColumn('user', 'integer')
    .addColumn('org', 'integer')
    .addColumn('weight', 'real')
    .addColumn('attributes', 'text');
}

const tables: readonly Compilable[] = [
  // What a health check writes to, and takes back.
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
  eventTable('execution_events')
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
  // Usage of one subject.
  schema.createIndex('execution_events_subject_at').on('execution_events').columns(['subject', 'at']),
  // Newest first, windows over all subjects, retention; grows at its end, so it costs a tenth of the other.
  schema.createIndex('execution_events_at').on('execution_events').column('at'),
  // One run; free for what belongs to none.
  schema.createIndex('execution_events_run').on('execution_events').column('run').where(sql.ref('run'), 'is not', null),
  eventTable('rating_events')
    .addColumn('subject', 'integer', required)
    .addColumn('rating', 'integer', required)
    .addColumn('execution_id', 'blob')
    .addColumn('comment', 'text'),
  schema.createIndex('rating_events_subject_at').on('rating_events').columns(['subject', 'at']),
  eventTable('health_events').addColumn('subject', 'integer', required).addColumn('score', 'real', required),
  schema.createIndex('health_events_subject_at').on('health_events').columns(['subject', 'at']),
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
  schema.createIndex('run_events_run_at').on('run_events').columns(['run', 'at']),
  eventTable('artifact_events')
    .addColumn('name', 'text', required)
    .addColumn('kind', 'text', required)
    .addColumn('path', 'text')
    .addColumn('bytes', 'blob'),
];

// Views show what people and their tools want to read: names for ids of the dictionary, and times as text of UTC in
// SQLite's own format, so that they compare with what `datetime()` gives.

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
/** What every view of events ends with. */
const origin: RawBuilder<unknown> = sql`
  ${text('e.run')} AS run_id, ${text('e.user')} AS user_id, ${text('e.org')} AS org_id,
  e.attributes, ${weight} AS weight`;

/** A value of a run's latest event that has one. */
function latest(column: string): RawBuilder<unknown> {
  const value = sql.ref(`l.${column}`);
  return sql`(
    SELECT ${value} FROM run_events l WHERE l.run = e.run AND ${value} IS NOT NULL
    ORDER BY l.at DESC, l.state <> 'started' DESC, l.seq DESC LIMIT 1
  )`;
}

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
    FROM execution_events e LEFT JOIN subjects s ON s.id = e.subject`),
  schema.createView('ratings').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, s.name AS skill_id, e.rating, e.comment,
      ${uuid('e.execution_id')} AS execution_id, ${origin}
    FROM rating_events e LEFT JOIN subjects s ON s.id = e.subject`),
  schema.createView('health_scores').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, s.name AS skill_id, e.score, ${origin}
    FROM health_events e LEFT JOIN subjects s ON s.id = e.subject`),
  schema.createView('metrics').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, e.step, m.key AS name, m.value, ${origin}
    FROM metrics_events e JOIN json_each(e.metrics) m`),
  schema.createView('artifacts').as(sql`
    SELECT ${uuid('e.id')} AS id, e.at, ${timestamp(sql`e.at`)} AS timestamp, e.name, e.kind, e.path, e.bytes, ${origin}
    FROM artifact_events e`),
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
      ${timestamp(sql`(SELECT max(at) FROM execution_events WHERE subject = s.id)`)} AS last_used,
      ${timestamp(sql`r.last_rated`)} AS last_rated,
      (SELECT score FROM health_events WHERE subject = s.id ORDER BY at DESC, seq DESC LIMIT 1) AS health_score
    FROM subjects s LEFT JOIN (
      SELECT e.subject, max(e.at) AS last_rated, avg(e.rating) AS rating_avg, count(*) AS rating_count,
        sum(e.rating = 1) AS rating_1_count, sum(e.rating = 2) AS rating_2_count, sum(e.rating = 3) AS rating_3_count,
        sum(e.rating = 4) AS rating_4_count, sum(e.rating = 5) AS rating_5_count
      FROM rating_events e GROUP BY e.subject
    ) r ON r.subject = s.id
    WHERE s.kind = 'skill'`),
  schema.createView('toolkit_traces').as(sql`
    SELECT ${uuid('e.id')} AS trace_id, ${text('e.run')} AS execution_id, ${timestamp(sql`e.at`)} AS timestamp,
      ${text('e.operation')} AS operation, ${text('e.toolkit')} AS toolkit_class, e.duration_ms, e.success,
      ${error} AS error, coalesce(e.attributes, '{}') AS metadata
    FROM toolkit_events e`),
  schema.createView('tool_invocation_traces').as(sql`
    SELECT ${uuid('e.id')} AS trace_id, ${text('e.run')} AS execution_id, ${text('e.toolkit')} AS toolkit_class,
      s.name AS tool_name, ${timestamp(sql`e.at`)} AS invoked_at, e.latency_ms AS duration_ms,
      e.input_bytes AS input_size_bytes, e.output_bytes AS output_size_bytes, e.success, ${error} AS error,
      coalesce(e.attributes, '{}') AS metadata
    FROM execution_events e JOIN subjects s ON s.id = e.subject WHERE s.kind = 'tool'`),
];

const migrations: readonly (readonly Compilable[])[] = [[...tables, ...views]];
