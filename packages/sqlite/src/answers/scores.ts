import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { all, type Db, type Filter, textId } from './filter.ts';

// Health scores of skills that were recorded.

/** A recorded health score. */
export interface SetScore {
  readonly score: number;
  /** Unix time in ms. */
  readonly at: number;
}

export type ScoreFilter = Pick<Filter, 'name' | 'orgId'>;

/** The latest score of each skill, by its id as a subject. */
export async function latestScores(db: Db, filter: ScoreFilter): Promise<Map<number, SetScore>> {
  const rows = await latest(db, filter, sql`TRUE`);
  return new Map(rows.map(({ subject, score, at }) => [subject, { score, at }]));
}

/** The skills, as subjects, that are deprecated according to the latest score that says whether they are. */
export async function deprecatedSkills(db: Db, filter: ScoreFilter): Promise<Set<number>> {
  const rows = await latest(db, filter, sql`e.deprecated IS NOT NULL`);
  return new Set(rows.filter(({ deprecated }) => deprecated === 1).map(({ subject }) => subject));
}

interface Row extends SetScore {
  readonly subject: number;
  readonly deprecated: number | null;
}

/** One index lookup per skill. Ids of one ms are in the order of recording. */
async function latest(db: Db, { name, orgId }: ScoreFilter, condition: RawBuilder<SqlBool>): Promise<readonly Row[]> {
  const where = all([
    sql`e.subject = s.id`,
    orgId === undefined ? undefined : sql`e.org = ${textId(orgId)}`,
    condition,
  ]);
  return db
    .selectFrom('subjects as s')
    .innerJoin('health_events as h', (join) =>
      join.on(
        'h.seq',
        '=',
        sql<number>`(SELECT e.seq FROM health_events e WHERE ${where} ORDER BY e.at DESC, e.id DESC LIMIT 1)`,
      ),
    )
    .where('s.kind', '=', 'skill')
    .$if(name !== undefined, (query) => query.where('s.name', '=', name ?? ''))
    .select(['h.subject', 'h.score', 'h.at', 'h.deprecated'])
    .execute();
}
