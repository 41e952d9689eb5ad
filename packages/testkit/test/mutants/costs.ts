import type { CostEntry, WasteReport } from '@toolweaver/analytics-core';
import { but, type Mutants, misheard, reading, storingExecutions } from './altered.ts';

type Mutant = Mutants[string][string];

function waste(change: (report: WasteReport) => Partial<WasteReport>): Mutant {
  return reading((reader) => ({ getWaste: (options) => but(reader.getWaste(options), change) }));
}

function calling(change: (entry: CostEntry) => Partial<CostEntry>): Mutant {
  return reading((reader) => ({
    getCosts: (options) =>
      but(reader.getCosts(options), ({ entries }) => ({
        entries: entries.map((entry) => ({ ...entry, ...change(entry) })),
      })),
  }));
}

export const costMutants: Mutants = {
  'costs belong to the nearest skill, tool or agent around them': {
    'gives each operation its own costs only': storingExecutions(() => ({ parentId: undefined })),
    'gives them to the kind alone': reading((reader) => ({
      getCosts: (options) => reader.getCosts({ ...options, by: 'kind' }),
    })),
    'has them all with the agent': reading((reader) => ({
      getCosts: (options) => reader.getCosts({ ...options, by: 'agent' }),
    })),
    'leaves out what is outside of any': reading((reader) => ({
      getCosts: (options) =>
        but(reader.getCosts(options), ({ entries }) => ({ entries: entries.filter(({ name }) => name !== null) })),
    })),
    'counts all that is in it as its calls': calling(({ executions }) => ({ calls: executions })),
    'counts the rows of its calls': calling(({ calls }) => ({ calls: calls && 1 })),
    'has calls of what is outside of any': calling(({ calls }) => ({ calls: calls ?? 0 })),
    'has the average of all that cost something for that of a call': calling(({ averageCostUsd }) => ({
      costPerCallUsd: averageCostUsd,
    })),
    'takes skills for tools': misheard('getCosts', ({ by, ...options } = {}) => [
      { ...options, by: by === 'tool' ? 'skill' : by },
    ]),
    'takes tools for agents': misheard('getCosts', ({ by, ...options } = {}) => [
      { ...options, by: by === 'agent' ? 'tool' : by },
    ]),
    'seeks callers among the reported alone': reading((reader) => ({
      getCosts: async (options) => {
        const report = await reader.getCosts(options);
        return options?.kind === undefined ? report : { ...report, entries: report.entries.slice(0, 1) };
      },
    })),
  },
  'what failed or was done again is waste': {
    'knows no repetitions': storingExecutions(({ attempt }) => ({ attempt: attempt === undefined ? undefined : 1 })),
    'takes the calls of different parents for one': storingExecutions(({ kind }) =>
      kind === 'agent' ? {} : { parentId: undefined, runId: 'run-1' },
    ),
    'has failures only': waste(({ failed }) => ({ wasted: failed })),
    'has every second try for waste': waste(({ retried }) => ({ superseded: retried })),
    'takes an unknown cost for none': waste(({ operations }) => ({
      operations: operations.map((operation) => ({
        ...operation,
        wasted: { ...operation.wasted, totalCostUsd: operation.wasted.totalCostUsd ?? 0 },
      })),
    })),
    'divides by all executions': waste(({ total }) => ({
      costPerSuccessUsd: (total.totalCostUsd ?? 0) / total.executions,
    })),
    'takes every success for that of a first try': waste(() => ({ firstTrySuccessRate: 9 / 11 })),
    'forgets the filter': reading((reader) => ({ getWaste: (options) => reader.getWaste({ limit: options?.limit }) })),
    'forgets the limit': reading((reader) => ({
      getWaste: (options) => reader.getWaste({ ...options, limit: 1000 }),
    })),
  },
};
