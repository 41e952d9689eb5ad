import type { Heatmap } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import { hourMs } from '../cell.ts';
import type { Db, Filter } from './filter.ts';
import { listed } from './names.ts';
import { averageLatency, toCounts, totals } from './numbers.ts';
import { operationTotals } from './operations.ts';
import { byKindAndName, descending, inOrder } from './order.ts';
import { select } from './selection.ts';

export interface HeatmapQuestion {
  /** Time, kind and organisation. */
  readonly filter: Filter & Required<Pick<Filter, 'kind'>>;
  readonly limit: number;
}

export async function heatmap(db: Db, { filter, limit }: HeatmapQuestion): Promise<Heatmap> {
  const selection = await select(db, filter, { widest: 'hours' });
  const used = (await operationTotals(db, selection))
    .sort(
      inOrder(
        descending(({ executions }) => executions),
        byKindAndName,
      ),
    )
    .slice(0, limit);
  const hour = sql<number>`CAST(c.start / ${sql.lit(hourMs)} AS INTEGER) % 24`;
  const rows = await db
    .selectFrom(selection.figures.as('c'))
    .where('c.subject', 'in', listed(used.map(({ subject }) => subject)))
    .groupBy(['c.subject', hour])
    .select(['c.subject', hour.as('hour')])
    .select(totals)
    .execute();
  const bySubject = Map.groupBy(rows, ({ subject }) => subject);
  return {
    rows: used.map(({ subject, name, executions }) => {
      const own = new Map(bySubject.get(subject)?.map((row) => [row.hour, row]));
      return {
        name,
        executions,
        hours: Array.from({ length: 24 }, (_, at) => {
          const row = own.get(at);
          return row === undefined
            ? { executions: 0, failures: 0, averageLatencyMs: null }
            : { executions: row.executions, failures: toCounts(row).failures, averageLatencyMs: averageLatency(row) };
        }),
      };
    }),
  };
}
