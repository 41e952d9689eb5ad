import type { ExecutionKind, LeaderboardEntry, LeaderboardMetric } from '@toolweaver/analytics-core';
import { sql } from 'kysely';
import type { Db, Filter } from './filter.ts';
import { namesOf } from './names.ts';
import { averageLatency, ratio, type Totals, toCounts, toLatency, totalCost, totalsOf } from './numbers.ts';
import { compareTexts, inOrder } from './order.ts';
import { type Ratings, ratings } from './ratings.ts';
import { select } from './selection.ts';
import { wilson } from './statistics.ts';

export interface LeaderboardQuestion {
  readonly metric: LeaderboardMetric;
  readonly kind: ExecutionKind;
  /** Time and organisation. */
  readonly filter: Pick<Filter, 'from' | 'to' | 'orgId'>;
  readonly minExecutions: number;
  readonly limit: number;
}

const columns = [
  'executions',
  'successes',
  'latency_weight',
  'latency_sum',
  'latency_min',
  'latency_max',
  'cost_nano_usd',
  'cost_weight',
] as const satisfies readonly (keyof Totals)[];
type Found = Pick<Totals, (typeof columns)[number]>;

interface Candidate {
  readonly subject: number;
  readonly name: string;
  readonly found: Found | undefined;
  readonly ratings: number;
  readonly stars: number;
}

/** In two steps: ranks all by their sums, and reads the details of the best only. */
export async function leaderboard(db: Db, question: LeaderboardQuestion): Promise<LeaderboardEntry[]> {
  const { metric, kind, filter, minExecutions, limit } = question;
  const selection = await select(db, { ...filter, kind });
  const executed = await db
    .selectFrom(selection.figures.as('c'))
    .groupBy('c.subject')
    .select('c.subject')
    .select(totalsOf(...columns))
    .execute();
  const rated = kind === 'skill' ? await ratings(db, filter) : new Map<number, Ratings>();
  const bySubject = new Map(executed.map((row) => [row.subject, row]));
  const names = await namesOf(db, [...bySubject.keys(), ...rated.keys()]);
  const users = metric === 'adoption' ? await selection.distributions({ by: sql`c.subject`, users: true }) : undefined;

  const ranked = Array.from(names, ([subject, { name }]): Candidate & { score: number | null } => {
    const candidate = {
      subject,
      name,
      found: bySubject.get(subject),
      ratings: rated.get(subject)?.count ?? 0,
      stars: rated.get(subject)?.stars ?? 0,
    };
    return { ...candidate, score: scoreOf(metric, candidate, users?.get(subject)?.users ?? 0) };
  })
    .filter((row): row is Candidate & { score: number } => row.score !== null)
    .filter(({ found }) => (found?.executions ?? 0) >= minExecutions)
    .sort(
      inOrder(
        (one, other) => (metric === 'latency' ? one.score - other.score : other.score - one.score),
        (one, other) => (metric === 'rating' ? other.ratings - one.ratings : 0),
        (one, other) => (other.found?.executions ?? 0) - (one.found?.executions ?? 0),
        (one, other) => compareTexts(one.name, other.name),
      ),
    )
    .slice(0, limit);

  const closer = await selection.distributions({
    by: sql`c.subject`,
    only: ranked.map(({ subject }) => subject),
    latency: true,
    users: true,
  });
  return ranked.map(({ subject, name, found, score, ratings: count, stars }, at) => {
    const { executions = 0, successes = 0 } = found ?? {};
    const distribution = closer.get(subject);
    return {
      rank: at + 1,
      name,
      score,
      ...toCounts({ executions, successes }),
      successLowerBound: wilson(successes, executions).low,
      latencyMs: toLatency(found ?? nothing, distribution?.latency),
      averageRating: ratio(stars, count),
      ratings: count,
      totalCostUsd: totalCost(found ?? nothing),
      uniqueUsers: distribution?.users ?? 0,
    };
  });
}

const nothing = {
  latency_sum: 0,
  latency_weight: 0,
  latency_min: null,
  latency_max: null,
  cost_nano_usd: 0,
  cost_weight: 0,
};

/** Null if it has no place on the board. */
function scoreOf(metric: LeaderboardMetric, { found, ratings: count, stars }: Candidate, users: number): number | null {
  switch (metric) {
    case 'executions':
      return found?.executions ?? 0;
    case 'success':
      return found === undefined ? null : ratio(found.successes, found.executions);
    case 'successLowerBound':
      return found === undefined ? null : wilson(found.successes, found.executions).low;
    case 'latency':
      return found === undefined ? null : averageLatency(found);
    case 'rating':
      return ratio(stars, count);
    case 'cost':
      return found === undefined ? null : totalCost(found);
    case 'adoption':
      return users;
  }
}
