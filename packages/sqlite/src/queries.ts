import type {
  ExecutionCounts,
  ExecutionEvent,
  LatencyStats,
  LeaderboardEntry,
  SkillUsage,
  Summary,
} from '@toolweaver/analytics-core';
import { Kysely, type RawBuilder, type SqlBool, SqliteDialect, sql } from 'kysely';
import type { Connection } from './database.ts';
import type { ExecutionsQuestion, Filter, LeaderboardQuestion, Question, UsageQuestion } from './question.ts';
import { parseUuid, type TextColumn, toExecution } from './stored.ts';
import type { Tables } from './tables.ts';

type Db = Kysely<Tables>;

/** How many of the slowest executions a summary shows. */
const slowestCount = 5;

/** Answers from one state of the database, whatever is written meanwhile. */
export function answer(connection: Connection, question: Question): Promise<unknown> {
  const db: Db = new Kysely({ dialect: new SqliteDialect({ database: connection }) });
  return db.transaction().execute((tx): Promise<unknown> => {
    switch (question.ask) {
      case 'usage':
        return usage(tx, question);
      case 'leaderboard':
        return leaderboard(tx, question);
      case 'summary':
        return summary(tx, question.filter);
      case 'executions':
        return executions(tx, question);
    }
  });
}

// Pieces of queries over a table of events `e`. `total()` sums in floating point: whole numbers are exact up to 2⁵³, and
// none can overflow.
const weight: RawBuilder<number> = sql`coalesce(e.weight, 1)`;
const sum = (value: RawBuilder<unknown>): RawBuilder<number> => sql`total(${weight} * (${value}))`;
/** The sum of the weights where a value is known. */
const known = (value: RawBuilder<unknown>): RawBuilder<number> =>
  sql`total(CASE WHEN ${value} IS NOT NULL THEN ${weight} END)`;
const latency = sql`e.latency_ms`;
const averageLatency: RawBuilder<number | null> = sql`${sum(latency)} / ${known(latency)}`;
const tokens = sql`e.input_tokens + e.cache_read_tokens + e.cache_write_tokens + e.output_tokens + e.reasoning_tokens`;

function textOf(column: TextColumn): RawBuilder<string | null> {
  return sql`(SELECT text FROM dictionary WHERE id = ${sql.ref(`e.${column}`)})`;
}

function isText(column: TextColumn, text: string): RawBuilder<SqlBool> {
  return sql`${sql.ref(`e.${column}`)} = (SELECT id FROM dictionary WHERE text = ${text})`;
}

/** All conditions of a filter, for `e` and its subject `s`. */
function conditions(filter: Filter): RawBuilder<SqlBool> {
  const { from, to, orgId, userId, runId, kind, name, success, errorType } = filter;
  const given = [
    from === undefined ? undefined : sql`e.at >= ${from}`,
    to === undefined ? undefined : sql`e.at < ${to}`,
    orgId === undefined ? undefined : isText('org', orgId),
    userId === undefined ? undefined : isText('user', userId),
    runId === undefined ? undefined : isText('run', runId),
    kind === undefined ? undefined : sql`s.kind = ${kind}`,
    name === undefined ? undefined : sql`s.name = ${name}`,
    success === undefined ? undefined : sql`e.success = ${Number(success)}`,
    errorType === undefined ? undefined : isText('error_type', errorType),
  ].filter((condition) => condition !== undefined);
  return given.length === 0 ? sql`TRUE` : sql.join(given, sql` AND `);
}

/** The executions that fulfil a filter. */
function matching(db: Db, filter: Filter) {
  return db
    .selectFrom('execution_events as e')
    .innerJoin('subjects as s', 's.id', 'e.subject')
    .where(conditions(filter));
}

const counts = [
  sum(sql`1`).as('executions'),
  sum(sql`e.success`).as('successes'),
  sum(sql`1 - e.success`).as('failures'),
] as const;

function toCounts(row: Omit<ExecutionCounts, 'successRate'>): ExecutionCounts {
  const { executions, successes, failures } = row;
  return { executions, successes, failures, successRate: executions === 0 ? null : successes / executions };
}

async function usage(db: Db, { filter }: UsageQuestion): Promise<SkillUsage> {
  const row = await matching(db, filter)
    .select(counts)
    .select(({ fn }) => [fn.count<number>('e.user').distinct().as('uniqueUsers'), fn.max('e.at').as('lastUsedAt')])
    .executeTakeFirstOrThrow();
  return {
    skillId: filter.name,
    from: filter.from,
    to: filter.to,
    ...toCounts(row),
    uniqueUsers: row.uniqueUsers,
    latencyMs: await latencies(db, filter),
    lastUsedAt: row.lastUsedAt,
  };
}

/** Nearest rank among all latencies, each as often as its weight says. */
async function latencies(db: Db, filter: Filter): Promise<LatencyStats> {
  const distinct = matching(db, filter)
    .where('e.latency_ms', 'is not', null)
    .groupBy('e.latency_ms')
    .select(['e.latency_ms as ms', sum(sql`1`).as('weight')]);
  const ranked = db.selectFrom(distinct.as('d')).select(({ fn }) => [
    'd.ms',
    'd.weight',
    fn
      .sum<number>('d.weight')
      .over((over) => over.orderBy('d.ms'))
      .as('reached'),
    fn.sum<number>('d.weight').over().as('all'),
  ]);
  // Sums of fractions are off by their last digits: what a rank misses by that little it has reached.
  const percentile = (percent: number): RawBuilder<number | null> =>
    sql`min(r.ms) FILTER (WHERE r.reached * 100 >= r."all" * ${percent} * (1 - 1e-12))`;
  return db
    .selectFrom(ranked.as('r'))
    .select(({ fn }) => [
      sql<number | null>`total(r.ms * r.weight) / total(r.weight)`.as('average'),
      fn.min('r.ms').as('min'),
      fn.max('r.ms').as('max'),
      percentile(50).as('p50'),
      percentile(95).as('p95'),
      percentile(99).as('p99'),
    ])
    .executeTakeFirstOrThrow();
}

async function leaderboard(db: Db, question: LeaderboardQuestion): Promise<LeaderboardEntry[]> {
  const { metric, kind, filter, minExecutions, limit } = question;
  const executed = matching(db, { ...filter, kind })
    .groupBy('e.subject')
    .select(counts)
    .select(['e.subject', averageLatency.as('averageLatencyMs')]);
  const rated = db
    .selectFrom('rating_events as e')
    .where(conditions(filter))
    .groupBy('e.subject')
    .select(['e.subject', sum(sql`1`).as('ratings'), sum(sql`e.rating`).as('stars')]);
  const board = db
    .selectFrom('subjects as s')
    .leftJoin(executed.as('x'), 'x.subject', 's.id')
    .leftJoin(rated.as('r'), 'r.subject', 's.id')
    .where('s.kind', '=', kind)
    .where(({ or, eb }) => or([eb('x.subject', 'is not', null), eb('r.subject', 'is not', null)]))
    .select(({ fn, val, eb }) => [
      's.name',
      fn.coalesce('x.executions', val(0)).as('executions'),
      fn.coalesce('x.successes', val(0)).as('successes'),
      fn.coalesce('x.failures', val(0)).as('failures'),
      eb('x.successes', '/', eb.ref('x.executions')).as('successRate'),
      'x.averageLatencyMs',
      fn.coalesce('r.ratings', val(0)).as('ratings'),
      eb('r.stars', '/', eb.ref('r.ratings')).as('averageRating'),
    ]);
  const score = (
    {
      executions: 'b.executions',
      success: 'b.successRate',
      latency: 'b.averageLatencyMs',
      rating: 'b.averageRating',
    } as const
  )[metric];
  const rows = await db
    .selectFrom(board.as('b'))
    .selectAll('b')
    .select(`${score} as score`)
    .where(score, 'is not', null)
    .where('b.executions', '>=', minExecutions)
    .orderBy(score, metric === 'latency' ? 'asc' : 'desc')
    .orderBy('b.executions', 'desc')
    .orderBy('b.name')
    .limit(limit)
    .execute();
  return rows.map(({ score: reached, name, averageLatencyMs, averageRating, ratings, ...row }, at) => ({
    rank: at + 1,
    name,
    score: Number(reached),
    ...toCounts(row),
    averageLatencyMs,
    averageRating,
    ratings,
  }));
}

async function summary(db: Db, filter: Filter): Promise<Summary> {
  const all = matching(db, filter);
  const totals = await all
    .select(counts)
    .select(({ fn }) => [
      sum(tokens).as('totalTokens'),
      sql<number | null>`CASE WHEN count(e.cost_nano_usd) > 0 THEN ${sum(sql`e.cost_nano_usd`)} / 1e9 END`.as(
        'totalCostUsd',
      ),
      sql<number | null>`${sum(sql`e.cache_hit`)} / ${known(sql`e.cache_hit`)}`.as('cacheHitRate'),
      fn.count<number>('e.run').distinct().as('runs'),
    ])
    .executeTakeFirstOrThrow();
  const names = await all
    .groupBy('e.subject')
    .select(['s.kind', 's.name', averageLatency.as('averageLatencyMs')])
    .select(counts)
    .orderBy('executions', 'desc')
    .orderBy('s.kind')
    .orderBy('s.name')
    .execute();
  const errorType = sql<string>`coalesce(${textOf('error_type')}, 'unknown')`;
  const failuresByType = await all
    .where('e.success', '=', 0)
    .groupBy(['e.subject', errorType])
    .select(['s.kind', 's.name', errorType.as('errorType'), sum(sql`1`).as('failures')])
    .orderBy('failures', 'desc')
    .orderBy('s.kind')
    .orderBy('s.name')
    .orderBy('errorType')
    .execute();
  const slowest = all
    .where('e.latency_ms', 'is not', null)
    .select('e.seq')
    .orderBy('e.latency_ms', 'desc')
    .orderBy('e.at', 'desc')
    .orderBy('e.id', 'desc')
    .limit(slowestCount);
  return {
    ...toCounts(totals),
    latencyMs: await latencies(db, filter),
    totalTokens: totals.totalTokens,
    totalCostUsd: totals.totalCostUsd,
    cacheHitRate: totals.cacheHitRate,
    names: names.map(({ kind, name, averageLatencyMs, ...row }) => ({
      kind,
      name,
      ...toCounts(row),
      averageLatencyMs,
    })),
    failuresByType,
    slowest: await load(db, await slowest.execute()),
    runs: totals.runs,
  };
}

async function executions(db: Db, { filter, after, limit }: ExecutionsQuestion): Promise<ExecutionEvent[]> {
  const before =
    after === undefined ? sql<SqlBool>`TRUE` : sql<SqlBool>`(e.at, e.id) < (${after.at}, ${parseUuid(after.id)})`;
  const page = await matching(db, filter)
    .where(before)
    .select('e.seq')
    .orderBy('e.at', 'desc')
    .orderBy('e.id', 'desc')
    .limit(limit)
    .execute();
  return load(db, page);
}

/** Whole executions, in the order given. Apart from the search, so that texts are only looked up for what was found. */
async function load(db: Db, wanted: readonly { readonly seq: number }[]): Promise<ExecutionEvent[]> {
  const rows = await db
    .selectFrom('execution_events as e')
    .innerJoin('subjects as s', 's.id', 'e.subject')
    .where(
      'e.seq',
      'in',
      wanted.map(({ seq }) => seq),
    )
    .select(['s.kind', 's.name', 'e.seq', 'e.id', 'e.at', 'e.weight', 'e.attributes', 'e.success', 'e.latency_ms'])
    .select(['e.parent_id', 'e.error_message', 'e.attempt', 'e.cache_hit', 'e.input_bytes', 'e.output_bytes'])
    .select(['e.input_tokens', 'e.cache_read_tokens', 'e.cache_write_tokens', 'e.output_tokens'])
    .select(['e.reasoning_tokens', 'e.cost_nano_usd'])
    .select([textOf('run').as('run'), textOf('user').as('user'), textOf('org').as('org')])
    .select([textOf('error_type').as('error_type'), textOf('version').as('version'), textOf('toolkit').as('toolkit')])
    .select([textOf('model').as('model'), textOf('provider').as('provider')])
    .select(textOf('cost_source').as('cost_source'))
    .execute();
  const bySeq = new Map(rows.map((row) => [row.seq, toExecution(row)]));
  return wanted.flatMap(({ seq }) => bySeq.get(seq) ?? []);
}
