import type { FigureCondition, MetricCondition, RunFigure, RunState, RunSummary } from '@toolweaver/analytics-core';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { all, atMost, type Db } from './filter.ts';
import { differenceDigits } from './numbers.ts';
import { allRuns, latest } from './run-events.ts';
import { runSummaries } from './run-summaries.ts';

export interface RunsQuestion {
  readonly filter: RunConditions;
  readonly orderBy: RunFigure | { readonly metric: string };
  readonly order: 'asc' | 'desc';
  readonly after: RunPosition | undefined;
  readonly limit: number;
}

interface RunConditions {
  /** Limits the start of runs. `to` is exclusive. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly project?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: RunState | undefined;
  readonly tag?: string | undefined;
  readonly where: readonly (MetricCondition | FigureCondition)[];
}

/** Where a page of runs ended. */
export interface RunPosition {
  /** The value that the page is ordered by, as the database compares it; null for runs without one. */
  readonly value: number | null;
  readonly startedAt: number;
  readonly runId: string;
}

export interface ListedRun {
  readonly summary: RunSummary;
  readonly position: RunPosition;
}

/** Finds the runs of the page by a few figures first, and then reads the rest of these only. */
export async function runs(db: Db, question: RunsQuestion): Promise<ListedRun[]> {
  const { filter, orderBy, order, after, limit } = question;
  const { rows } = await sql<Found>`
    SELECT * FROM (
      SELECT r.run, r.started_at, ${orderValue(orderBy)} AS value, d.text AS id
      FROM ${allRuns()} r JOIN dictionary d ON d.id = r.run
      WHERE ${conditions(filter)}
    )
    WHERE ${after === undefined ? sql`TRUE` : follows(after, order)}
    ORDER BY value IS NULL, value ${sql.raw(order === 'asc' ? 'ASC' : 'DESC')}, started_at DESC, id
    LIMIT ${atMost(limit)}`.execute(db);
  const summaries = await runSummaries(
    db,
    rows.map(({ run }) => run),
  );
  return rows.flatMap(({ value, started_at, id }, at) => {
    const summary = summaries[at];
    return summary === undefined ? [] : [{ summary, position: { value, startedAt: started_at, runId: id } }];
  });
}

interface Found {
  readonly run: number;
  readonly started_at: number;
  readonly value: number | null;
  readonly id: string;
}

const values: Readonly<Record<RunFigure, RawBuilder<number | null>>> = {
  startedAt: sql`r.started_at`,
  durationMs: sql`max(0, r.finished_at - r.started_at)`,
  executions: sql`coalesce(r.executions, 0)`,
  failures: sql`CASE WHEN r.successes > 0 THEN round(r.executions - r.successes, ${sql.lit(differenceDigits)})
    ELSE coalesce(r.executions, 0) END`,
  totalCostUsd: sql`CASE WHEN r.cost_weight > 0 THEN r.cost_nano_usd END`,
  totalTokens: sql`coalesce(r.tokens, 0)`,
};

function orderValue(orderBy: RunsQuestion['orderBy']): RawBuilder<number | null> {
  return typeof orderBy === 'string' ? values[orderBy] : metricValue(orderBy.metric);
}

function metricValue(name: string): RawBuilder<number | null> {
  return sql`(SELECT value FROM run_metrics WHERE run = r.run AND name = ${name})`;
}

/** A condition for what comes after a run in the order of pages. */
function follows({ value, startedAt, runId }: RunPosition, order: 'asc' | 'desc'): RawBuilder<SqlBool> {
  const later = sql<SqlBool>`(started_at < ${startedAt} OR (started_at = ${startedAt} AND id > ${runId}))`;
  const further = sql.raw(order === 'asc' ? '>' : '<');
  return value === null
    ? sql`value IS NULL AND ${later}`
    : sql`(value IS NULL OR value ${further} ${value} OR (value = ${value} AND ${later}))`;
}

const operators = { '<': sql`<`, '<=': sql`<=`, '=': sql`=`, '>=': sql`>=`, '>': sql`>` };

function conditions({ from, to, project, name, state, tag, where }: RunConditions): RawBuilder<SqlBool> {
  const run = sql`r.run`;
  return all([
    from === undefined ? undefined : sql`r.started_at >= ${from}`,
    to === undefined ? undefined : sql`r.started_at < ${to}`,
    project === undefined ? undefined : sql`${latest('project', run)} = ${project}`,
    name === undefined ? undefined : sql`${latest('name', run)} = ${name}`,
    state === undefined ? undefined : sql`${latest('state', run)} = ${state}`,
    tag === undefined ? undefined : sql`${tag} IN (SELECT value FROM json_each(${latest('tags', run)}))`,
    ...where.map(holds),
  ]);
}

function holds(condition: MetricCondition | FigureCondition): RawBuilder<SqlBool> {
  const { op, value } = condition;
  if ('metric' in condition) {
    return sql`${metricValue(condition.metric)} ${operators[op]} ${value}`;
  }
  const { figure } = condition;
  // Compares whole nano-dollars, as neither a sum of sampled costs nor an amount in dollars is exact.
  return figure === 'totalCostUsd'
    ? sql`round(${values.totalCostUsd} - ${value * 1e9}) ${operators[op]} 0`
    : sql`${values[figure]} ${operators[op]} ${value}`;
}
