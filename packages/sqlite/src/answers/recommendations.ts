import type { LoggedRecommendation } from '@toolweaver/analytics-core';
import { formatUuid } from '../stored.ts';
import { atMost, type Db } from './filter.ts';

export interface RecommendationsQuestion {
  readonly userId: string | undefined;
  readonly skillId: string | undefined;
  readonly limit: number;
}

/** Logged recommendations, newest first, then by id. */
export async function recommendations(db: Db, question: RecommendationsQuestion): Promise<LoggedRecommendation[]> {
  const { userId, skillId, limit } = question;
  const rows = await db
    .selectFrom('recommendations as r')
    .innerJoin('subjects as s', 's.id', 'r.subject')
    .innerJoin('dictionary as u', 'u.id', 'r.user')
    .leftJoin('dictionary as o', 'o.id', 'r.org')
    .$if(userId !== undefined, (query) => query.where('u.text', '=', userId ?? ''))
    .$if(skillId !== undefined, (query) => query.where('s.name', '=', skillId ?? ''))
    .select(['r.id', 'r.type', 'r.score', 'r.reason', 'r.at', 'r.clicked_at', 'r.installed_at'])
    .select(['s.name as skillId', 'u.text as userId', 'o.text as orgId'])
    .orderBy('r.at', 'desc')
    .orderBy('r.id')
    .limit(atMost(limit))
    .execute();
  return rows.map(({ id, at, clicked_at, installed_at, ...logged }) => ({
    ...logged,
    id: formatUuid(id),
    recommendedAt: at,
    clickedAt: clicked_at,
    installedAt: installed_at,
  }));
}
