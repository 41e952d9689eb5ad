import type {
  AnalyticsEvent,
  ArtifactEvent,
  ExecutionEvent,
  JsonObject,
  JsonValue,
  MetricCondition,
  MetricPoint,
  MetricsEvent,
  RunDetails,
  RunEvent,
  RunFigure,
  RunFilter,
  RunSummary,
  VersionStats,
} from '@toolweaver/analytics-core';
import { add, compareTexts, counts, executionsOf, inOrder, latency, type Order, weightOf } from './oracle.ts';
import { averageOf, costs, latencies, shareEstimate, successes } from './oracle-estimates.ts';
import { operationSummaries } from './oracle-operations.ts';

// The answers about runs and versions, counted by hand from the events in the order in which they were written.

function ofType<T extends AnalyticsEvent['type']>(events: readonly AnalyticsEvent[], type: T, runId: string) {
  return events.filter(
    (event): event is Extract<AnalyticsEvent, { readonly type: T }> => event.type === type && event.runId === runId,
  );
}

/** Whichever was later; of two in one ms an end is, else what was written later. */
function inTime(events: readonly RunEvent[]): RunEvent[] {
  const isEnd = ({ state }: RunEvent): number => Number(state !== 'started');
  return events.toSorted(
    inOrder(
      (one, other) => one.at - other.at,
      (one, other) => isEnd(one) - isEnd(other),
    ),
  );
}

function latest<K extends keyof RunEvent>(events: readonly RunEvent[], field: K): RunEvent[K] | undefined {
  return inTime(events).findLast((event) => event[field] !== undefined)?.[field];
}

export function lastValues(events: readonly MetricsEvent[]): Record<string, number> {
  const sorted = events.toSorted(
    inOrder(
      (one, other) => (one.step ?? -1) - (other.step ?? -1),
      (one, other) => one.at - other.at,
    ),
  );
  return Object.fromEntries(sorted.flatMap(({ values }) => Object.entries(values)));
}

const tokensOf = (executions: readonly ExecutionEvent[]): number =>
  add(executions.map((event) => add(Object.values(event.usage ?? {})) * weightOf(event)));

function runSummary(events: readonly AnalyticsEvent[], runId: string): RunSummary | undefined {
  const own = ofType(events, 'run', runId);
  const executions = ofType(events, 'execution', runId);
  if (own.length === 0 && executions.length === 0) {
    return undefined;
  }
  const first = (some: readonly AnalyticsEvent[]): number[] =>
    some.length === 0 ? [] : [Math.min(...some.map(({ at }) => at))];
  const startedAt = [...first(own.filter(({ state }) => state === 'started')), ...first(executions), ...first(own)][0];
  const state = latest(own, 'state');
  const ends = own.filter((event) => event.state !== 'started').map(({ at }) => at);
  const finishedAt = state === undefined || state === 'started' ? null : Math.max(...ends);
  return {
    runId,
    state: state ?? null,
    name: latest(own, 'name') ?? null,
    project: latest(own, 'project') ?? null,
    tags: latest(own, 'tags') ?? [],
    config: latest(own, 'config') ?? {},
    startedAt: startedAt as number,
    finishedAt,
    durationMs: finishedAt === null ? null : Math.max(0, finishedAt - (startedAt as number)),
    ...counts(executions),
    totalTokens: tokensOf(executions),
    totalCostUsd: costOf(executions),
    metrics: lastValues(ofType(events, 'metrics', runId)),
  };
}

function costOf(executions: readonly ExecutionEvent[]): number | null {
  const priced = executions.filter(({ cost }) => cost !== undefined);
  return priced.length === 0 ? null : add(priced.map((event) => (event.cost?.nanoUsd ?? 0) * weightOf(event))) / 1e9;
}

export function runDetails(events: readonly AnalyticsEvent[], runId: string): RunDetails | undefined {
  const summary = runSummary(events, runId);
  const own = ofType(events, 'run', runId);
  const executions = ofType(events, 'execution', runId);
  return (
    summary && {
      ...summary,
      summary: latest(own, 'summary') ?? {},
      latencyMs: latency(executions),
      maxDepth: Math.max(0, ...executions.map((event) => depthOf(executions, event))),
      operations: operationSummaries(executions),
      artifacts: ofType(events, 'artifact', runId)
        .toSorted((one, other) => one.at - other.at)
        .map(({ name, kind, path, bytes, at }: ArtifactEvent) => ({
          name,
          kind,
          path: path ?? null,
          bytes: bytes?.length ?? null,
          at,
        })),
    }
  );
}

function depthOf(executions: readonly ExecutionEvent[], event: ExecutionEvent): number {
  const passed = new Set<ExecutionEvent>();
  for (let at: ExecutionEvent | undefined = event; at !== undefined && !passed.has(at); ) {
    passed.add(at);
    const { parentId }: ExecutionEvent = at;
    at = executions.find(({ id }) => id === parentId);
  }
  return passed.size;
}

const holds: Readonly<Record<MetricCondition['op'], (one: number, other: number) => boolean>> = {
  '<': (one, other) => one < other,
  '<=': (one, other) => one <= other,
  '=': (one, other) => one === other,
  '>=': (one, other) => one >= other,
  '>': (one, other) => one > other,
};

/** Without a limit. */
export function listRuns(events: readonly AnalyticsEvent[], filter: RunFilter = {}): RunSummary[] {
  const {
    from = -Infinity,
    to = Infinity,
    project,
    name,
    state,
    tag,
    where = [],
    orderBy = 'startedAt',
    order,
  } = filter;
  const ids = new Set(
    events.filter(({ type }) => type === 'run' || type === 'execution').flatMap(({ runId }) => runId ?? []),
  );
  const metric = (run: RunSummary, key: string): number | undefined =>
    Object.hasOwn(run.metrics, key) ? run.metrics[key] : undefined;
  const figure = (run: RunSummary, key: RunFigure): number | null => {
    const { startedAt, durationMs, executions, failures, totalCostUsd, totalTokens } = run;
    return { startedAt, durationMs, executions, failures, totalCostUsd, totalTokens }[key];
  };
  const orderedBy = (run: RunSummary): number | null =>
    typeof orderBy === 'object' ? (metric(run, orderBy.metric) ?? null) : figure(run, orderBy);
  const byValue: Order<RunSummary> = (one, other) => {
    const [first, second] = [orderedBy(one), orderedBy(other)];
    if (first === null || second === null) {
      return Number(first === null) - Number(second === null);
    }
    // Not their difference, which may be more than a number holds.
    const rising = first === second ? 0 : first < second ? -1 : 1;
    return order === 'asc' ? rising : -rising;
  };
  return Array.from(ids, (runId) => runSummary(events, runId) as RunSummary)
    .filter(({ startedAt }) => from <= startedAt && startedAt < to)
    .filter((run) => project === undefined || run.project === project)
    .filter((run) => name === undefined || run.name === name)
    .filter((run) => state === undefined || run.state === state)
    .filter((run) => tag === undefined || run.tags.includes(tag))
    .filter((run) =>
      where.every((condition) => {
        const found = 'metric' in condition ? metric(run, condition.metric) : figure(run, condition.figure);
        return typeof found === 'number' && holds[condition.op](found, condition.value);
      }),
    )
    .sort(
      inOrder(
        byValue,
        (one, other) => other.startedAt - one.startedAt,
        (one, other) => compareTexts(one.runId, other.runId),
      ),
    );
}

export function runMetrics(
  events: readonly AnalyticsEvent[],
  runId: string,
  { name, limit = 10_000 }: { readonly name?: string; readonly limit?: number } = {},
): MetricPoint[] {
  return ofType(events, 'metrics', runId)
    .flatMap(({ values, step = null, at }) =>
      Object.entries(values).map(([key, value]): MetricPoint => ({ name: key, step, at, value })),
    )
    .filter((point) => name === undefined || point.name === name)
    .sort(
      inOrder(
        (one, other) => one.at - other.at,
        (one, other) => compareTexts(one.name, other.name),
        (one, other) => (one.step ?? -1) - (other.step ?? -1),
      ),
    )
    .slice(-limit);
}

/** Each setting by its path: names joined by dots; a name that is empty, or holds a dot, a quote or a bracket, stands in `["…"]`. */
export function settingsOf(config: JsonObject): Map<string, JsonValue> {
  const found = new Map<string, JsonValue>();
  const look = (value: JsonValue, path: string): void => {
    const entries = isObject(value) ? Object.entries(value) : [];
    if (entries.length === 0 && path !== '') {
      found.set(path, value);
    }
    for (const [key, inner] of entries) {
      const plain = key !== '' && ![...'."[]'].some((mark) => key.includes(mark));
      look(inner, plain ? `${path}${path === '' ? '' : '.'}${key}` : `${path}[${JSON.stringify(key)}]`);
    }
  };
  look(config, '');
  return found;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function versionStats(
  events: readonly AnalyticsEvent[],
  skillId: string,
  version: string,
  from: number = -Infinity,
  to: number = Infinity,
): { readonly stats: VersionStats; readonly own: readonly ExecutionEvent[] } {
  const own = executionsOf(events).filter(
    (event) =>
      event.kind === 'skill' &&
      event.name === skillId &&
      event.version === version &&
      from <= event.at &&
      event.at < to,
  );
  const stats = {
    version,
    ...counts(own),
    successRateEstimate: shareEstimate(successes(own)),
    latencyMs: latency(own),
    averageLatencyMs: averageOf(latencies(own)),
    averageCostUsd: averageOf(costs(own)),
  };
  return { stats, own };
}
