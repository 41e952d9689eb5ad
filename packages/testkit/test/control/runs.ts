import type {
  AnalyticsEvent,
  ExecutionEvent,
  FigureCondition,
  JsonValue,
  MetricCondition,
  MetricPoint,
  RunDetails,
  RunFilter,
  RunReader,
} from '@toolweaver/analytics-core';
import { averageCostOf, averageLatencyOf, differenceOf, shareOf } from './compare.ts';
import { costsOf, countsOf, executionsOf, latencyOf, type Options, operationsOf, refuse, tokensOf } from './figures.ts';

/** Answers about runs, from the rows by hand. */
export function runsOver(rows: () => readonly AnalyticsEvent[]): RunReader {
  const idsOfRuns = (): string[] => [
    ...new Set(rows().flatMap(({ type, runId }) => (type === 'run' || type === 'execution' ? (runId ?? []) : []))),
  ];
  const executions = (options: object): ExecutionEvent[] => executionsOf(rows(), options as Options);

  const history = (runId: string): MetricPoint[] =>
    rows()
      .filter((row) => row.type === 'metrics')
      .filter((row) => row.runId === runId)
      .flatMap(({ at, step = null, values }) =>
        Object.entries(values).map(([name, value]) => ({ name, step, at, value })),
      )
      .sort(
        (one, other) =>
          one.at - other.at ||
          (one.name < other.name ? -1 : Number(one.name > other.name)) ||
          stepOf(one) - stepOf(other),
      );

  function lastMetrics(runId: string): Record<string, number> {
    const points = history(runId).toSorted((one, other) => stepOf(one) - stepOf(other) || one.at - other.at);
    return Object.fromEntries(points.map(({ name, value }) => [name, value]));
  }

  function detailsOf(runId: string): RunDetails | undefined {
    const own = executions({ runId }).toSorted((one, other) => one.at - other.at);
    const events = rows()
      .filter((row) => row.type === 'run')
      .filter((row) => row.runId === runId)
      .sort((one, other) => one.at - other.at);
    const first = events.find(({ state }) => state === 'started') ?? own[0];
    if (first === undefined) {
      return undefined;
    }
    const {
      state = null,
      name = null,
      project = null,
      tags = [],
      config = {},
      summary = {},
    } = Object.assign(
      {},
      ...events.map((event) => Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined))),
    ) as Partial<(typeof events)[number]>;
    const finishedAt = state === null || state === 'started' ? null : (events.at(-1)?.at ?? null);
    const depth = ({ parentId }: ExecutionEvent): number => {
      const parent = own.find(({ id }) => id === parentId);
      return 1 + (parent === undefined ? 0 : depth(parent));
    };
    return {
      runId,
      state,
      name,
      project,
      tags,
      config,
      summary,
      startedAt: first.at,
      finishedAt,
      durationMs: finishedAt === null ? null : finishedAt - first.at,
      ...countsOf(own),
      totalTokens: tokensOf(own),
      totalCostUsd: costsOf(own).totalCostUsd,
      metrics: lastMetrics(runId),
      latencyMs: latencyOf(own),
      maxDepth: Math.max(0, ...own.map(depth)),
      operations: operationsOf(own),
      artifacts: rows()
        .filter((row) => row.type === 'artifact')
        .filter((row) => row.runId === runId)
        .sort((one, other) => one.at - other.at)
        .map((row) => ({
          name: row.name,
          kind: row.kind,
          at: row.at,
          path: row.path ?? null,
          bytes: row.bytes?.length ?? null,
        })),
    };
  }

  const reader: RunReader = {
    async listRuns(filter = {}, cursor) {
      refuse([['cursor', cursor === undefined || /^\d+$/.test(cursor)]]);
      const { limit = 100, order = 'desc', orderBy = 'startedAt' } = filter;
      const sign = order === 'asc' ? 1 : -1;
      const found = idsOfRuns()
        .flatMap((runId) => detailsOf(runId) ?? [])
        .filter((run) => meets(run, filter))
        .sort((one, other) => {
          const [first, second] = [one, other].map((run) => figureOf(run, orderBy));
          const unknown = Number(first === null) - Number(second === null);
          const later = other.startedAt - one.startedAt || (one.runId < other.runId ? -1 : 1);
          return unknown || sign * ((first ?? 0) - (second ?? 0)) || later;
        });
      const start = Number(cursor ?? 0);
      const end = start + limit;
      return { runs: found.slice(start, end), ...(end < found.length ? { nextCursor: String(end) } : {}) };
    },

    getRun: async (runId) => detailsOf(runId),

    getRunMetrics: async (runId, { name, limit = 10_000 } = {}) =>
      history(runId)
        .filter((point) => name === undefined || point.name === name)
        .slice(-limit),

    async compareRuns(runIds) {
      const known = idsOfRuns();
      refuse([
        ['runIds', runIds.length >= 2],
        ...runIds.map((runId, at) => [`runIds[${at}]`, known.includes(runId)] as const),
      ]);
      const runs = runIds.flatMap((runId) => detailsOf(runId) ?? []);
      const settings = runs.map(({ config }) => new Map(settingsOf(config)));
      const paths = [...new Set(settings.flatMap((own) => [...own.keys()]))];
      const names = [...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))];
      const [first = [], ...others] = runIds.map((runId) => executions({ runId }));
      return {
        runs,
        config: Object.fromEntries(
          paths
            .map((path) => [path, settings.map((own) => own.get(path) ?? null)] as const)
            .filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size > 1),
        ),
        metrics: Object.fromEntries(names.map((name) => [name, runs.map(({ metrics }) => metrics[name] ?? null)])),
        differences: others.map((other) => differenceOf(first, other)),
      };
    },

    async compareVersions(name, versions, { kind = 'skill', ...options } = {}) {
      const [one, other] = versions.map((version) => executions({ ...options, kind, name, version })) as [
        ExecutionEvent[],
        ExecutionEvent[],
      ];
      const statsOf = (version: string, own: readonly ExecutionEvent[]) => ({
        version,
        ...countsOf(own),
        successRateEstimate: shareOf(own),
        latencyMs: latencyOf(own),
        averageLatencyMs: averageLatencyOf(own),
        averageCostUsd: averageCostOf(own),
      });
      return {
        kind,
        name,
        versions: [statsOf(versions[0], one), statsOf(versions[1], other)],
        difference: differenceOf(one, other),
      };
    },
  };
  return reader;
}

function stepOf({ step }: MetricPoint): number {
  return step ?? Number.MIN_SAFE_INTEGER;
}

function figureOf(run: RunDetails, orderBy: NonNullable<RunFilter['orderBy']>): number | null {
  if (typeof orderBy === 'object') {
    return run.metrics[orderBy.metric] ?? null;
  }
  return { ...run, costUsd: run.totalCostUsd, tokens: run.totalTokens }[orderBy];
}

function meets(
  run: RunDetails,
  { from = 0, to = Number.POSITIVE_INFINITY, tag, where = [], ...equal }: RunFilter,
): boolean {
  return (
    run.startedAt >= from &&
    run.startedAt < to &&
    (tag === undefined || run.tags.includes(tag)) &&
    (['project', 'name', 'state'] as const).every(
      (field) => equal[field] === undefined || run[field] === equal[field],
    ) &&
    where.every((condition) => holds(run, condition))
  );
}

function holds(run: RunDetails, condition: MetricCondition | FigureCondition): boolean {
  const value = figureOf(run, 'metric' in condition ? condition : condition.figure);
  const { op, value: bound } = condition;
  return (
    value !== null &&
    { '<': value < bound, '<=': value <= bound, '=': value === bound, '>=': value >= bound, '>': value > bound }[op]
  );
}

/** Every setting by its path. */
function settingsOf(value: JsonValue, path = ''): [string, JsonValue][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, value]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    settingsOf(inner, key.includes('.') ? `${path}[${JSON.stringify(key)}]` : path === '' ? key : `${path}.${key}`),
  );
}
