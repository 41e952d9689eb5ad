import { type Compilable, type RawBuilder, sql } from 'kysely';
import { dayMs } from './cell.ts';
import { schema } from './schema-builder.ts';
import { tailBits } from './sequence.ts';

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

export const views: readonly Compilable[] = [
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
      s.name AS tool_name, ${timestamp(sql`max(0, e.at - coalesce(e.latency_ms, 0))`)} AS invoked_at, e.latency_ms AS duration_ms,
      e.input_bytes AS input_size_bytes, e.output_bytes AS output_size_bytes, e.success, ${error} AS error,
      ${metadata}
    FROM execution_events e JOIN subjects s ON s.id = e.subject ${runOf} WHERE s.kind = 'tool'`),
];
