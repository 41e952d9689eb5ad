import { forgetting, type Mutants, reading } from './altered.ts';

export const leaderboardMutants: Mutants = {
  'the leaderboard ranks by each of its metrics': {
    'has the slowest first': reading((reader) => ({
      getLeaderboard: async (options) => {
        const board = await reader.getLeaderboard(options);
        return options?.metric === 'latency'
          ? board.toReversed().map((entry, at) => ({ ...entry, rank: at + 1 }))
          : board;
      },
    })),
    'ranks from zero': reading((reader) => ({
      getLeaderboard: async (options) =>
        (await reader.getLeaderboard(options)).map((entry) => ({ ...entry, rank: entry.rank - 1 })),
    })),
    'forgets the period': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, period: 'all' }),
    })),
    'forgets the days': forgetting('getLeaderboard', 'days'),
    'forgets the end of the window': forgetting('getLeaderboard', 'to'),
    'forgets the limit': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, limit: 1000 }),
    })),
    'knows skills only': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, kind: 'skill' }),
    })),
    'leaves out what was only rated': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ minExecutions: 1, ...options }),
    })),
    'forgets the organisation': reading((reader) => ({
      getLeaderboard: (options) => reader.getLeaderboard({ ...options, orgId: undefined }),
    })),
    'takes the rate for its lower bound': reading((reader) => ({
      getLeaderboard: async (options) =>
        reader.getLeaderboard({
          ...options,
          metric: options?.metric === 'successLowerBound' ? 'success' : options?.metric,
        }),
    })),
    'takes an unknown cost for none': reading((reader) => ({
      getLeaderboard: async (options) => {
        const board = await reader.getLeaderboard(options);
        const others =
          options?.metric === 'cost' ? await reader.getLeaderboard({ ...options, metric: 'executions' }) : [];
        const unpriced = others.filter(({ name }) => board.every((entry) => entry.name !== name));
        return [...board, ...unpriced.map((entry, at) => ({ ...entry, rank: board.length + at + 1, score: 0 }))];
      },
    })),
    'counts executions for adoption': reading((reader) => ({
      getLeaderboard: (options) =>
        reader.getLeaderboard({ ...options, metric: options?.metric === 'adoption' ? 'executions' : options?.metric }),
    })),
    'has top skills of all time': forgetting('getTopSkills', 'days'),
    'has top skills of any organisation': forgetting('getTopSkills', 'orgId'),
    'has all top skills': forgetting('getTopSkills', 'limit'),
    'fills in no more than the score': reading((reader) => ({
      getLeaderboard: async (options) =>
        (await reader.getLeaderboard(options)).map((entry) => ({ ...entry, uniqueUsers: 0, totalCostUsd: null })),
    })),
  },
};
