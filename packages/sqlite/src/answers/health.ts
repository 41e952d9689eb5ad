import type { HealthPart, SkillHealth } from '@toolweaver/analytics-core';
import type { Db } from './filter.ts';
import { namesOf } from './names.ts';
import { averageLatency, ratio, type Totals, toCounts, totals } from './numbers.ts';
import { compareTexts, inOrder } from './order.ts';
import { type Ratings, ratings } from './ratings.ts';
import { latestScores, type SetScore } from './scores.ts';
import { select } from './selection.ts';

export interface HealthQuestion {
  /** The window of computed scores, and the organisation. */
  readonly filter: { readonly from: number; readonly to: number; readonly orgId: string | undefined };
  /** Undefined: every skill that was executed in the window, ever rated, or ever given a score. */
  readonly skillIds: readonly string[] | undefined;
  readonly limit: number;
}

/** The score if nothing is known: neither good nor bad. */
const neutral = 50;

/** Returns the lowest score first. Takes as many queries for all skills as for one. */
export async function health(db: Db, { filter, skillIds, limit }: HealthQuestion): Promise<SkillHealth[]> {
  const { from, to, orgId } = filter;
  const scope = { kind: 'skill', orgId, name: skillIds?.length === 1 ? skillIds[0] : undefined } as const;
  const { figures } = await select(db, { ...scope, from, to });
  const executed = await db
    .selectFrom(figures.as('c'))
    .groupBy('c.subject')
    .select('c.subject')
    .select(totals)
    .execute();
  const found = new Map(executed.map((row) => [row.subject, row]));
  const rated = await ratings(db, { ...scope, from, to });
  const set = await latestScores(db, scope);

  const known = [...found.keys(), ...(await ratings(db, scope)).keys(), ...set.keys()];
  const names = await namesOf(db, skillIds === undefined ? known : [...known, ...(await everUsed(db, scope))]);
  const wanted = skillIds && new Set(skillIds);
  return Array.from(names, ([subject, { name }]) => ({
    ...judge(found.get(subject), rated.get(subject), set.get(subject)),
    skillId: name,
    from,
    to,
  }))
    .filter(({ skillId }) => wanted === undefined || wanted.has(skillId))
    .sort(
      inOrder(
        (one, other) => (one.score ?? Number.MAX_VALUE) - (other.score ?? Number.MAX_VALUE),
        (one, other) => compareTexts(one.skillId, other.skillId),
      ),
    )
    .slice(0, limit);
}

async function everUsed(db: Db, scope: Parameters<typeof select>[1]): Promise<number[]> {
  const { figures } = await select(db, scope);
  const rows = await db.selectFrom(figures.as('c')).select('c.subject').distinct().execute();
  return rows.map(({ subject }) => subject);
}

function judge(
  found: Totals | undefined,
  rated: Ratings | undefined,
  set: SetScore | undefined,
): Omit<SkillHealth, 'skillId' | 'from' | 'to'> {
  const averageRating = ratio(rated?.stars ?? 0, rated?.count ?? 0);
  const computed = found === undefined ? null : compute(found, averageRating);
  return {
    score: set?.score ?? computed?.score ?? null,
    source: set === undefined ? computed && 'computed' : 'set',
    set: set ?? null,
    computed,
    executions: found?.executions ?? 0,
    successRate: found === undefined ? null : toCounts(found).successRate,
    averageLatencyMs: found === undefined ? null : averageLatency(found),
    averageRating,
    ratings: rated?.count ?? 0,
  };
}

function compute(found: Totals, averageRating: number | null): NonNullable<SkillHealth['computed']> {
  const latency = averageLatency(found);
  const parts = {
    success: part(0.4, (100 * found.successes) / found.executions),
    rating: part(0.3, averageRating === null ? neutral : averageRating * 20),
    usage: part(0.2, Math.min(100, found.executions * 10)),
    latency: part(0.1, latency === null ? neutral : Math.max(0, 100 - latency / 10)),
  };
  const score = Object.values(parts).reduce((sum, { points }) => sum + points, 0);
  return { score: Math.min(100, Math.max(0, score)), parts };
}

function part(weight: number, score: number): HealthPart {
  return { score, weight, points: score * weight };
}
