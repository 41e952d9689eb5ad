import type { RunState, RunSummary } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import type { Db } from './filter.ts';
import { listed } from './names.ts';
import { toCounts, totalCost } from './numbers.ts';
import { allRuns, latest, type RunRow } from './run-events.ts';

interface Row extends RunRow {
  readonly id: string;
  readonly state: RunState | null;
  readonly name: string | null;
  readonly project: string | null;
  readonly tags: string | null;
  readonly config: string | null;
}

/** Summaries of runs by their ids in the dictionary, in the same order; unknown runs are left out. */
export async function runSummaries(db: Db, runs: readonly number[]): Promise<RunSummary[]> {
  const { rows } = await sql<Row>`
    SELECT r.*, (SELECT text FROM dictionary WHERE id = r.run) AS id, ${latest('state', sql`r.run`)} AS state,
      ${latest('name', sql`r.run`)} AS name, ${latest('project', sql`r.run`)} AS project, ${latest('tags', sql`r.run`)} AS tags,
      ${latest('config', sql`r.run`)} AS config
    FROM ${allRuns(sql`run IN ${listed(runs)}`)} r`.execute(db);
  const metrics = await lastValues(db, runs);
  const byRun = new Map(rows.map((row) => [row.run, toSummary(row, metrics.get(row.run) ?? [])]));
  return runs.flatMap((run) => byRun.get(run) ?? []);
}

function toSummary(row: Row, metrics: readonly Metric[]): RunSummary {
  const { executions, successes, tokens, cost_nano_usd, cost_weight } = row;
  return {
    runId: row.id,
    state: row.state,
    name: row.name,
    project: row.project,
    tags: row.tags === null ? [] : JSON.parse(row.tags),
    config: row.config === null ? {} : JSON.parse(row.config),
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    durationMs: row.finished_at === null ? null : Math.max(0, row.finished_at - row.started_at),
    ...toCounts({ executions: executions ?? 0, successes: successes ?? 0 }),
    totalTokens: tokens ?? 0,
    totalCostUsd: totalCost({ cost_nano_usd: cost_nano_usd ?? 0, cost_weight: cost_weight ?? 0 }),
    metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
  };
}

interface Metric {
  readonly run: number;
  readonly name: string;
  readonly value: number;
}

async function lastValues(db: Db, runs: readonly number[]): Promise<Map<number, Metric[]>> {
  const { rows } = await sql<Metric>`
    SELECT run, name, value FROM run_metrics WHERE run IN ${listed(runs)} ORDER BY run, name`.execute(db);
  return Map.groupBy(rows, ({ run }) => run);
}
