import type { Difference, Estimate, RunDetails, RunFilter, RunSummary, VersionStats } from '@toolweaver/analytics-core';
import { forgetting, type Mutant, type Mutants, misheard, misspoken, storing } from './altered.ts';

/** Lists runs in another order, page by page. */
function ordering(change: (filter: RunFilter) => RunFilter): Mutant {
  return misheard('listRuns', (filter = {}, cursor) => [change(filter), cursor]);
}

function details(change: (run: RunDetails) => Partial<RunDetails>): Mutant {
  return misspoken('getRun', (run) => run && { ...run, ...change(run) });
}

function differing(change: (difference: Difference) => Partial<Difference>): Mutant {
  return misspoken('compareVersions', (found) => ({
    ...found,
    difference: { ...found.difference, ...change(found.difference) },
  }));
}

function versions(change: (stats: VersionStats) => Partial<VersionStats>): Mutant {
  return misspoken('compareVersions', (found) => {
    const [one, other] = found.versions;
    return {
      ...found,
      versions: [
        { ...one, ...change(one) },
        { ...other, ...change(other) },
      ],
    };
  });
}

/** As wide as that of the normal distribution would be. */
function normal({ value, low, high }: Estimate): Estimate {
  const narrow = (end: number | null): number | null =>
    end === null || value === null ? end : value + (end - value) / 6.5;
  return { value, low: narrow(low), high: narrow(high) };
}

export const runMutants: Mutants = {
  'runs are listed by figure or metric, page by page, those without it last': {
    'orders by start whatever is asked for': ordering((filter) => ({ ...filter, orderBy: 'startedAt' })),
    'has the highest first always': ordering((filter) => ({ ...filter, order: 'desc' })),
    'has the lowest first unless it is asked': ordering((filter) => ({ order: 'asc', ...filter })),
    'takes an unknown cost for none': misspoken('listRuns', (page, { orderBy } = {}) =>
      orderBy === 'totalCostUsd' && page.runs.some(({ runId }) => runId === 'a')
        ? { ...page, runs: page.runs.toReversed() }
        : page,
    ),
    'leaves out those without the metric': misspoken('listRuns', (page, { orderBy } = {}) => ({
      ...page,
      runs: page.runs.filter(({ metrics }) => typeof orderBy !== 'object' || orderBy.metric in metrics),
    })),
    'leaves out what nobody started': misspoken('listRuns', (page) => ({
      ...page,
      runs: page.runs.filter(({ state }) => state !== null),
    })),
    'has equals in the order of their ids': misspoken('listRuns', (page) => ({
      ...page,
      runs: page.runs.toSorted((one: RunSummary, other) =>
        one.failures === other.failures ? (one.runId < other.runId ? -1 : 1) : 0,
      ),
    })),
    'ends after a page': misspoken('listRuns', ({ runs }) => ({ runs })),
    'begins anew with every page': misheard('listRuns', (filter) => [filter]),
    'forgets the limit': forgetting('listRuns', 'limit'),
  },
  'the list of runs keeps to its filter': Object.fromEntries([
    ...(['project', 'name', 'state', 'tag', 'from', 'to', 'where'] as const).map((field) => [
      `forgets \`${field}\``,
      forgetting('listRuns', field),
    ]),
    [
      'looks at the first condition alone',
      ordering(({ where, ...filter }) => ({ ...filter, where: where?.slice(0, 1) })),
    ],
    [
      'has the end of the window inside',
      ordering(({ to, ...filter }) => ({ ...filter, to: to === undefined ? undefined : to + 1 })),
    ],
    [
      'has nano-dollars for dollars',
      ordering(({ where = [], ...filter }) => ({
        ...filter,
        where: where.map((one) =>
          'figure' in one && one.figure === 'totalCostUsd' ? { ...one, value: one.value / 1e9 } : one,
        ),
      })),
    ],
    [
      'looks for less than at most',
      ordering(({ where = [], ...filter }) => ({
        ...filter,
        where: where.map((one) => (one.op === '<=' ? { ...one, op: '<' } : one)),
      })),
    ],
  ]),
  'a run is what its events and its executions say together': {
    'lists it without its configuration': misspoken('listRuns', (page) => ({
      ...page,
      runs: page.runs.map((one) => ({ ...one, config: {} })),
    })),
    'knows those that were started only': misspoken('getRun', (run) => (run?.state === null ? undefined : run)),
    'makes up what is unknown': misspoken(
      'getRun',
      (run, runId) =>
        run ??
        ({ runId, state: null, metrics: {}, config: {}, operations: [], artifacts: [] } as unknown as RunDetails),
    ),
    'has it over for good once it ended': details(({ state, startedAt }) =>
      state === 'started' ? { state: 'finished', finishedAt: startedAt + 10 } : {},
    ),
    'starts it anew': details(({ state, startedAt }) => (state === 'started' ? { startedAt: startedAt + 20 } : {})),
    'starts it with its first execution': details(({ runId, startedAt }) =>
      runId === 'a' ? { startedAt: startedAt + 100 } : {},
    ),
    'has the last state that was recorded': details(({ runId }) => (runId === 'a' ? { state: 'started' } : {})),
    'forgets what a later event says nothing of': details(({ state }) =>
      state === 'finished' ? { project: null } : {},
    ),
    'takes an unknown cost for none': details(({ totalCostUsd }) => ({ totalCostUsd: totalCostUsd ?? 0 })),
    'has an unknown cost of an operation for none': details(({ operations }) => ({
      operations: operations.map((one) => ({ ...one, totalCostUsd: one.totalCostUsd ?? 0 })),
    })),
    'divides by zero': details(({ successRate }) => ({ successRate: successRate ?? Number.NaN })),
    'has the last value that was logged': details(({ metrics }) => ({ metrics: { ...metrics, loss: 8 } })),
    'has the first value of the highest step': details(({ metrics }) => ({ metrics: { ...metrics, loss: 0.4 } })),
    'counts depth from zero': details(({ maxDepth }) => ({ maxDepth: maxDepth - 1 })),
    'has a depth without executions': details(({ maxDepth }) => ({ maxDepth: Math.max(1, maxDepth) })),
    'has operations as often used in any order': details(({ operations }) => ({
      operations: operations.toReversed(),
    })),
    'has the newest artifact first': details(({ artifacts }) => ({ artifacts: artifacts.toReversed() })),
    'has no bytes for a path': details(({ artifacts }) => ({
      artifacts: artifacts.map((one) => ({ ...one, bytes: one.bytes ?? 0 })),
    })),
  },
  'what a run has logged is told oldest first, then by name': {
    'has the newest first': misspoken('getRunMetrics', (points) => points.toReversed()),
    'goes by step': misspoken('getRunMetrics', (points) =>
      points.toSorted((one, other) => (one.step ?? -1) - (other.step ?? -1)),
    ),
    'goes by name first': misspoken('getRunMetrics', (points) =>
      points.toSorted((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name))),
    ),
    'has no order of names': misspoken('getRunMetrics', (points) =>
      points.toSorted((one, other) => one.at - other.at || (one.name < other.name ? 1 : -1)),
    ),
    'takes no step for the first': misspoken('getRunMetrics', (points) =>
      points.map((point) => ({ ...point, step: point.step ?? 0 })),
    ),
    'keeps the oldest': misspoken('getRunMetrics', (points, _runId, { limit } = {}) =>
      limit === undefined ? points : points.with(0, { ...points[0], value: 0.4 } as (typeof points)[number]),
    ),
    'forgets the limit': misheard('getRunMetrics', (runId, options) => [runId, { ...options, limit: 1000 }]),
    'has something of an unknown run': misheard('getRunMetrics', (runId, options) => [
      runId === 'unknown' ? 'a' : runId,
      options,
    ]),
    'forgets the name': misheard('getRunMetrics', (runId, options) => [runId, { ...options, name: undefined }]),
  },
  'runs are compared with the first of them': {
    'has them in an order of its own': misheard('compareRuns', (runIds) => [runIds.toSorted()]),
    'compares with the last': misspoken('compareRuns', (found) => ({
      ...found,
      differences: found.differences.toReversed(),
    })),
    'compares the first with the others': misspoken('compareRuns', (found) => ({
      ...found,
      differences: found.differences.map((one) => ({
        ...one,
        successRate: { ...one.successRate, value: one.successRate.value && -one.successRate.value },
      })),
    })),
    'compares the first with itself, too': misspoken('compareRuns', (found) => ({
      ...found,
      differences: [...found.differences.slice(0, 1), ...found.differences],
    })),
    'takes an unknown cost for none': misspoken('compareRuns', (found) => ({
      ...found,
      differences: found.differences.map((one) => ({
        ...one,
        averageCostUsd: { ...one.averageCostUsd, value: one.averageCostUsd.value ?? 0 },
      })),
    })),
    'is sure of a single execution': misspoken('compareRuns', (found) => ({
      ...found,
      differences: found.differences.map((one) => ({
        ...one,
        averageLatencyMs: { ...one.averageLatencyMs, low: 0, high: 150 },
      })),
    })),
    'has settings that are the same': misspoken('compareRuns', (found, runIds) => ({
      ...found,
      config: { ...found.config, seed: runIds.map(() => 1) },
    })),
    'has settings that are the same in two': misspoken('compareRuns', (found, runIds) => ({
      ...found,
      config: runIds.length === 2 ? { ...found.config, seed: [1, 1] } : found.config,
    })),
    'has no paths of settings': misspoken('compareRuns', (found) => ({
      ...found,
      config: { ...found.config, 'model.name': undefined as never, model: found.config['model.name'] ?? [] },
    })),
    'has metrics of all of them only': misspoken('compareRuns', (found) => ({
      ...found,
      metrics: { loss: found.metrics['loss'] ?? [] },
    })),
    'takes a metric that is not there for zero': misspoken('compareRuns', (found) => ({
      ...found,
      metrics: Object.fromEntries(
        Object.entries(found.metrics).map(([name, values]) => [name, values.map((value) => value ?? 0)]),
      ),
    })),
  },
  'versions of a skill or another operation are compared, with 95 % confidence intervals': {
    'takes the normal distribution for that of few': versions(({ averageLatencyMs }) => ({
      averageLatencyMs: normal(averageLatencyMs),
    })),
    'takes it for that of differences': differing(({ averageLatencyMs }) => ({
      averageLatencyMs: normal(averageLatencyMs),
    })),
    'is as sure of a rate as of many': versions(({ successRateEstimate }) => ({
      successRateEstimate: normal(successRateEstimate),
    })),
    'is sure of a single cost': versions(({ averageCostUsd: { value } }) => ({
      averageCostUsd: { value, low: value, high: value },
    })),
    'takes sampled ones for as many': versions(({ version, averageLatencyMs }) => ({
      averageLatencyMs: version === '2' ? normal(averageLatencyMs) : averageLatencyMs,
    })),
    'counts sampled ones once': versions(({ version, executions }) => ({
      executions: version === '2' ? executions / 2 : executions,
    })),
    'compares the first with the second': misheard('compareVersions', (name, [one, other], options) => [
      name,
      [other, one],
      options,
    ]),
    'forgets the window': misheard('compareVersions', (name, both, { kind } = {}) => [name, both, { kind }]),
    'compares only skills': misheard('compareVersions', (name, both, { kind: _, ...options } = {}) => [
      name,
      both,
      options,
    ]),
    'forgets the organisation': misheard('compareVersions', (name, both, { orgId: _, ...options } = {}) => [
      name,
      both,
      options,
    ]),
    'has zeros for an unknown version': versions(({ averageLatencyMs: { value, ...ends } }) => ({
      averageLatencyMs: { ...ends, value: value ?? 0 },
    })),
    'takes an unknown rate for zero': versions(({ successRate }) => ({ successRate: successRate ?? 0 })),
    'compares with nothing': differing(({ successRate: { value, ...ends } }) => ({
      successRate: { ...ends, value: value ?? 0 },
    })),
    'takes any name for a version': storing((event) =>
      event.type === 'execution' ? { ...event, name: 'summarise' } : event,
    ),
    'takes tools for skills': storing((event) => (event.type === 'execution' ? { ...event, kind: 'skill' } : event)),
  },
};
