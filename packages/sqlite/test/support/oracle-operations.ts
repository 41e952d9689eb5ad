import type {
  AnalyticsEvent,
  CacheReport,
  CacheStats,
  CostEntry,
  CostGroup,
  CostOptions,
  CostReport,
  CostTotals,
  ErrorReport,
  ErrorReportOptions,
  ExecutionEvent,
  Heatmap,
  HeatmapOptions,
  LatencyOptions,
  LatencyReport,
  ModelStats,
  OperationSummary,
  ReportOptions,
  Summary,
  SummaryOptions,
  TokenTotals,
  TrendOptions,
  TrendPoint,
  WindowOptions,
} from '@toolweaver/analytics-core';
import {
  add,
  compareTexts,
  counts,
  executionsOf,
  groups,
  inOrder,
  latency,
  listExecutions,
  type Order,
  percentile,
  weigh,
  weightOf,
} from './oracle.ts';

// The answers about operations, counted by hand from the events: slow, and plain enough to be seen right.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What happened, and what of it is left one by one: all of it, unless it says that from before some time things were deleted. */
export interface History {
  /** In the order in which they were written. */
  readonly events: readonly AnalyticsEvent[];
  readonly now: number;
  readonly rowsFrom?: number;
  readonly hoursFrom?: number;
  /** What is left of the events; it may hold some from before `rowsFrom` that came later. Default: all of them. */
  readonly kept?: readonly AnalyticsEvent[];
}

export interface Frame {
  readonly from: number;
  readonly to: number;
}

export function frameOf({ now }: History, { days, from, to }: WindowOptions, usualDays: number = Infinity): Frame {
  const length = days ?? (from === undefined && to === undefined ? usualDays : Infinity);
  return length === Infinity
    ? { from: from ?? -Infinity, to: to ?? Infinity }
    : { from: now + 1 - length * dayMs, to: now + 1 };
}

/**
 * An end from which something was deleted moves outwards to the hour or day that is left. Of an organisation, or of each, days
 * are.
 */
export function widened({ events, rowsFrom = 0, hoursFrom = 0 }: History, frame: Frame, ofOrg: boolean): Frame {
  const { from, to } = frame;
  // What is empty, or after everything, holds nothing for sure.
  if (from >= to || executionsOf(events).every(({ at }) => at < from)) {
    return frame;
  }
  const unitAt = (end: number): number => (ofOrg || end < hoursFrom ? dayMs : hourMs);
  const floor = (end: number): number => Math.floor(end / unitAt(end)) * unitAt(end);
  const begin = from < Math.max(rowsFrom, hoursFrom) && Number.isFinite(from) ? floor(from) : from;
  // What is left over at the end begins with its hour or day, or with the window, and must be there from then on.
  const isThere = Math.max(begin, floor(to)) >= Math.max(rowsFrom, hoursFrom) || !Number.isFinite(to);
  return { from: begin, to: isThere ? to : Math.ceil(to / unitAt(to)) * unitAt(to) };
}

export function rows({ events, kept = events }: History): ExecutionEvent[] {
  return executionsOf(kept);
}

/** The executions that a report is about; of users and runs, those that are still there one by one. */
function about(history: History, options: ReportOptions, usualDays?: number, byOrg = false): ExecutionEvent[] {
  const frame = frameOf(history, options, usualDays);
  return options.userId === undefined && options.runId === undefined
    ? listExecutions(history.events, {
        ...pick(options),
        ...widened(history, frame, byOrg || options.orgId !== undefined),
      })
    : listExecutions(rows(history), { ...pick(options), ...frame });
}

export function pick({ orgId, userId, runId, kind, name, model }: ReportOptions): ReportOptions {
  return { orgId, userId, runId, kind, name, model };
}

const distinct = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
];

export const most =
  <T>(numberOf: (item: T) => number): Order<T> =>
  (one, other) =>
    numberOf(other) - numberOf(one);
export const byName: Order<{ readonly kind: string | null; readonly name: string | null }> = inOrder(
  (one, other) => Number(one.kind === null) - Number(other.kind === null),
  (one, other) => compareTexts(one.kind ?? '', other.kind ?? ''),
  (one, other) => Number(one.name === null) - Number(other.name === null),
  (one, other) => compareTexts(one.name ?? '', other.name ?? ''),
);

export function operations(
  executions: readonly ExecutionEvent[],
): (Pick<ExecutionEvent, 'kind' | 'name'> & { readonly own: readonly ExecutionEvent[] })[] {
  return groups(executions, ({ kind, name }) => [kind, name]).map((own) => {
    const { kind, name } = own[0] as ExecutionEvent;
    return { kind, name, own };
  });
}

const typeOf = ({ error }: ExecutionEvent): string => error?.type ?? 'unknown';

function tokens(executions: readonly ExecutionEvent[]): TokenTotals {
  const sum = (name: keyof NonNullable<ExecutionEvent['usage']>): number =>
    add(executions.map((event) => (event.usage?.[name] ?? 0) * weightOf(event)));
  const classes = {
    inputTokens: sum('inputTokens'),
    cacheReadTokens: sum('cacheReadTokens'),
    cacheWriteTokens: sum('cacheWriteTokens'),
    outputTokens: sum('outputTokens'),
    reasoningTokens: sum('reasoningTokens'),
  };
  return { ...classes, totalTokens: add(Object.values(classes)) };
}

export function costTotals(executions: readonly ExecutionEvent[]): CostTotals {
  const priced = executions.filter(({ cost }) => cost !== undefined);
  const usd = add(priced.map((event) => (event.cost?.nanoUsd ?? 0) * weightOf(event))) / 1e9;
  return {
    executions: weigh(executions),
    pricedExecutions: weigh(priced),
    totalCostUsd: priced.length === 0 ? null : usd,
    averageCostUsd: priced.length === 0 ? null : usd / weigh(priced),
    totalTokens: tokens(executions).totalTokens,
  };
}

function cacheStats(executions: readonly ExecutionEvent[]): CacheStats {
  const hits = weigh(executions.filter(({ cacheHit }) => cacheHit === true));
  const misses = weigh(executions.filter(({ cacheHit }) => cacheHit === false));
  return { hits, misses, hitRate: hits + misses === 0 ? null : hits / (hits + misses) };
}

export function operationSummaries(executions: readonly ExecutionEvent[]): OperationSummary[] {
  return operations(executions)
    .map(({ kind, name, own }) => ({
      kind,
      name,
      ...counts(own),
      averageLatencyMs: latency(own).average,
      ...costTotals(own),
    }))
    .sort(
      inOrder(
        most((one) => one.executions),
        byName,
      ),
    );
}

export function summary(history: History, options: SummaryOptions = {}): Summary {
  const all = about(history, options);
  return {
    ...counts(all),
    latencyMs: latency(all),
    ...costTotals(all),
    cacheHitRate: cacheStats(all).hitRate,
    operations: operationSummaries(all),
    failuresByType: groups(
      all.filter(({ success }) => !success),
      (event) => [event.kind, event.name, typeOf(event)],
    )
      .map((own) => {
        const [first] = own as [ExecutionEvent];
        return { kind: first.kind, name: first.name, errorType: typeOf(first), failures: weigh(own) };
      })
      .sort(
        inOrder(
          most(({ failures }) => failures),
          byName,
          (one, other) => compareTexts(one.errorType, other.errorType),
        ),
      ),
    slowest: listExecutions(rows(history), {
      ...pick(options),
      ...frameOf(history, options),
      orderBy: 'latencyMs',
    }).slice(0, 5),
    runs: runs(history, options),
  };
}

function runs(history: History, options: SummaryOptions): number {
  if (options.userId !== undefined || options.runId !== undefined) {
    return distinct(about(history, options).map(({ runId }) => runId)).length;
  }
  const { from, to } = frameOf(history, options);
  return groups(
    executionsOf(history.events).filter(({ runId }) => runId !== undefined),
    ({ runId }) => runId,
  ).filter((own) => {
    const org = own.map(({ orgId }) => orgId).findLast((id) => id !== undefined);
    const wentOn = own.some(({ at }) => at < to) && own.some(({ at }) => at >= from);
    return wentOn && (options.orgId === undefined || org === options.orgId);
  }).length;
}

type KeyOf = (
  event: ExecutionEvent,
  find: (id: string) => ExecutionEvent | undefined,
) => Pick<CostEntry, 'kind' | 'name'>;

/** The nearest execution of a kind: itself, or one that called it. */
const callerOf =
  (kind: ExecutionEvent['kind']): KeyOf =>
  (event, find) => {
    let at: ExecutionEvent | undefined = event;
    const passed = new Set<ExecutionEvent>();
    while (at !== undefined && at.kind !== kind && !passed.has(at)) {
      passed.add(at);
      at = at.parentId === undefined ? undefined : find(at.parentId);
    }
    return at?.kind === kind ? { kind, name: at.name } : { kind: null, name: null };
  };

const keyOf: Record<CostGroup, KeyOf> = {
  operation: ({ kind, name }) => ({ kind, name }),
  kind: ({ kind }) => ({ kind, name: null }),
  model: ({ model }) => ({ kind: null, name: model ?? null }),
  organisation: ({ orgId }) => ({ kind: null, name: orgId ?? null }),
  user: ({ userId }) => ({ kind: null, name: userId ?? null }),
  run: ({ runId }) => ({ kind: null, name: runId ?? null }),
  skill: callerOf('skill'),
  tool: callerOf('tool'),
  agent: callerOf('agent'),
};
const callers: readonly CostGroup[] = ['skill', 'tool', 'agent'];
const byRows: readonly CostGroup[] = ['user', ...callers];

export function costs(history: History, options: CostOptions = {}): CostReport {
  const { by = 'operation', limit = 100, ...report } = options;
  const conditions = { ...pick(report), days: report.days, from: report.from, to: report.to };
  const isOfAll = Object.values(conditions).every((value) => value === undefined);
  const found =
    byRows.includes(by) || (by === 'run' && !isOfAll)
      ? listExecutions(rows(history), { ...pick(report), ...frameOf(history, report) })
      : about(history, report, undefined, by === 'organisation');
  const { from } = frameOf(history, report);
  const find = (id: string): ExecutionEvent | undefined => rows(history).find((one) => one.id === id && one.at >= from);
  return {
    ...costTotals(found),
    entries: groups(found, (event) => keyOf[by](event, find))
      .map((own): CostEntry => {
        const key = keyOf[by](own[0] as ExecutionEvent, find);
        const totals = costTotals(own);
        const ofItself = callers.includes(by) ? own.filter(({ kind }) => kind === by) : [];
        const calls = ofItself.length === 0 ? null : weigh(ofItself);
        const { totalCostUsd } = totals;
        return {
          ...key,
          ...totals,
          calls,
          costPerCallUsd: calls && totalCostUsd !== null ? totalCostUsd / calls : null,
        };
      })
      .sort(
        inOrder(
          most(({ totalCostUsd }) => totalCostUsd ?? -1),
          byName,
        ),
      )
      .slice(0, limit),
  };
}

export function errors(history: History, options: ErrorReportOptions = {}): ErrorReport {
  const { limit = 100 } = options;
  const all = about(history, options);
  const failed = all.filter(({ success }) => !success);
  return {
    executions: weigh(all),
    failures: weigh(failed),
    errorRate: all.length === 0 ? null : weigh(failed) / weigh(all),
    operations: operations(all)
      .map(({ kind, name, own }) => {
        const { executions, failures } = counts(own);
        return { kind, name, executions, failures, errorRate: failures / executions };
      })
      .sort(
        inOrder(
          most(({ errorRate }) => errorRate),
          most(({ failures }) => failures),
          byName,
        ),
      )
      .slice(0, limit),
    groups: groups(failed, typeOf)
      .map((own) => ({
        errorType: typeOf(own[0] as ExecutionEvent),
        failures: weigh(own),
        share: weigh(own) / weigh(failed),
        operations: operations(own)
          .map(({ kind, name, own: ofIt }) => ({ kind, name, failures: weigh(ofIt) }))
          .sort(
            inOrder(
              most(({ failures }) => failures),
              byName,
            ),
          )
          .slice(0, limit),
      }))
      .sort(
        inOrder(
          most(({ failures }) => failures),
          (one, other) => compareTexts(one.errorType, other.errorType),
        ),
      )
      .slice(0, limit),
  };
}

export function cache(history: History, options: ReportOptions = {}): CacheReport {
  const all = about(history, options);
  return {
    ...cacheStats(all),
    operations: operations(all)
      .map(({ kind, name, own }) => ({ kind, name, ...cacheStats(own) }))
      .filter(({ hitRate }) => hitRate !== null)
      .sort(
        inOrder(
          most(({ hits, misses }) => hits + misses),
          byName,
        ),
      ),
  };
}

export function models(history: History, options: ReportOptions = {}): ModelStats[] {
  return groups(
    about(history, options).filter(({ model }) => model !== undefined),
    ({ model }) => model,
  )
    .map((own): ModelStats => {
      const { successes } = counts(own);
      const { totalCostUsd } = costTotals(own);
      return {
        model: own[0]?.model ?? '',
        ...tokens(own),
        ...costTotals(own),
        ...counts(own),
        latencyMs: latency(own),
        costPerSuccessUsd: totalCostUsd === null || successes === 0 ? null : totalCostUsd / successes,
      };
    })
    .sort(
      inOrder(
        most(({ executions }) => executions),
        (one, other) => compareTexts(one.model, other.model),
      ),
    );
}

/** In the place of the counts of the histogram: how much there is up to each end, exactly. */
export function latencies(
  history: History,
  options: LatencyOptions = {},
): Omit<LatencyReport, 'histogram'> & { upTo(ms: number): number } {
  const known = about(history, options).filter(({ latencyMs }) => latencyMs !== undefined);
  return {
    count: weigh(known),
    latencyMs: latency(known),
    percentiles: (options.percentiles ?? [50, 90, 95, 99]).map((percent) => ({
      percentile: percent,
      ms: percentile(known, percent),
    })),
    upTo: (ms) => weigh(known.filter(({ latencyMs = 0 }) => latencyMs <= ms)),
  };
}

export function trend(history: History, options: TrendOptions = {}): TrendPoint[] {
  const { bucket = 'day', from: start, to, days, ...filter } = options;
  const { rowsFrom = 0, hoursFrom = 0, now } = history;
  const isOfRows =
    filter.userId !== undefined || filter.runId !== undefined || (filter.orgId !== undefined && bucket === 'hour');
  const complete = isOfRows ? rowsFrom : bucket === 'hour' ? hoursFrom : 0;
  const width = { hour: hourMs, day: dayMs }[bucket];
  const end = Math.ceil((to ?? now + 1) / width) * width;
  const length = (days ?? { hour: 2, day: 30 }[bucket]) * dayMs;
  const points: TrendPoint[] = [];
  for (
    let from = Math.floor((start ?? end - length) / width) * width;
    from < end && !(start !== undefined && start === to);
    from += width
  ) {
    const own = listExecutions(history.events, { ...pick(filter), from, to: from + width });
    const { average, p50, p95, p99 } = latency(own);
    const distributions = options.distributions ?? filter.name !== undefined;
    points.push({
      from,
      to: from + width,
      ...counts(own),
      uniqueUsers: distributions ? distinct(own.map(({ userId }) => userId)).length : null,
      averageLatencyMs: average,
      p50LatencyMs: distributions ? p50 : null,
      p95LatencyMs: distributions ? p95 : null,
      p99LatencyMs: distributions ? p99 : null,
      totalTokens: tokens(own).totalTokens,
      totalCostUsd: costTotals(own).totalCostUsd,
      cacheHitRate: cacheStats(own).hitRate,
    });
  }
  return points.filter(({ from }) => from >= complete);
}

export function heatmap(history: History, options: HeatmapOptions = {}): Heatmap {
  const { kind = 'tool', orgId, limit = 20 } = options;
  const { rowsFrom = 0, hoursFrom = 0 } = history;
  const frame = frameOf(history, options, 30);
  const all =
    orgId === undefined
      ? listExecutions(history.events, { kind, ...widened({ ...history, hoursFrom: 0 }, frame, false) })
      : listExecutions(rows(history), { kind, orgId, ...frame });
  return {
    rows: operations(all.filter(({ at }) => at >= (orgId === undefined ? hoursFrom : rowsFrom)))
      .map(({ name, own }) => ({
        kind,
        name,
        executions: weigh(own),
        hours: Array.from({ length: 24 }, (_, hour) => {
          const then = own.filter(({ at }) => new Date(at).getUTCHours() === hour);
          return {
            executions: weigh(then),
            failures: counts(then).failures,
            averageLatencyMs: latency(then).average,
          };
        }),
      }))
      .sort(
        inOrder(
          most(({ executions }) => executions),
          byName,
        ),
      )
      .slice(0, limit)
      .map(({ name, executions, hours }) => ({ name, executions, hours })),
  };
}
