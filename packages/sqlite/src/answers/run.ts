import type { JsonObject, RunDetails } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { deepest } from './depth.ts';
import type { Db } from './filter.ts';
import { toLatency, totals } from './numbers.ts';
import { operationSummaries, operationTotals } from './operations.ts';
import { latest } from './run-events.ts';
import { runSummaries } from './run-summaries.ts';
import { select } from './selection.ts';

export interface RunQuestion {
  readonly runId: string;
}

/** Undefined for an unknown run. */
export async function run(db: Db, { runId }: RunQuestion): Promise<RunDetails | undefined> {
  const known = await db.selectFrom('dictionary').where('text', '=', runId).select('id').executeTakeFirst();
  const [summary] = known === undefined ? [] : await runSummaries(db, [known.id]);
  if (known === undefined || summary === undefined) {
    return undefined;
  }
  const selection = await select(db, { runId });
  const found = await db.selectFrom(selection.figures.as('c')).select(totals).executeTakeFirstOrThrow();
  const distribution = (await selection.distributions({ latency: true })).get(0);
  return {
    ...summary,
    summary: await finalSummary(db, known.id),
    latencyMs: toLatency(found, distribution?.latency),
    maxDepth: await maxDepth(db, known.id),
    operations: operationSummaries(await operationTotals(db, selection)),
    artifacts: await artifacts(db, known.id),
  };
}

async function finalSummary(db: Db, id: number): Promise<JsonObject> {
  const { rows } = await sql<{ json: string | null }>`SELECT ${latest('summary', sql`${id}`)} AS json`.execute(db);
  return JSON.parse(rows[0]?.json ?? '{}');
}

async function artifacts(db: Db, id: number): Promise<RunDetails['artifacts']> {
  const { rows } = await sql<RunDetails['artifacts'][number]>`
    SELECT name, kind, path, length(bytes) AS bytes, at FROM artifact_events WHERE run = ${id} ORDER BY at, seq`.execute(
    db,
  );
  return rows;
}

async function maxDepth(db: Db, id: number): Promise<number> {
  const { rows: counts } = await sql<{ all: number; called: number }>`
    SELECT count(*) AS "all", count(parent_id) AS called FROM execution_events WHERE run = ${id}`.execute(db);
  if ((counts[0]?.called ?? 0) === 0) {
    // A flat run, however large, need not be loaded into memory.
    return Math.min(1, counts[0]?.all ?? 0);
  }
  const { rows } = await sql<{ id: Buffer; parent: Buffer | null }>`
    SELECT id, parent_id AS parent FROM execution_events WHERE run = ${id}`.execute(db);
  return deepest(new Map(rows.map((row) => [row.id.toString('latin1'), row.parent?.toString('latin1')])));
}
