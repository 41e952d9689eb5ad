import assert from 'node:assert/strict';
import type { ExecutionEvent, LeaderboardOptions } from '@toolweaver/analytics-core';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { minute, readerOf, sameBoard } from './answers.ts';

const day = 24 * 60 * minute;
/** Two-sided 95 % of the normal distribution. */
const z = 1.959_964;

/** Readers rank skills, and whatever else is executed. */
export const leaderboardLaws: readonly Law[] = [
  {
    law: 'the leaderboard ranks by each of its metrics',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      const skill = (name: string, success: boolean, latencyMs?: number, more: Partial<ExecutionEvent> = {}) =>
        execution({ name, success, latencyMs, at: now - minute, ...more });
      const cost = (nanoUsd: number) => ({ cost: { nanoUsd, source: 'provider' } }) as const;
      await trial.deliver([
        skill('busy', true, 50, { userId: 'user-1', ...cost(1_000_000) }),
        skill('busy', true, 50, { userId: 'user-1' }),
        skill('busy', false, 50, { userId: 'user-2' }),
        skill('quick', true, 5, { userId: 'user-1', ...cost(0) }),
        skill('quick', true, 5),
        skill('sampled', true, 80, { weight: 2.5, ...cost(1_000_000) }),
        skill('unmeasured', false),
        execution({ name: 'last week', at: now - 5 * day, latencyMs: 20, userId: 'user-3', orgId: 'org-1' }),
        execution({ kind: 'tool', name: 'read_file', at: now - minute }),
        rating({ skillId: 'busy', rating: 2, at: now - minute }),
        rating({ skillId: 'busy', rating: 3, at: now - minute }),
        rating({ skillId: 'only rated', rating: 5, at: now - minute }),
      ]);
      const read = (options?: LeaderboardOptions) =>
        trial.within('getLeaderboard()', readerOf(trial).getLeaderboard(options));
      const board = async (options?: LeaderboardOptions): Promise<[string, number][]> => {
        const entries = await read(options);
        assert.deepEqual(
          entries.map(({ rank }) => rank),
          entries.map((_, at) => at + 1),
          'ranks count from 1',
        );
        return entries.map(({ name, score }) => [name, score]);
      };
      const all: [string, number][] = [
        ['busy', 3],
        ['sampled', 2.5],
        ['quick', 2],
        ['last week', 1],
        ['unmeasured', 1],
      ];
      sameBoard(await board(), all);
      sameBoard(await board({ limit: 2 }), all.slice(0, 2));
      sameBoard(await board({ period: 'day', minExecutions: 2 }), all.slice(0, 3));
      sameBoard(await board({ orgId: 'org-1' }), [['last week', 1]]);
      sameBoard(await board({ metric: 'success', period: 'day' }), [
        ['sampled', 1],
        ['quick', 1],
        ['busy', 2 / 3],
        ['unmeasured', 0],
      ]);
      // Of a skill that never failed, Wilson's lower bound is n / (n + 1.96²).
      sameBoard(
        await board({ metric: 'successLowerBound' }),
        [
          ['sampled', 2.5 / (2.5 + z ** 2)],
          ['quick', 2 / (2 + z ** 2)],
          ['busy', 0.207_66],
          ['last week', 1 / (1 + z ** 2)],
          ['unmeasured', 0],
        ],
        1e-5,
      );
      sameBoard(await board({ metric: 'latency' }), [
        ['quick', 5],
        ['last week', 20],
        ['busy', 50],
        ['sampled', 80],
      ]);
      sameBoard(await board({ metric: 'rating' }), [
        ['only rated', 5],
        ['busy', 2.5],
      ]);
      sameBoard(await board({ metric: 'cost' }), [
        ['sampled', 0.0025],
        ['busy', 0.001],
        ['quick', 0],
      ]);
      sameBoard(await board({ metric: 'adoption' }), [
        ['busy', 2],
        ['quick', 1],
        ['last week', 1],
        ['sampled', 0],
        ['unmeasured', 0],
      ]);
      sameBoard(await board({ kind: 'tool' }), [['read_file', 1]]);

      const [busy] = await read({ limit: 1 });
      const { averageRating, ratings, totalCostUsd, uniqueUsers, latencyMs, failures } = busy ?? {};
      assert.deepEqual(
        { averageRating, ratings, totalCostUsd, uniqueUsers, average: latencyMs?.average, failures },
        { averageRating: 2.5, ratings: 2, totalCostUsd: 0.001, uniqueUsers: 2, average: 50, failures: 1 },
        'an entry has the other figures, too',
      );
    },
  },
];
