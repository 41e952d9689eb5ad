import type {
  AnalyticsEvent,
  ExecutionEvent,
  HealthEvent,
  HealthPart,
  LeaderboardEntry,
  RatingEvent,
  SkillHealth,
  SkillReader,
  Window,
} from '@toolweaver/analytics-core';
import { countsOf, distinct, frameOf, isLimit, latencyOf, refuse } from './figures.ts';
import { recommendationsOver } from './recommendations.ts';

const day = 86_400_000;
const periods = { day: 1, week: 7, month: 30, all: Number.POSITIVE_INFINITY };
const metrics = ['executions', 'success', 'successLowerBound', 'latency', 'rating', 'cost', 'adoption'];

/** Answers about skills, from the rows by hand. */
export function skillsOver(rows: () => readonly AnalyticsEvent[]): SkillReader {
  const executions = (): ExecutionEvent[] => rows().filter((row) => row.type === 'execution');
  const uses = (skillId?: string, orgId?: string, from = 0, to = Number.POSITIVE_INFINITY): ExecutionEvent[] =>
    executions().filter(
      ({ kind, name, at, ...row }) =>
        kind === 'skill' &&
        (skillId === undefined || name === skillId) &&
        (orgId === undefined || row.orgId === orgId) &&
        at >= from &&
        at < to,
    );
  const ratings = (orgId?: string): RatingEvent[] =>
    rows()
      .filter((row) => row.type === 'rating')
      .filter((row) => orgId === undefined || row.orgId === orgId);
  const scores = (skillId: string, orgId?: string): HealthEvent[] =>
    rows()
      .filter((row) => row.type === 'health')
      .filter((row) => row.skillId === skillId && (orgId === undefined || row.orgId === orgId))
      .sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));

  function health(skillId: string, { from, to }: Window, orgId: string | undefined): SkillHealth {
    const used = uses(skillId, orgId, from, to);
    const stars = ratings(orgId)
      .filter((row) => row.skillId === skillId && row.at >= from && row.at < to)
      .map(({ rating }) => rating);
    const [set] = scores(skillId, orgId);
    const { executions: count, successRate } = countsOf(used);
    const { average } = latencyOf(used);
    const part = (weight: number, score: number): HealthPart => ({ weight, score, points: weight * score });
    const parts = {
      success: part(0.4, 100 * (successRate ?? 0)),
      rating: part(0.3, stars.length === 0 ? 50 : 20 * mean(stars)),
      usage: part(0.2, Math.min(100, 10 * count)),
      latency: part(0.1, average === null ? 50 : Math.max(0, 100 - average / 10)),
    };
    const score = parts.success.points + parts.rating.points + parts.usage.points + parts.latency.points;
    const computed = used.length === 0 ? null : { score, parts };
    return {
      skillId,
      from,
      to,
      score: set?.score ?? computed?.score ?? null,
      source: set === undefined ? (computed === null ? null : 'computed') : 'set',
      set: set === undefined ? null : { score: set.score, at: set.at },
      computed,
      executions: count,
      successRate,
      averageLatencyMs: average,
      averageRating: stars.length === 0 ? null : mean(stars),
      ratings: stars.length,
    };
  }

  const isKnown = (skillId: string, orgId: string | undefined): boolean =>
    uses(skillId, orgId).length > 0 ||
    scores(skillId, orgId).length > 0 ||
    ratings(orgId).some((row) => row.skillId === skillId);

  const reader: Omit<SkillReader, keyof ReturnType<typeof recommendationsOver>> = {
    async getSkillUsage(skillId, { orgId, ...window } = {}) {
      const { from, to } = frameOf(window);
      const own = uses(skillId, orgId, from, to);
      return {
        skillId,
        from,
        to,
        ...countsOf(own),
        uniqueUsers: distinct(own.map(({ userId }) => userId)),
        latencyMs: latencyOf(own),
        lastUsedAt: own.length === 0 ? null : Math.max(...own.map(({ at }) => at)),
      };
    },

    async getSkillMetrics(skillId, { orgId } = {}) {
      if (!isKnown(skillId, orgId)) {
        return undefined;
      }
      const used = uses(skillId, orgId);
      const times = used.map(({ at }) => at);
      const own = ratings(orgId).filter((row) => row.skillId === skillId);
      const stars = own.map(({ rating }) => rating);
      const having = (wanted: number): number => stars.filter((star) => star === wanted).length;
      const prior = mean(ratings(orgId).map(({ rating }) => rating));
      return {
        skillId,
        ...countsOf(used),
        averageLatencyMs: latencyOf(used).average,
        ratings: stars.length,
        ratingCounts: { 1: having(1), 2: having(2), 3: having(3), 4: having(4), 5: having(5) },
        averageRating: stars.length === 0 ? null : mean(stars),
        correctedRating: stars.length === 0 ? null : mean([...stars, prior, prior, prior, prior, prior]),
        healthScore: scores(skillId, orgId)[0]?.score ?? null,
        firstUsedAt: times.length === 0 ? null : Math.min(...times),
        lastUsedAt: times.length === 0 ? null : Math.max(...times),
        lastRatedAt: own.length === 0 ? null : Math.max(...own.map(({ at }) => at)),
        deprecated: scores(skillId, orgId).find((row) => row.deprecated !== undefined)?.deprecated ?? false,
      };
    },

    async getSkillHealth(skillId, { orgId, ...window } = {}) {
      return isKnown(skillId, orgId) ? health(skillId, frameOf(window), orgId) : undefined;
    },

    async listSkillHealth({ skillIds, orgId, limit = 100, ...window } = {}) {
      refuse([['limit', isLimit(limit)]]);
      const { from, to } = frameOf(window);
      const named = rows().flatMap((row) => (row.type === 'rating' || row.type === 'health' ? row.skillId : []));
      const all = [...uses(undefined, orgId, from, to).map(({ name }) => name), ...named];
      return [...new Set(skillIds ?? all)]
        .filter((skillId) => isKnown(skillId, orgId))
        .map((skillId) => health(skillId, { from, to }, orgId))
        .sort((one, other) => (one.score ?? 101) - (other.score ?? 101) || (one.skillId < other.skillId ? -1 : 1))
        .slice(0, limit);
    },

    async getLeaderboard(options = {}) {
      const {
        metric = 'executions',
        period = 'all',
        orgId,
        limit = 10,
        minExecutions,
        kind = 'skill',
        ...window
      } = options;
      refuse([
        ['metric', metrics.includes(metric)],
        ['limit', isLimit(limit)],
      ]);
      const { from, to } = frameOf(window, periods[period]);
      const used = executions().filter(
        (row) => row.at >= from && row.at < to && row.kind === kind && (orgId === undefined || row.orgId === orgId),
      );
      const rated = kind === 'skill' ? ratings(orgId).filter(({ at }) => at >= from && at < to) : [];
      const names = new Set([...used.map(({ name }) => name), ...rated.map(({ skillId }) => skillId)]);
      const entries = [...names].flatMap((name): Omit<LeaderboardEntry, 'rank'>[] => {
        const own = used.filter((row) => row.name === name);
        const stars = rated.filter(({ skillId }) => skillId === name).map(({ rating }) => rating);
        const costs = own.flatMap(({ cost, weight = 1 }) =>
          cost === undefined ? [] : [(cost.nanoUsd * weight) / 1e9],
        );
        const counts = countsOf(own);
        const entry = {
          name,
          ...counts,
          successLowerBound: wilsonLow(counts.successes, counts.executions),
          latencyMs: latencyOf(own),
          averageRating: stars.length === 0 ? null : mean(stars),
          ratings: stars.length,
          totalCostUsd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
          uniqueUsers: distinct(own.map(({ userId }) => userId)),
        };
        const score = {
          executions: counts.executions,
          success: counts.successRate,
          successLowerBound: entry.successLowerBound,
          latency: entry.latencyMs.average,
          rating: entry.averageRating,
          cost: entry.totalCostUsd,
          adoption: entry.uniqueUsers,
        }[metric];
        const enough = counts.executions >= (minExecutions ?? (metric === 'rating' ? 0 : 1));
        return score === null || !enough ? [] : [{ ...entry, score }];
      });
      const sign = metric === 'latency' ? 1 : -1;
      return entries
        .sort(
          (one, other) =>
            sign * (one.score - other.score) ||
            (metric === 'rating' ? other.ratings - one.ratings : 0) ||
            other.executions - one.executions ||
            (one.name < other.name ? -1 : 1),
        )
        .slice(0, limit)
        .map((entry, at) => ({ rank: at + 1, ...entry }));
    },

    async getTopSkills(options = {}) {
      const { from, to, days = from === undefined && to === undefined ? 30 : undefined } = options;
      return reader.getLeaderboard({ ...options, days });
    },

    async getAdoption(skillId, { orgId, ...window } = {}) {
      const { from, to } = frameOf(window);
      const now = Date.now() + 1;
      const midnight = Math.floor(Math.min(to, now) / day) * day;
      const used = uses(skillId, orgId, from, to);
      const organisations = orgId === undefined ? new Set(used.flatMap((row) => row.orgId ?? [])) : [orgId];
      const usersOf = (some: readonly ExecutionEvent[]): Set<string> =>
        new Set(some.flatMap(({ userId }) => userId ?? []));
      return {
        skillId,
        from,
        to,
        users: usersOf(used).size,
        organisations: Array.from(organisations, (id) => {
          const between = (first: number, end: number): Set<string> =>
            usersOf(uses(skillId, id, midnight - first * day, midnight - end * day));
          const growth = (before: number, after: number): number | null => (before === 0 ? null : after / before - 1);
          const [before, week] = [between(14, 7), between(7, 0)];
          const own = used.filter((row) => row.orgId === id);
          const users = usersOf(own).size;
          const activeUsers = usersOf(
            executions().filter((row) => row.orgId === id && row.at >= from && row.at < to),
          ).size;
          return {
            orgId: id,
            users,
            activeUsers,
            adoptionRate: activeUsers === 0 ? 0 : users / activeUsers,
            executions: countsOf(own).executions,
            dailyGrowth: growth(between(2, 1).size, between(1, 0).size),
            weeklyGrowth: growth(before.size, week.size),
            retentionRate: before.size === 0 ? null : [...before].filter((user) => week.has(user)).length / before.size,
          };
        }).sort((one, other) => other.users - one.users || (one.orgId < other.orgId ? -1 : 1)),
      };
    },
  };
  return { ...reader, ...recommendationsOver(uses) };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function wilsonLow(successes: number, trials: number): number | null {
  const z = 1.959963984540054;
  const share = successes / trials;
  const margin = z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  return trials === 0 ? null : Math.max(0, (share + z ** 2 / (2 * trials) - margin) / (1 + z ** 2 / trials));
}
