import { sql } from 'kysely';
import { all, type Db, type Filter, isSubject, textId } from './filter.ts';

export interface Ratings {
  readonly count: number;
  /** Sum of the stars. */
  readonly stars: number;
  /** The number of ratings with each number of stars, from one on. */
  readonly byStars: readonly [number, number, number, number, number];
  /** Unix time in ms. */
  readonly lastAt: number;
}

/** The conditions of a filter that apply to ratings. */
export type RatingFilter = Pick<Filter, 'from' | 'to' | 'orgId' | 'name'>;

/** The ratings of each skill, by its id as a subject. Ratings are not sampled: each counts once. */
export async function ratings(db: Db, { from, to, orgId, name }: RatingFilter): Promise<Map<number, Ratings>> {
  const rows = await db
    .selectFrom('rating_events as e')
    .where(
      all([
        from === undefined ? undefined : sql`e.at >= ${from}`,
        to === undefined ? undefined : sql`e.at < ${to}`,
        orgId === undefined ? undefined : sql`e.org = ${textId(orgId)}`,
        name === undefined ? undefined : isSubject({ kind: 'skill', name }, sql`e.subject`),
      ]),
    )
    .groupBy('e.subject')
    .select(({ fn }) => ['e.subject', fn.countAll<number>().as('count'), fn.sum<number>('e.rating').as('stars')])
    .select(([1, 2, 3, 4, 5] as const).map((stars) => sql<number>`sum(e.rating = ${sql.lit(stars)})`.as(`of${stars}`)))
    .select(({ fn }) => fn.max<number>('e.at').as('lastAt'))
    .execute();
  return new Map(
    rows.map(({ subject, count, stars, lastAt, of1, of2, of3, of4, of5 }) => [
      subject,
      { count, stars, lastAt, byStars: [of1, of2, of3, of4, of5] },
    ]),
  );
}
