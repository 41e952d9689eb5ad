import type {
  AdoptionOptions,
  AnalyticsEvent,
  HealthEvent,
  HealthPart,
  LeaderboardEntry,
  LeaderboardOptions,
  RatingEvent,
  Recommendation,
  RecommendationOptions,
  SkillAdoption,
  SkillHealth,
  SkillHealthListOptions,
  SkillHealthOptions,
  SkillMetrics,
  SkillMetricsOptions,
  SkillUsage,
  SkillUsageOptions,
  WindowOptions,
} from '@toolweaver/analytics-core';
import { add, compareTexts, counts, executionsOf, inOrder, latency, listExecutions, weigh } from './oracle.ts';
import { type Frame, frameOf, type History, widened } from './oracle-operations.ts';

// The answers about skills, counted by hand from the events: slow, and plain enough to be seen right.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const lastDays = ({ now }: History, days: number): Frame => ({ from: now + 1 - days * dayMs, to: now + 1 });
/** Both ends of a window: by default, of the last 30 days. */
function closedFrame(history: History, { days, from, to }: WindowOptions): Frame {
  const tomorrow = history.now + 1;
  return from === undefined && to === undefined
    ? lastDays(history, days ?? 30)
    : { from: from ?? 0, to: to ?? Math.max(from ?? 0, tomorrow) };
}

const ofOrg = <E extends AnalyticsEvent>(events: readonly E[], orgId: string | undefined): E[] =>
  events.filter((event) => orgId === undefined || event.orgId === orgId);
const inside = <E extends AnalyticsEvent>(events: readonly E[], { from, to }: Frame): E[] =>
  events.filter(({ at }) => from <= at && at < to);
/** Ratings and scores go with the executions of their time. */
const ratingsOf = ({ events, rowsFrom = 0 }: History): RatingEvent[] =>
  events.filter((event) => event.type === 'rating').filter(({ at }) => at >= rowsFrom);
const scoresOf = ({ events, rowsFrom = 0 }: History): HealthEvent[] =>
  events.filter((event) => event.type === 'health').filter(({ at }) => at >= rowsFrom);
const usersOf = (events: readonly AnalyticsEvent[]): Set<string> =>
  new Set(events.flatMap(({ userId }) => userId ?? []));
const mean = (numbers: readonly number[]): number | null =>
  numbers.length === 0 ? null : add(numbers) / numbers.length;
const latest = <E extends AnalyticsEvent>(events: readonly E[]): E | undefined =>
  events.toSorted((one, other) => one.at - other.at || compareTexts(one.id, other.id)).at(-1);
const extreme = (pick: (...times: number[]) => number, events: readonly AnalyticsEvent[]): number | null =>
  events.length === 0 ? null : pick(...events.map(({ at }) => at));

function usesOf(
  history: History,
  skillId: string | undefined,
  orgId: string | undefined,
  frame: Frame,
  ofOrg = orgId !== undefined,
) {
  return listExecutions(history.events, { kind: 'skill', name: skillId, orgId, ...widened(history, frame, ofOrg) });
}

export function skillUsage(history: History, skillId: string, { orgId, ...window }: SkillUsageOptions): SkillUsage {
  const frame = closedFrame(history, window);
  const used = usesOf(history, skillId, orgId, frame);
  return {
    skillId,
    ...frame,
    ...counts(used),
    uniqueUsers: usersOf(used).size,
    latencyMs: latency(used),
    lastUsedAt: extreme(Math.max, used),
  };
}

/** By the formula as it is found in textbooks; of no success its parts cancel out, but for rounding. */
function wilsonLow(successes: number, trials: number): number | null {
  if (successes === 0 && trials > 0) {
    return 0;
  }
  const z = 1.959963984540054;
  const share = successes / trials;
  const inner = (share * (1 - share) + z ** 2 / (4 * trials)) / trials;
  const low = (share + z ** 2 / (2 * trials) - z * Math.sqrt(inner)) / (1 + z ** 2 / trials);
  return trials === 0 ? null : Math.max(0, low);
}

export function leaderboard(history: History, options: LeaderboardOptions): LeaderboardEntry[] {
  const { metric = 'executions', period = 'all', orgId, limit = 10, kind = 'skill' } = options;
  const minExecutions = options.minExecutions ?? (metric === 'rating' ? 0 : 1);
  const frame = frameOf(history, options, { day: 1, week: 7, month: 30, all: Infinity }[period]);
  const executions = listExecutions(history.events, { kind, orgId, ...widened(history, frame, orgId !== undefined) });
  const ratings = kind === 'skill' ? inside(ofOrg(ratingsOf(history), orgId), frame) : [];
  const names = new Set([...executions.map(({ name }) => name), ...ratings.map(({ skillId }) => skillId)]);

  return [...names]
    .map((name) => {
      const own = executions.filter((event) => event.name === name);
      const stars = ratings.filter(({ skillId }) => skillId === name).map(({ rating }) => rating);
      const costs = own.filter(({ cost }) => cost !== undefined);
      const usd = costs.map(({ cost, weight = 1 }) => ((cost?.nanoUsd ?? 0) * weight) / 1e9);
      const counted = counts(own);
      const entry = {
        name,
        ...counted,
        successLowerBound: wilsonLow(counted.successes, counted.executions),
        latencyMs: latency(own),
        averageRating: mean(stars),
        ratings: stars.length,
        totalCostUsd: costs.length === 0 ? null : add(usd),
        uniqueUsers: usersOf(own).size,
      };
      const score = {
        executions: entry.executions,
        success: entry.successRate,
        successLowerBound: entry.successLowerBound,
        latency: entry.latencyMs.average,
        rating: entry.averageRating,
        cost: entry.totalCostUsd,
        adoption: entry.uniqueUsers,
      }[metric];
      return { ...entry, score };
    })
    .flatMap((entry) => (entry.score === null ? [] : [{ ...entry, score: entry.score }]))
    .filter((entry) => entry.executions >= minExecutions)
    .sort(
      inOrder(
        (one, other) => (metric === 'latency' ? one.score - other.score : other.score - one.score),
        (one, other) => (metric === 'rating' ? other.ratings - one.ratings : 0),
        (one, other) => other.executions - one.executions,
        (one, other) => compareTexts(one.name, other.name),
      ),
    )
    .slice(0, limit)
    .map((entry, at) => ({ rank: at + 1, ...entry }));
}

export function skillMetrics(
  history: History,
  skillId: string,
  { orgId }: SkillMetricsOptions,
): SkillMetrics | undefined {
  const used = usesOf(history, skillId, orgId, { from: -Infinity, to: Infinity });
  const allRatings = ofOrg(ratingsOf(history), orgId);
  const ratings = allRatings.filter((event) => event.skillId === skillId);
  const scores = ofOrg(scoresOf(history), orgId).filter((event) => event.skillId === skillId);
  if (used.length + ratings.length + scores.length === 0) {
    return undefined;
  }
  const stars = ratings.map(({ rating }) => rating);
  const prior = mean(allRatings.map(({ rating }) => rating)) ?? 0;
  const having = (wanted: number): number => stars.filter((star) => star === wanted).length;
  return {
    skillId,
    ...counts(used),
    averageLatencyMs: latency(used).average,
    ratings: stars.length,
    ratingCounts: { 1: having(1), 2: having(2), 3: having(3), 4: having(4), 5: having(5) },
    averageRating: mean(stars),
    correctedRating: stars.length === 0 ? null : mean([...stars, prior, prior, prior, prior, prior]),
    healthScore: latest(scores)?.score ?? null,
    firstUsedAt: extreme(Math.min, used),
    lastUsedAt: extreme(Math.max, used),
    lastRatedAt: extreme(Math.max, ratings),
    deprecated: latest(scores.filter(({ deprecated }) => deprecated !== undefined))?.deprecated ?? false,
  };
}

export function skillHealth(
  history: History,
  skillId: string,
  { orgId, ...window }: SkillHealthOptions,
): SkillHealth | undefined {
  if (skillMetrics(history, skillId, { orgId }) === undefined) {
    return undefined;
  }
  const frame = closedFrame(history, window);
  const used = usesOf(history, skillId, orgId, frame);
  const ratings = inside(ofOrg(ratingsOf(history), orgId), frame).filter((event) => event.skillId === skillId);
  const set = latest(ofOrg(scoresOf(history), orgId).filter((event) => event.skillId === skillId));
  const { executions, successRate } = counts(used);
  const averageLatencyMs = latency(used).average;
  const averageRating = mean(ratings.map(({ rating }) => rating));
  const part = (weight: number, score: number): HealthPart => ({ weight, score, points: weight * score });
  const parts = {
    success: part(0.4, (successRate ?? 0) * 100),
    rating: part(0.3, averageRating === null ? 50 : averageRating * 20),
    usage: part(0.2, executions < 10 ? executions * 10 : 100),
    latency: part(0.1, averageLatencyMs === null ? 50 : averageLatencyMs > 1000 ? 0 : 100 - averageLatencyMs / 10),
  };
  const score = add(Object.values(parts).map(({ points }) => points));
  const computed = used.length === 0 ? null : { score, parts };
  return {
    skillId,
    ...frame,
    score: set?.score ?? computed?.score ?? null,
    source: set !== undefined ? 'set' : computed !== null ? 'computed' : null,
    set: set === undefined ? null : { score: set.score, at: set.at },
    computed,
    executions,
    successRate,
    averageLatencyMs,
    averageRating,
    ratings: ratings.length,
  };
}

export function listSkillHealth(history: History, options: SkillHealthListOptions): SkillHealth[] {
  const { skillIds, limit = 100, orgId, ...window } = options;
  const names = skillIds ?? [
    ...usesOf(history, undefined, orgId, closedFrame(history, window)).map(({ name }) => name),
    ...ofOrg([...ratingsOf(history), ...scoresOf(history)], orgId).map(({ skillId }) => skillId),
  ];
  return [...new Set(names)]
    .flatMap((skillId) => skillHealth(history, skillId, { orgId, ...window }) ?? [])
    .sort(
      inOrder(
        (one, other) => Number(one.score === null) - Number(other.score === null),
        (one, other) => (one.score ?? 0) - (other.score ?? 0),
        (one, other) => compareTexts(one.skillId, other.skillId),
      ),
    )
    .slice(0, limit);
}

export function adoption(history: History, skillId: string, options: AdoptionOptions): SkillAdoption {
  const { orgId } = options;
  const { from, to } = closedFrame(history, options);
  const lastMidnight = Math.floor(Math.min(to, history.now + 1) / dayMs) * dayMs;
  const all = executionsOf(history.events);
  const used = usesOf(history, skillId, orgId, { from, to }, true);
  const organisations = orgId === undefined ? [...new Set(used.flatMap((event) => event.orgId ?? []))] : [orgId];
  return {
    skillId,
    from,
    to,
    users: usersOf(used).size,
    organisations: organisations
      .map((id) => {
        const own = ofOrg(all, id);
        const ofDays = (first: number, end: number): Set<string> =>
          usersOf(
            inside(own, { from: lastMidnight - first * dayMs, to: lastMidnight - end * dayMs }).filter(
              (event) => event.kind === 'skill' && event.name === skillId,
            ),
          );
        const growth = (before: number, after: number): number | null => (before === 0 ? null : after / before - 1);
        const [before, last] = [ofDays(14, 7), ofDays(7, 0)];
        const users = usersOf(ofOrg(used, id)).size;
        const activeUsers = usersOf(inside(own, widened(history, { from, to }, true))).size;
        return {
          orgId: id,
          users,
          activeUsers,
          adoptionRate: activeUsers === 0 ? 0 : users / activeUsers,
          executions: weigh(ofOrg(used, id)),
          dailyGrowth: growth(ofDays(2, 1).size, ofDays(1, 0).size),
          weeklyGrowth: growth(before.size, last.size),
          retentionRate: before.size === 0 ? null : [...before].filter((user) => last.has(user)).length / before.size,
        };
      })
      .sort(
        inOrder(
          (one, other) => other.users - one.users,
          (one, other) => compareTexts(one.orgId, other.orgId),
        ),
      ),
  };
}

/** Half-way, or the start of the hour or day around it, of which all or nothing counts as the earlier half. */
function middleOf(history: History, { from, to }: Frame, ofOrg: boolean): number {
  const middle = Math.floor((from + to) / 2);
  const [earlier, later] = [
    { from, to: middle },
    { from: middle, to },
  ].map((half) => widened(history, half, ofOrg));
  const unit = ofOrg || middle < (history.hoursFrom ?? 0) ? dayMs : hourMs;
  return (earlier?.to ?? middle) > (later?.from ?? middle) ? Math.floor(middle / unit) * unit : middle;
}

/** Without their ids and reasons. */
export function recommendations(
  history: History,
  userId: string,
  options: RecommendationOptions,
): Omit<Recommendation, 'id' | 'reason'>[] {
  const { orgId, limit = 5, types = ['collaborative', 'trending'], days = 30 } = options;
  const { from, to } = lastDays(history, days);
  const used = usesOf(history, undefined, orgId, { from, to });
  const skills = [...new Set(used.map(({ name }) => name))];
  const skillsOf = (user: string): Set<string> =>
    new Set(used.filter((event) => event.userId === user).map(({ name }) => name));
  const own = skillsOf(userId);
  const others = [...usersOf(used)]
    .filter((user) => user !== userId)
    .map((user) => {
      const theirs = skillsOf(user);
      const shared = [...own].filter((skillId) => theirs.has(skillId));
      return { theirs, likeness: shared.length / new Set([...own, ...theirs]).size };
    });
  const share = (skillId: string): number =>
    add(others.filter(({ theirs }) => theirs.has(skillId)).map(({ likeness }) => likeness)) /
    add(others.map(({ likeness }) => likeness));
  const middle = middleOf(history, { from, to }, orgId !== undefined);
  const growth = (skillId: string): number => {
    if (middle <= from) {
      return 0;
    }
    const count = (frame: Frame): number => weigh(usesOf(history, skillId, orgId, frame));
    const [earlier, later] = [count({ from, to: middle }), count({ from: middle, to })];
    return (later - earlier) / (later + earlier + 10);
  };
  const isDeprecated = (skillId: string): boolean => skillMetrics(history, skillId, {})?.deprecated === true;

  const ranked = (['collaborative', 'trending'] as const)
    .filter((type) => types.includes(type))
    .flatMap((type) =>
      skills
        .filter((skillId) => !own.has(skillId) && !isDeprecated(skillId))
        .map((skillId) => ({ skillId, type, score: type === 'collaborative' ? share(skillId) : growth(skillId) }))
        .map(({ score, ...rest }) => ({ ...rest, score: Number(score.toPrecision(12)) }))
        .filter(({ score }) => score > 0)
        .sort(
          inOrder(
            (one, other) => other.score - one.score,
            (one, other) => compareTexts(one.skillId, other.skillId),
          ),
        ),
    );
  return ranked.filter(({ skillId }, at) => ranked.findIndex((one) => one.skillId === skillId) === at).slice(0, limit);
}
