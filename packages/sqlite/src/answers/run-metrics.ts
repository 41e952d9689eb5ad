import type { MetricPoint } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { atMost, type Db, textId } from './filter.ts';

export interface RunMetricsQuestion {
  readonly runId: string;
  readonly name: string | undefined;
  /** The most points to return: the newest. */
  readonly limit: number;
}

/** Oldest first. */
export async function runMetrics(db: Db, { runId, name, limit }: RunMetricsQuestion): Promise<MetricPoint[]> {
  const { rows } = await sql<MetricPoint>`
    SELECT m.key AS name, e.step, e.at, CAST(m.value AS REAL) AS value
    FROM metrics_events e, json_each(e.metrics) m
    WHERE e.run = ${textId(runId)} AND ${name === undefined ? sql`TRUE` : sql`m.key = ${name}`}
    ORDER BY e.at DESC, m.key DESC, e.step DESC, e.seq DESC LIMIT ${atMost(limit)}`.execute(db);
  return rows.reverse();
}
