import type { AnalyticsEvent, EventType, ExecutionKind } from '@toolweaver/analytics-core';
import type { Statement } from 'better-sqlite3';
import type { Connection } from '../database.ts';
import { firstKey } from '../sequence.ts';
import { formatUuid, type StoredExecution, textColumns, toExecution } from '../stored.ts';

/** Conditions that all must hold. */
export interface EventFilter {
  readonly types: readonly EventType[];
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  readonly orgId?: string | undefined;
  readonly userId?: string | undefined;
  readonly runId?: string | undefined;
  readonly kind?: ExecutionKind | undefined;
  readonly name?: string | undefined;
}

export interface StoredEvents {
  /** The number of events now. */
  readonly total: number;
  /**
   * Yields all events, table by table, in small groups. Holds no transaction in between, so that a checkpoint can empty the log
   * of a database in use: events recorded meanwhile may or may not be included.
   */
  groups(): Generator<AnalyticsEvent[]>;
}

const groupRows = 1_000;
/** A group ends when its artifacts have more bytes than this. */
const groupBytes = 1024 * 1024;
const maxCachedNames = 50_000;

type Value = string | number | Buffer | null;
type Row = Readonly<Record<string, Value>>;
/** Part of a WHERE clause, and its parameters. */
type Condition = readonly [sql: string, ...parameters: (string | number | bigint)[]];

export function readEvents(db: Connection, filter: EventFilter): StoredEvents {
  const texts = lookup(db.prepare('SELECT text FROM dictionary WHERE id = ?').pluck()) as (id: Value) => string;
  const subjects = lookup(db.prepare('SELECT kind, name FROM subjects WHERE id = ?')) as (
    id: Value,
  ) => Pick<StoredExecution, 'kind' | 'name'>;
  const names: Names = { text: (id) => (id === null || id === undefined ? null : texts(id)), subject: subjects };
  const selections = filter.types.flatMap((type) => {
    const conditions = conditionsFor(db, type, filter);
    return conditions === undefined ? [] : [{ type, conditions }];
  });

  return {
    total: selections
      .map(({ type, conditions }) => {
        const { from, parameters } = statement(type, conditions);
        return db.prepare(`SELECT count(*) ${from}`).pluck().get(parameters) as number;
      })
      .reduce((sum, count) => sum + count, 0),
    *groups() {
      for (const { type, conditions } of selections) {
        const { from, parameters } = statement(type, [['e.seq > ?'], ...conditions]);
        const select = db.prepare(`SELECT CAST(e.seq AS TEXT) AS key, e.* ${from} ORDER BY e.seq LIMIT ${groupRows}`);
        // Rows and names are read in one transaction, as an erasure in between would change the names.
        const read = db.transaction((after: bigint) => {
          const { rows, last, isEnd } = readGroup(select, [after, ...parameters]);
          return { events: rows.map((row) => toEvent[type](row, names)), last, isEnd };
        });
        let after = -1n;
        for (let isEnd = false; !isEnd; ) {
          const group = read(after);
          ({ isEnd } = group);
          after = group.last ?? after;
          yield group.events;
        }
      }
    },
  };
}

function statement(type: EventType, conditions: readonly Condition[]): { from: string; parameters: unknown[] } {
  const where = conditions.length === 0 ? 'TRUE' : conditions.map(([sql]) => sql).join(' AND ');
  return {
    from: `FROM ${type}_events e WHERE ${where}`,
    parameters: conditions.flatMap(([, ...parameters]) => parameters),
  };
}

function readGroup(
  select: Statement,
  parameters: unknown[],
): { readonly rows: Row[]; readonly last: bigint | undefined; readonly isEnd: boolean } {
  const rows: Row[] = [];
  let bytes = 0;
  for (const row of select.iterate(parameters) as IterableIterator<Row>) {
    rows.push(row);
    bytes += Buffer.isBuffer(row['bytes']) ? row['bytes'].byteLength : 0;
    if (bytes > groupBytes) {
      break;
    }
  }
  const key = rows.at(-1)?.['key'];
  return {
    rows,
    last: key === undefined ? undefined : BigInt(String(key)),
    isEnd: rows.length < groupRows && bytes <= groupBytes,
  };
}

/** The conditions for rows of a type; undefined if none can meet them. */
function conditionsFor(db: Connection, type: EventType, filter: EventFilter): Condition[] | undefined {
  const { from, to, kind, name } = filter;
  const isExecution = type === 'execution';
  // Only executions have a kind. Ratings and health scores have a name, too: that of their skill.
  if (
    (kind !== undefined && !isExecution) ||
    (name !== undefined && !['execution', 'rating', 'health'].includes(type))
  ) {
    return undefined;
  }
  const conditions: Condition[] = [];
  if (from !== undefined) {
    conditions.push(isExecution ? ['e.seq >= ?', firstKey(from)] : ['e.at >= ?', from]);
  }
  if (to !== undefined) {
    conditions.push(isExecution ? ['e.seq < ?', firstKey(to)] : ['e.at < ?', to]);
  }
  for (const [column, text] of [
    ['run', filter.runId],
    ['user', filter.userId],
    ['org', filter.orgId],
  ] as const) {
    if (text !== undefined) {
      // Looked up in every step, as an erasure in between may give a text another id.
      conditions.push([`e.${column} = (SELECT id FROM dictionary WHERE text = ?)`, text]);
    }
  }
  if (kind !== undefined || name !== undefined) {
    const subjects = subjectIds(db, kind, name);
    if (subjects.length === 0) {
      return undefined;
    }
    // Uses an index only if it returns rows in key order; otherwise each step would sort all of them.
    conditions.push(
      isExecution && subjects.length === 1
        ? ['e.subject = ?', subjects[0] as number]
        : ['+e.subject IN (SELECT value FROM json_each(?))', JSON.stringify(subjects)],
    );
  }
  return conditions;
}

function subjectIds(db: Connection, kind: ExecutionKind | undefined, name: string | undefined): number[] {
  return db
    .prepare('SELECT id FROM subjects WHERE kind = coalesce(:kind, kind) AND name = coalesce(:name, name)')
    .pluck()
    .all({ kind: kind ?? null, name: name ?? null }) as number[];
}

/** Runs a statement for an id and caches the result. */
function lookup(find: Statement): (id: Value) => unknown {
  const found = new Map<Value, unknown>();
  return (id) => {
    let value = found.get(id);
    if (value === undefined) {
      value = find.get(id);
      if (found.size >= maxCachedNames) {
        found.clear();
      }
      found.set(id, value);
    }
    return value;
  };
}

interface Names {
  text(id: Value | undefined): string | null;
  subject(id: Value): Pick<StoredExecution, 'kind' | 'name'>;
}

/** Converts a row back to its event. Columns are as the encoder of the same type filled them. */
const toEvent: { readonly [T in EventType]: (row: Row, names: Names) => AnalyticsEvent } = {
  execution: (row, names) =>
    toExecution({
      ...row,
      ...names.subject(row['subject'] ?? null),
      ...Object.fromEntries(textColumns.map((column) => [column, names.text(row[column])])),
    } as unknown as StoredExecution),
  rating: (row, names) =>
    eventOf('rating', row, names, {
      skillId: names.subject(row['subject'] ?? null).name,
      rating: row['rating'],
      executionId: uuidOf(row['execution_id']),
      comment: row['comment'],
    }),
  health: (row, names) =>
    eventOf('health', row, names, {
      skillId: names.subject(row['subject'] ?? null).name,
      score: row['score'],
      deprecated: flagOf(row['deprecated']),
    }),
  toolkit: (row, names) =>
    eventOf('toolkit', row, names, {
      toolkit: names.text(row['toolkit']),
      operation: names.text(row['operation']),
      durationMs: row['duration_ms'],
      success: flagOf(row['success']),
      error: errorOf(names.text(row['error_type']), row['error_message']),
    }),
  metrics: (row, names) => eventOf('metrics', row, names, { values: jsonOf(row['metrics']), step: row['step'] }),
  run: (row, names) =>
    eventOf('run', row, names, {
      state: row['state'],
      name: row['name'],
      project: row['project'],
      config: jsonOf(row['config']),
      tags: jsonOf(row['tags']),
      summary: jsonOf(row['summary']),
    }),
  artifact: (row, names) =>
    eventOf('artifact', row, names, {
      name: row['name'],
      kind: row['kind'],
      path: row['path'],
      bytes: row['bytes'],
    }),
};

function eventOf(type: EventType, row: Row, names: Names, own: Readonly<Record<string, unknown>>): AnalyticsEvent {
  const fields: Readonly<Record<string, unknown>> = {
    type,
    id: uuidOf(row['id']),
    at: row['at'],
    runId: names.text(row['run']),
    userId: names.text(row['user']),
    orgId: names.text(row['org']),
    weight: row['weight'],
    attributes: jsonOf(row['attributes']),
    ...own,
  };
  const known = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(known) as unknown as AnalyticsEvent;
}

function uuidOf(value: Value | undefined): string | null {
  return Buffer.isBuffer(value) ? formatUuid(value) : null;
}

function flagOf(value: Value | undefined): boolean | null {
  return value === null || value === undefined ? null : value === 1;
}

function jsonOf(value: Value | undefined): unknown {
  return typeof value === 'string' ? JSON.parse(value) : null;
}

function errorOf(type: string | null, message: Value | undefined): unknown {
  if (type === null) {
    return null;
  }
  return typeof message === 'string' ? { type, message } : { type };
}
