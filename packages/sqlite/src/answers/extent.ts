import { sql } from 'kysely';
import { dayMs } from '../cell.ts';
import { tailBits } from '../sequence.ts';
import type { Db } from './filter.ts';

/** The times for which there is data, and at what detail. */
export interface Extent {
  /** The first and last ms with data; undefined if there is none. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** Rows, and hourly cells, before these times were deleted. */
  readonly rowsFrom: number;
  readonly hoursFrom: number;
}

export async function readExtent(db: Db): Promise<Extent> {
  const { rows } = await sql<{ first: number | null; last: number | null; rowsFrom: number; hoursFrom: number }>`
    SELECT
      (SELECT min(t) FROM (
        SELECT min(seq) >> ${sql.lit(tailBits)} AS t FROM execution_events
        UNION ALL SELECT min(start) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0
      )) AS first,
      (SELECT max(t) FROM (
        SELECT max(seq) >> ${sql.lit(tailBits)} AS t FROM execution_events
        UNION ALL SELECT max(last_at) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0
          AND start = (SELECT max(start) FROM rollups WHERE width = ${sql.lit(dayMs)} AND org = 0)
      )) AS last,
      coalesce((SELECT before FROM floors WHERE name = 'executions'), 0) AS rowsFrom,
      coalesce((SELECT before FROM floors WHERE name = 'hours'), 0) AS hoursFrom`.execute(db);
  const found = rows[0];
  return {
    first: found?.first ?? undefined,
    last: found?.last ?? undefined,
    rowsFrom: found?.rowsFrom ?? 0,
    hoursFrom: found?.hoursFrom ?? 0,
  };
}
