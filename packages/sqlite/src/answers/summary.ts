import type { Summary } from '@toolweaver/analytics-core';
import { type SqlBool, sql } from 'kysely';
import { figureNames } from '../cell.ts';
import { executions } from './executions.ts';
import { all, type Db, type Filter, matches, textId } from './filter.ts';
import { addUp, ratio, toCosts, toCounts, toLatency, totalTokens } from './numbers.ts';
import { operationFailures, operationSummaries, operationTotals } from './operations.ts';
import { byKindAndName, compareTexts, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface SummaryQuestion {
  /** Time, organisation, user and run. */
  readonly filter: Pick<Filter, 'from' | 'to' | 'orgId' | 'userId' | 'runId'>;
}

/** How many of the slowest executions a summary shows. */
const slowestCount = 5;

export async function summary(db: Db, { filter }: SummaryQuestion): Promise<Summary> {
  const selection = await select(db, filter);
  const operations = await operationTotals(db, selection);
  const found = addUp(operations, figureNames);
  const distribution = (await selection.distributions({ latency: true })).get(0);
  const failures = await operationFailures(db, selection);
  return {
    ...toCounts(found),
    latencyMs: toLatency(found, distribution?.latency),
    ...toCosts(found),
    totalTokens: totalTokens(found),
    cacheHitRate: ratio(found.cache_hits, found.cache_hits + found.cache_misses),
    operations: operationSummaries(operations),
    failuresByType: failures.sort(
      inOrder(
        descending((group) => group.failures),
        byKindAndName,
        (one, other) => compareTexts(one.errorType, other.errorType),
      ),
    ),
    slowest: await executions(db, { filter, orderBy: 'latencyMs', after: undefined, limit: slowestCount }),
    runs: await countRuns(db, filter),
  };
}

async function countRuns(db: Db, filter: SummaryQuestion['filter']): Promise<number> {
  const { from, to, orgId, userId, runId } = filter;
  const wentOn = all([
    to === undefined ? undefined : sql<SqlBool>`first_at < ${to}`,
    from === undefined ? undefined : sql<SqlBool>`last_at >= ${from}`,
    orgId === undefined ? undefined : sql<SqlBool>`org = ${textId(orgId)}`,
  ]);
  const { rows } = await (userId === undefined && runId === undefined
    ? sql<{ runs: number }>`SELECT count(*) AS runs FROM run_rollups WHERE ${wentOn}`
    : sql<{ runs: number }>`SELECT count(DISTINCT e.run) AS runs FROM execution_events e WHERE ${matches(filter)}`
  ).execute(db);
  return rows[0]?.runs ?? 0;
}
