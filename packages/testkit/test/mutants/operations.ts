import type { CostReport, ErrorReport } from '@toolweaver/analytics-core';
import { but, forgetting, type Mutants, reading } from './altered.ts';

type Mutant = Mutants[string][string];

function costs(change: (report: CostReport) => Partial<CostReport>): Mutant {
  return reading((reader) => ({
    getCosts: (options) => but(reader.getCosts(options), change),
  }));
}

function errors(change: (report: ErrorReport) => Partial<ErrorReport>): Mutant {
  return reading((reader) => ({ getErrors: (options) => but(reader.getErrors(options), change) }));
}

export const operationMutants: Mutants = {
  'the summary is that of its window and its scope': {
    'forgets the days': forgetting('summary', 'days'),
    'forgets the start': forgetting('summary', 'from'),
    'forgets the end': forgetting('summary', 'to'),
    'forgets the organisation': forgetting('summary', 'orgId'),
    'forgets the user': forgetting('summary', 'userId'),
    'forgets the run': forgetting('summary', 'runId'),
    'has the end of a window inside': reading((reader) => ({
      summary: ({ to, ...options } = {}) => reader.summary({ ...options, to: to === undefined ? undefined : to + 1 }),
    })),
  },
  'costs are summed by each group, most expensive first, the unknown last': {
    'knows operations only': reading((reader) => ({
      getCosts: (options) => reader.getCosts({ ...options, by: 'operation' }),
    })),
    'takes an unknown cost for none': costs(({ entries }) => ({
      entries: entries.map((entry) => ({ ...entry, totalCostUsd: entry.totalCostUsd ?? 0 })),
    })),
    'leaves out what has none': costs(({ entries }) => ({
      entries: entries.filter(({ kind, name }) => kind !== null || name !== null),
    })),
    'averages over all executions': costs(({ totalCostUsd, executions }) => ({
      averageCostUsd: (totalCostUsd ?? 0) / executions,
    })),
    'sums up the entries that it shows': reading((reader) => ({
      getCosts: async (options) => {
        const report = await reader.getCosts(options);
        return {
          ...report,
          executions: report.entries.reduce((sum, { executions }) => sum + Math.ceil(executions / 4), 0),
        };
      },
    })),
    'has the cheapest first': costs(({ entries }) => ({ entries: entries.toReversed() })),
    'forgets the limit': reading((reader) => ({ getCosts: (options) => reader.getCosts({ ...options, limit: 1000 }) })),
    'counts two classes of tokens': costs(({ totalTokens }) => ({ totalTokens: (totalTokens * 13) / 20 })),
  },
  'failures are counted by operation and by type of error': {
    'leaves out what never fails': errors(({ operations }) => ({
      operations: operations.filter(({ failures }) => failures > 0),
    })),
    'has most failures first': errors(({ operations }) => ({
      operations: operations.toSorted((one, other) => other.executions - one.executions),
    })),
    'leaves out failures without a type': errors(({ groups }) => ({
      groups: groups.filter(({ errorType }) => errorType !== 'unknown'),
    })),
    'takes the share of all executions': errors(({ executions, groups }) => ({
      groups: groups.map((group) => ({ ...group, share: group.failures / executions })),
    })),
    'counts each sampled failure once': errors(() => ({ failures: 3 })),
    'forgets the filter': reading((reader) => ({
      getErrors: (options) => reader.getErrors({ limit: options?.limit }),
    })),
    'forgets the limit': reading((reader) => ({
      getErrors: (options) => reader.getErrors({ ...options, limit: 1000 }),
    })),
  },
  'executions are listed slowest or most expensive first, without those of which that is unknown': {
    'lists the newest first': reading((reader) => ({
      listExecutions: (filter, cursor) => reader.listExecutions({ ...filter, orderBy: 'at' }, cursor),
    })),
    'lists by latency whatever is asked for': reading((reader) => ({
      listExecutions: (filter, cursor) => reader.listExecutions({ ...filter, orderBy: 'latencyMs' }, cursor),
    })),
    'has the oldest of equals first': reading((reader) => ({
      listExecutions: async (filter, cursor) => {
        const page = await reader.listExecutions(filter, cursor);
        const { orderBy } = filter ?? {};
        const executions = page.executions.toSorted((one, other) =>
          orderBy === 'latencyMs' ? (other.latencyMs ?? 0) - (one.latencyMs ?? 0) || one.at - other.at : 0,
        );
        return { ...page, executions };
      },
    })),
    'forgets `minLatencyMs`': reading((reader) => ({
      listExecutions: (filter, cursor) => reader.listExecutions({ ...filter, minLatencyMs: undefined }, cursor),
    })),
  },
};
