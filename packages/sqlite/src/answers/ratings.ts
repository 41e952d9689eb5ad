import { sql } from 'kysely';
import { all, type Db, type Filter, textId } from './filter.ts';

export interface Ratings {
  readonly count: number;
  /** Sum of the stars. */
  readonly stars: number;
}

/** Of each skill, by its id as a subject. */
export async function ratings(
  db: Db,
  { from, to, orgId }: Pick<Filter, 'from' | 'to' | 'orgId'>,
): Promise<Map<number, Ratings>> {
  const rows = await db
    .selectFrom('rating_events as e')
    .where(
      all([
        from === undefined ? undefined : sql`e.at >= ${from}`,
        to === undefined ? undefined : sql`e.at < ${to}`,
        orgId === undefined ? undefined : sql`e.org = ${textId(orgId)}`,
      ]),
    )
    .groupBy('e.subject')
    .select(({ fn }) => ['e.subject', fn.countAll<number>().as('count'), fn.sum<number>('e.rating').as('stars')])
    .execute();
  return new Map(rows.map(({ subject, count, stars }) => [subject, { count, stars }]));
}
