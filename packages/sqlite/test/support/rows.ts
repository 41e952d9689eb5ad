import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import type { RunReading } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';

// The far side: what the file holds, read by a connection of the tests' own.

type Value = string | number | Buffer | null;
type Row = Record<string, Value>;

/** Rows of any query. */
export function query(path: string, sql: string, ...parameters: unknown[]): Row[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(sql).all(...parameters) as Row[];
  } finally {
    db.close();
  }
}

/** The one value of a query. */
export function value(path: string, sql: string, ...parameters: unknown[]): Value {
  return Object.values(query(path, sql, ...parameters)[0] as Row)[0] as Value;
}

/** Every event in the file with all that is known of it. */
export function storedEvents(path: string): AnalyticsEvent[] {
  const text = (column: string, as = column): string => `(SELECT text FROM dictionary WHERE id = e.${column}) AS ${as}`;
  const common = `e.*, ${text('run', 'runId')}, ${text('user', 'userId')}, ${text('org', 'orgId')}`;
  const subject = '(SELECT name FROM subjects WHERE id = e.subject)';
  const failure = text('error_type', 'errorType');

  const read = (type: string, columns: string, own: (row: Row) => Record<string, unknown>): AnalyticsEvent[] => {
    const table = `${type === 'execution' ? 'execution' : type}_events`;
    const rows = query(path, `SELECT ${[common, columns].filter((some) => some !== '').join(', ')} FROM ${table} e`);
    return rows.map((row) =>
      withoutNulls({
        type,
        id: uuid(row['id']),
        at: row['at'],
        runId: row['runId'],
        userId: row['userId'],
        orgId: row['orgId'],
        weight: row['weight'],
        attributes: json(row['attributes']),
        ...own(row),
      }),
    );
  };
  const error = (row: Row): unknown =>
    row['errorType'] === null ? null : withoutNulls({ type: row['errorType'], message: row['error_message'] });

  return [
    ...read(
      'execution',
      `${failure}, (SELECT kind FROM subjects WHERE id = e.subject) AS kind, ${subject} AS name,
       ${['version', 'toolkit', 'model', 'provider'].map((column) => text(column, `${column}Text`)).join(', ')},
       ${text('cost_source', 'source')}`,
      (row) => ({
        kind: row['kind'],
        name: row['name'],
        success: flag(row['success']),
        latencyMs: row['latency_ms'],
        error: error(row),
        version: row['versionText'],
        toolkit: row['toolkitText'],
        parentId: uuid(row['parent_id']),
        attempt: row['attempt'],
        cacheHit: flag(row['cache_hit']),
        inputBytes: row['input_bytes'],
        outputBytes: row['output_bytes'],
        model: row['modelText'],
        provider: row['providerText'],
        usage:
          row['input_tokens'] === null
            ? null
            : {
                inputTokens: row['input_tokens'],
                cacheReadTokens: row['cache_read_tokens'],
                cacheWriteTokens: row['cache_write_tokens'],
                outputTokens: row['output_tokens'],
                reasoningTokens: row['reasoning_tokens'],
              },
        cost: row['cost_nano_usd'] === null ? null : { nanoUsd: row['cost_nano_usd'], source: row['source'] },
      }),
    ),
    ...read('rating', `${subject} AS skillId`, (row) => ({
      skillId: row['skillId'],
      rating: row['rating'],
      executionId: uuid(row['execution_id']),
      comment: row['comment'],
    })),
    ...read('health', `${subject} AS skillId`, (row) => ({
      skillId: row['skillId'],
      score: row['score'],
      deprecated: flag(row['deprecated']),
    })),
    ...read('toolkit', `${failure}, ${text('toolkit', 'name')}, ${text('operation', 'what')}`, (row) => ({
      toolkit: row['name'],
      operation: row['what'],
      durationMs: row['duration_ms'],
      success: flag(row['success']),
      error: error(row),
    })),
    ...read('metrics', '', (row) => ({ values: json(row['metrics']), step: row['step'] })),
    ...read('run', '', (row) => ({
      state: row['state'],
      name: row['name'],
      project: row['project'],
      config: json(row['config']),
      tags: json(row['tags']),
      summary: json(row['summary']),
    })),
    ...read('artifact', '', (row) => ({
      name: row['name'],
      kind: row['kind'],
      path: row['path'],
      bytes: row['bytes'],
    })),
  ];
}

/** Every run that was started or ended, by the documented view. */
export function storedRuns(path: string): RunReading[] {
  return query(path, 'SELECT run_id, state, name, config, tags FROM runs').map((row) =>
    withoutNulls<RunReading>({
      runId: row['run_id'],
      state: row['state'],
      name: row['name'],
      config: json(row['config']),
      tags: json(row['tags']),
    }),
  );
}

function withoutNulls<T = AnalyticsEvent>(fields: Record<string, unknown>): T {
  const known = Object.entries(fields).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(known) as T;
}

function flag(stored: Value | undefined): boolean | null {
  return stored === null ? null : stored === 1;
}

function json(stored: Value | undefined): unknown {
  return typeof stored === 'string' ? JSON.parse(stored) : null;
}

function uuid(stored: Value | undefined): string | null {
  if (!Buffer.isBuffer(stored)) {
    return null;
  }
  const hex = stored.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
