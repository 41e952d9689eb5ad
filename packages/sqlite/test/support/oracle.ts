import type {
  AnalyticsEvent,
  ExecutionCounts,
  ExecutionEvent,
  ExecutionFilter,
  LatencyStats,
  LeaderboardEntry,
  LeaderboardOptions,
  NameSummary,
  RatingEvent,
  SkillUsage,
  SkillUsageOptions,
  Summary,
  SummaryOptions,
} from '@toolweaver/analytics-core';

// The reader's answers, counted by hand from the events: slow, and plain enough to be seen right.

const dayMs = 86_400_000;

const executionsOf = (events: readonly AnalyticsEvent[]): ExecutionEvent[] =>
  events.filter((event) => event.type === 'execution');
const weightOf = ({ weight = 1 }: AnalyticsEvent): number => weight;
const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
const weigh = (events: readonly AnalyticsEvent[]): number => add(events.map(weightOf));

/** By code points, as SQLite compares texts; JavaScript compares UTF-16 units. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

type Order<T> = (one: T, other: T) => number;

/** The first order that tells two apart decides. */
function inOrder<T>(...orders: readonly Order<T>[]): Order<T> {
  return (one, other) => orders.map((order) => order(one, other)).find((result) => result !== 0) ?? 0;
}

function groups<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  return [...Map.groupBy(items, (item) => JSON.stringify(keyOf(item))).values()];
}

function counts(executions: readonly ExecutionEvent[]): ExecutionCounts {
  const successes = weigh(executions.filter(({ success }) => success));
  const all = weigh(executions);
  return { executions: all, successes, failures: all - successes, successRate: all === 0 ? null : successes / all };
}

function latency(executions: readonly ExecutionEvent[]): LatencyStats {
  const known = executions
    .flatMap((event) => (event.latencyMs === undefined ? [] : [{ ms: event.latencyMs, weight: weightOf(event) }]))
    .sort((one, other) => one.ms - other.ms);
  const all = add(known.map(({ weight }) => weight));
  const percentile = (percent: number): number | null => {
    const reaches = (rank: number): boolean =>
      add(known.slice(0, rank + 1).map(({ weight }) => weight)) * 100 >= all * percent;
    return known.find((_, rank) => reaches(rank))?.ms ?? null;
  };
  return {
    average: known.length === 0 ? null : add(known.map(({ ms, weight }) => ms * weight)) / all,
    min: known[0]?.ms ?? null,
    max: known.at(-1)?.ms ?? null,
    p50: percentile(50),
    p95: percentile(95),
    p99: percentile(99),
  };
}

const newestFirst: Order<ExecutionEvent> = inOrder(
  (one, other) => other.at - one.at,
  (one, other) => compareTexts(other.id, one.id),
);

export function listExecutions(events: readonly AnalyticsEvent[], filter: ExecutionFilter = {}): ExecutionEvent[] {
  const { from = -Infinity, to = Infinity, errorType, ...equal } = filter;
  return executionsOf(events)
    .filter(({ at }) => from <= at && at < to)
    .filter((event) => errorType === undefined || event.error?.type === errorType)
    .filter((event) =>
      (['kind', 'name', 'success', 'orgId', 'userId', 'runId'] as const).every(
        (field) => equal[field] === undefined || event[field] === equal[field],
      ),
    )
    .sort(newestFirst);
}

export function skillUsage(
  events: readonly AnalyticsEvent[],
  skillId: string,
  { days = 30, orgId }: SkillUsageOptions,
  now: number,
): SkillUsage {
  const to = now + 1;
  const from = to - days * dayMs;
  const used = listExecutions(events, { kind: 'skill', name: skillId, orgId, from, to });
  return {
    skillId,
    from,
    to,
    ...counts(used),
    uniqueUsers: new Set(used.map(({ userId }) => userId).filter((user) => user !== undefined)).size,
    latencyMs: latency(used),
    lastUsedAt: used.length === 0 ? null : Math.max(...used.map(({ at }) => at)),
  };
}

export function leaderboard(
  events: readonly AnalyticsEvent[],
  options: LeaderboardOptions,
  now: number,
): LeaderboardEntry[] {
  const { metric = 'executions', period = 'all', orgId, limit = 10, kind = 'skill' } = options;
  const minExecutions = options.minExecutions ?? (metric === 'rating' ? 0 : 1);
  const days = { day: 1, week: 7, month: 30, all: Infinity }[period];
  const inside = (event: AnalyticsEvent): boolean =>
    event.at >= now + 1 - days * dayMs && (period === 'all' || event.at <= now);
  const considered = events.filter(inside).filter((event) => orgId === undefined || event.orgId === orgId);
  const executions = executionsOf(considered).filter((event) => event.kind === kind);
  const ratings = considered.filter((event): event is RatingEvent => event.type === 'rating' && kind === 'skill');
  const names = new Set([...executions.map(({ name }) => name), ...ratings.map(({ skillId }) => skillId)]);

  return [...names]
    .map((name) => {
      const own = executions.filter((event) => event.name === name);
      const stars = ratings.filter(({ skillId }) => skillId === name);
      const averageRating =
        stars.length === 0 ? null : add(stars.map((event) => event.rating * weightOf(event))) / weigh(stars);
      const averageLatencyMs = latency(own).average;
      const counted = counts(own);
      const score = {
        executions: counted.executions,
        success: counted.successRate,
        latency: averageLatencyMs,
        rating: averageRating,
      }[metric];
      return { name, ...counted, averageLatencyMs, averageRating, ratings: weigh(stars), score };
    })
    .flatMap((entry) => (entry.score === null ? [] : [{ ...entry, score: entry.score }]))
    .filter((entry) => entry.executions >= minExecutions)
    .sort(
      inOrder(
        (one, other) => (metric === 'latency' ? one.score - other.score : other.score - one.score),
        (one, other) => other.executions - one.executions,
        (one, other) => compareTexts(one.name, other.name),
      ),
    )
    .slice(0, limit)
    .map((entry, at) => ({ rank: at + 1, ...entry }));
}

const byName: Order<{ readonly kind: string; readonly name: string }> = inOrder(
  (one, other) => compareTexts(one.kind, other.kind),
  (one, other) => compareTexts(one.name, other.name),
);

export function summary(events: readonly AnalyticsEvent[], { range = {}, ...scope }: SummaryOptions): Summary {
  const all = listExecutions(events, { ...range, ...scope });
  const priced = all.filter(({ cost }) => cost !== undefined);
  const asked = all.filter(({ cacheHit }) => cacheHit !== undefined);
  return {
    ...counts(all),
    latencyMs: latency(all),
    totalTokens: add(all.map((event) => add(Object.values(event.usage ?? {})) * weightOf(event))),
    totalCostUsd:
      priced.length === 0 ? null : add(priced.map((event) => (event.cost?.nanoUsd ?? 0) * weightOf(event))) / 1e9,
    cacheHitRate: asked.length === 0 ? null : weigh(asked.filter(({ cacheHit }) => cacheHit)) / weigh(asked),
    names: groups(all, ({ kind, name }) => [kind, name])
      .map((own) => {
        const { kind, name } = own[0] as ExecutionEvent;
        return { kind, name, ...counts(own), averageLatencyMs: latency(own).average };
      })
      .sort(inOrder<NameSummary>((one, other) => other.executions - one.executions, byName)),
    failuresByType: groups(
      all.filter(({ success }) => !success),
      ({ kind, name, error }) => [kind, name, error?.type ?? 'unknown'],
    )
      .map((own) => {
        const { kind, name, error } = own[0] as ExecutionEvent;
        return { kind, name, errorType: error?.type ?? 'unknown', failures: weigh(own) };
      })
      .sort(
        inOrder<Summary['failuresByType'][number]>(
          (one, other) => other.failures - one.failures,
          byName,
          (one, other) => compareTexts(one.errorType, other.errorType),
        ),
      ),
    slowest: all
      .filter(({ latencyMs }) => latencyMs !== undefined)
      .sort(inOrder((one, other) => (other.latencyMs ?? 0) - (one.latencyMs ?? 0), newestFirst))
      .slice(0, 5),
    runs: new Set(all.map(({ runId }) => runId).filter((run) => run !== undefined)).size,
  };
}
