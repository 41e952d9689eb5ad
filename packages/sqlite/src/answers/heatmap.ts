import type { Heatmap } from '@toolweaver/analytics-core';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { hourMs } from '../cell.ts';
import type { Db, Filter } from './filter.ts';
import { listed, namesOf } from './names.ts';
import { averageLatency, toCounts, totalsOf } from './numbers.ts';
import { compareTexts, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface HeatmapQuestion {
  /** Time, kind and organisation. */
  readonly filter: Filter & Required<Pick<Filter, 'kind'>>;
  readonly limit: number;
}

export async function heatmap(db: Db, { filter: asked, limit }: HeatmapQuestion): Promise<Heatmap> {
  // Starts at `completeFrom`: deleted hours contain only late arrivals, and would show too little.
  const { completeFrom } = await select(db, asked, { widest: 'hours' });
  const filter = { ...asked, from: Math.max(asked.from ?? 0, completeFrom) };
  const selection = await select(db, filter, { widest: 'hours' });
  const hour = sql<number>`CAST(c.start / ${sql.lit(hourMs)} AS INTEGER) % 24`;
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .where(selection.inRows ? sql<SqlBool>`TRUE` : await isAmongMostUsed(db, filter, limit))
    .groupBy(['c.subject', hour])
    .select(['c.subject', hour.as('hour')])
    .select(totalsOf('executions', 'successes', 'latency_weight', 'latency_sum'))
    .execute();
  const bySubject = Map.groupBy(rows, ({ subject }) => subject);
  const names = await namesOf(db, [...bySubject.keys()]);
  return {
    rows: Array.from(bySubject, ([subject, own]) => ({
      name: names.get(subject)?.name ?? '',
      executions: own.reduce((sum, { executions }) => sum + executions, 0),
      hours: Array.from({ length: 24 }, (_, at) => toHour(own.find((row) => row.hour === at))),
    }))
      .sort(
        inOrder(
          descending(({ executions }) => executions),
          (one, other) => compareTexts(one.name, other.name),
        ),
      )
      .slice(0, limit),
  };
}

type Hour = Parameters<typeof toCounts>[0] & Parameters<typeof averageLatency>[0];

function toHour(found: Hour | undefined): Heatmap['rows'][number]['hours'][number] {
  return found === undefined
    ? { executions: 0, failures: 0, averageLatencyMs: null }
    : { executions: found.executions, failures: toCounts(found).failures, averageLatencyMs: averageLatency(found) };
}

/** Determines the most used from daily cells, so that the hours of others need not be read. */
async function isAmongMostUsed(db: Db, filter: Filter, limit: number): Promise<RawBuilder<SqlBool>> {
  const { figures } = await select(db, filter);
  const rows = await db
    .selectFrom(figures.as('c'))
    .groupBy('c.subject')
    .select('c.subject')
    .select(totalsOf('executions'))
    .execute();
  const least = rows.map(({ executions }) => executions).sort((one, other) => other - one)[limit - 1] ?? 0;
  return sql`c.subject IN ${listed(rows.filter(({ executions }) => executions >= least).map(({ subject }) => subject))}`;
}
