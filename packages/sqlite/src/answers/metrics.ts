import type { SkillMetrics } from '@toolweaver/analytics-core';
import type { Db } from './filter.ts';
import { averageLatency, ratio, toCounts, totals } from './numbers.ts';
import { ratings } from './ratings.ts';
import { deprecatedSkills, latestScores } from './scores.ts';
import { select } from './selection.ts';

export interface MetricsQuestion {
  readonly skillId: string;
  readonly orgId: string | undefined;
}

/** In a corrected rating, the mean of all skills weighs as much as this many ratings. */
const priorRatings = 5;

export async function metrics(db: Db, { skillId, orgId }: MetricsQuestion): Promise<SkillMetrics | undefined> {
  const filter = { kind: 'skill', name: skillId, orgId } as const;
  const { figures } = await select(db, filter);
  const found = await db.selectFrom(figures.as('c')).select(totals).executeTakeFirstOrThrow();
  const [rated] = (await ratings(db, filter)).values();
  const [set] = (await latestScores(db, filter)).values();
  if (found.last_at === null && rated === undefined && set === undefined) {
    return undefined;
  }
  const { count = 0, stars = 0, byStars = [0, 0, 0, 0, 0] as const } = rated ?? {};
  const deprecated = await deprecatedSkills(db, filter);
  return {
    skillId,
    ...toCounts(found),
    averageLatencyMs: averageLatency(found),
    ratings: count,
    ratingCounts: { 1: byStars[0], 2: byStars[1], 3: byStars[2], 4: byStars[3], 5: byStars[4] },
    averageRating: ratio(stars, count),
    correctedRating:
      count === 0 ? null : (stars + priorRatings * (await meanRating(db, orgId))) / (count + priorRatings),
    healthScore: set?.score ?? null,
    firstUsedAt: found.first_at,
    lastUsedAt: found.last_at,
    lastRatedAt: rated?.lastAt ?? null,
    deprecated: deprecated.size > 0,
  };
}

/** The mean of all ratings, of which there must be at least one. */
async function meanRating(db: Db, orgId: string | undefined): Promise<number> {
  const all = [...(await ratings(db, { orgId })).values()];
  const [stars, count] = all.reduce((sums, one) => [sums[0] + one.stars, sums[1] + one.count], [0, 0]);
  return stars / count;
}
