import {
  type AnalyticsEvent,
  type AnalyticsReader,
  configError,
  type ExecutionCounts,
  type ExecutionEvent,
  type LatencyStats,
  type LeaderboardEntry,
  type Problem,
} from '@toolweaver/analytics-core';

const day = 86_400_000;
const periods = { day, week: 7 * day, month: 30 * day, all: Number.POSITIVE_INFINITY };

/** A reader that counts the rows by hand. */
export function readerOver(rows: () => readonly AnalyticsEvent[]): AnalyticsReader {
  const executions = (): ExecutionEvent[] => rows().filter((row) => row.type === 'execution');
  return {
    async getSkillUsage(skillId, { days = 30, orgId } = {}) {
      refuse([['days', days > 0]]);
      const to = Date.now();
      const from = to - days * day;
      const own = executions().filter(
        (row) =>
          row.kind === 'skill' &&
          row.name === skillId &&
          row.at >= from &&
          (orgId === undefined || row.orgId === orgId),
      );
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

    async getLeaderboard({ metric = 'executions', period = 'all', limit = 10, minExecutions, kind = 'skill' } = {}) {
      refuse([
        ['metric', ['executions', 'success', 'latency', 'rating'].includes(metric)],
        ['limit', isLimit(limit)],
      ]);
      const since = Date.now() - periods[period];
      const recent = rows().filter(({ at }) => at >= since);
      const used = recent.filter((row): row is ExecutionEvent => row.type === 'execution' && row.kind === kind);
      const ratings = recent.filter((row) => row.type === 'rating');
      const names = new Set([...used.map(({ name }) => name), ...ratings.map(({ skillId }) => skillId)]);
      const entries = [...names].flatMap((name): Omit<LeaderboardEntry, 'rank'>[] => {
        const own = used.filter((row) => row.name === name);
        const stars = ratings.filter(({ skillId }) => skillId === name && kind === 'skill').map((row) => row.rating);
        const counts = countsOf(own);
        const averageLatencyMs = latencyOf(own).average;
        const averageRating = stars.length === 0 ? null : stars.reduce((sum, star) => sum + star, 0) / stars.length;
        const score = {
          executions: counts.executions,
          success: counts.successRate,
          latency: averageLatencyMs,
          rating: averageRating,
        }[metric];
        const enough = counts.executions >= (minExecutions ?? (metric === 'rating' ? 0 : 1));
        return score === null || !enough
          ? []
          : [{ name, score, ...counts, averageLatencyMs, averageRating, ratings: stars.length }];
      });
      const sign = metric === 'latency' ? 1 : -1;
      return entries
        .sort(
          (one, other) =>
            sign * (one.score - other.score) || other.executions - one.executions || (one.name < other.name ? -1 : 1),
        )
        .slice(0, limit)
        .map((entry, at) => ({ rank: at + 1, ...entry }));
    },

    async summary({ range: { from = 0, to = Number.POSITIVE_INFINITY } = {} } = {}) {
      refuse([['range.from', !Number.isNaN(from)]]);
      const all = executions().filter(({ at }) => at >= from && at < to);
      const costs = all.flatMap(({ cost, weight = 1 }) => (cost === undefined ? [] : [cost.nanoUsd * weight]));
      const asked = all.filter(({ cacheHit }) => cacheHit !== undefined);
      const failed = all.filter(({ success }) => !success);
      return {
        ...countsOf(all),
        latencyMs: latencyOf(all),
        totalTokens: all.reduce(
          (sum, { usage, weight = 1 }) => sum + weight * Object.values(usage ?? {}).reduce((one, two) => one + two, 0),
          0,
        ),
        totalCostUsd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0) / 1e9,
        cacheHitRate: asked.length === 0 ? null : weightOf(asked.filter(({ cacheHit }) => cacheHit)) / weightOf(asked),
        names: groupsOf(all, ({ kind, name }) => ({ kind, name }))
          .map(([subject, own]) => ({ ...subject, ...countsOf(own), averageLatencyMs: latencyOf(own).average }))
          .sort((one, other) => other.executions - one.executions),
        failuresByType: groupsOf(failed, ({ kind, name, error }) => ({
          kind,
          name,
          errorType: error?.type ?? 'unknown',
        }))
          .map(([subject, own]) => ({ ...subject, failures: weightOf(own) }))
          .sort((one, other) => other.failures - one.failures),
        slowest: all
          .filter(({ latencyMs }) => latencyMs !== undefined)
          .sort((one, other) => (other.latencyMs ?? 0) - (one.latencyMs ?? 0))
          .slice(0, 5),
        runs: distinct(all.map(({ runId }) => runId)),
      };
    },

    async listExecutions(filter = {}, cursor) {
      const { from = 0, to = Number.POSITIVE_INFINITY, limit = 100, errorType, ...equal } = filter;
      refuse([
        ['limit', isLimit(limit)],
        [
          'kind',
          filter.kind === undefined || ['skill', 'tool', 'llm', 'agent', 'search', 'operation'].includes(filter.kind),
        ],
        ['cursor', cursor === undefined || /^\d+$/.test(cursor)],
      ]);
      const found = executions()
        .filter((row) => row.at >= from && row.at < to && (errorType === undefined || row.error?.type === errorType))
        .filter((row) =>
          Object.entries(equal).every(
            ([field, value]) => value === undefined || row[field as keyof ExecutionEvent] === value,
          ),
        )
        .sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
      const start = Number(cursor ?? 0);
      const end = start + limit;
      return {
        executions: found.slice(start, end),
        ...(end < found.length ? { nextCursor: String(end) } : {}),
      };
    },
  };
}

function refuse(checks: readonly (readonly [field: string, right: boolean])[]): void {
  const problems = checks.flatMap(([field, right]): Problem[] =>
    right ? [] : [{ field, message: 'is out of range' }],
  );
  if (problems.length > 0) {
    throw configError(problems);
  }
}

function isLimit(limit: number): boolean {
  return Number.isInteger(limit) && limit >= 1 && limit <= 1000;
}

function groupsOf<S extends object>(
  events: readonly ExecutionEvent[],
  subjectOf: (event: ExecutionEvent) => S,
): [S, ExecutionEvent[]][] {
  const groups = Map.groupBy(events, (event) => JSON.stringify(subjectOf(event)));
  return [...groups].map(([key, group]) => [JSON.parse(key) as S, group]);
}

function distinct(values: readonly (string | undefined)[]): number {
  return new Set(values.filter((value) => value !== undefined)).size;
}

function weightOf(events: readonly ExecutionEvent[]): number {
  return events.reduce((sum, { weight = 1 }) => sum + weight, 0);
}

function countsOf(events: readonly ExecutionEvent[]): ExecutionCounts {
  const executions = weightOf(events);
  const successes = weightOf(events.filter(({ success }) => success));
  return {
    executions,
    successes,
    failures: executions - successes,
    successRate: executions === 0 ? null : successes / executions,
  };
}

function latencyOf(events: readonly ExecutionEvent[]): LatencyStats {
  const known = events.filter(
    (event): event is ExecutionEvent & { latencyMs: number } => event.latencyMs !== undefined,
  );
  if (known.length === 0) {
    return { average: null, min: null, max: null, p50: null, p95: null, p99: null };
  }
  // One entry for each execution that a sampled one stands for, in halves, which is as fine as the laws weigh.
  const latencies = known
    .flatMap(({ latencyMs, weight = 1 }) => Array.from({ length: weight * 2 }, () => latencyMs))
    .sort((one, other) => one - other);
  const rank = (share: number): number => latencies[Math.ceil(share * latencies.length) - 1] as number;
  return {
    average: latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length,
    min: rank(0.0001),
    max: rank(1),
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
  };
}
