import type { ExecutionEvent, LeaderboardOptions } from '@toolweaver/analytics-core';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, cents, dayMs, type Expected, minuteMs } from './answers.ts';

/** The z value of a two-sided 95 % confidence interval. */
const z = 1.959_964;

type Board = readonly [name: string, score: number][];

/** Readers rank skills, and whatever else is executed. */
export const leaderboardLaws: readonly Law[] = [
  {
    law: 'the leaderboard ranks by each of its metrics',
    only: 'reader',
    check(trial) {
      const now = Date.now();
      const skill = (name: string, success: boolean, latencyMs?: number, more: Partial<ExecutionEvent> = {}) =>
        execution({ name, success, latencyMs, at: now - minuteMs, ...more });
      const events = [
        skill('busy', true, 50, { userId: 'user-1', cost: cents(0.1) }),
        skill('busy', true, 50, { userId: 'user-1' }),
        skill('busy', false, 50, { userId: 'user-2' }),
        skill('quick', true, 5, { userId: 'user-1', cost: cents(0) }),
        skill('quick', true, 5),
        skill('sampled', true, 80, { weight: 2.5, cost: cents(0.1) }),
        skill('unmeasured', false),
        execution({ name: 'last week', at: now - 5 * dayMs, latencyMs: 20, userId: 'user-3', orgId: 'org-1' }),
        execution({ kind: 'tool', name: 'read_file', at: now - minuteMs }),
        rating({ skillId: 'busy', rating: 2, at: now - minuteMs }),
        rating({ skillId: 'busy', rating: 3, at: now - minuteMs }),
        rating({ skillId: 'only rated', rating: 5, at: now - minuteMs }),
      ];
      const all: Board = [
        ['busy', 3],
        ['sampled', 2.5],
        ['quick', 2],
        ['last week', 1],
        ['unmeasured', 1],
      ];
      const boards: [LeaderboardOptions, Board, tolerance?: number][] = [
        [{}, all],
        [{ limit: 2 }, all.slice(0, 2)],
        [{ period: 'day', minExecutions: 2 }, all.slice(0, 3)],
        [{ days: 1 }, all.filter(([name]) => name !== 'last week')],
        [{ from: now - 6 * dayMs, to: now - dayMs }, [['last week', 1]]],
        [{ orgId: 'org-1' }, [['last week', 1]]],
        [
          { metric: 'success', period: 'day' },
          [
            ['sampled', 1],
            ['quick', 1],
            ['busy', 2 / 3],
            ['unmeasured', 0],
          ],
        ],
        // Of a skill that never failed, Wilson's lower bound is n / (n + 1.96²).
        [
          { metric: 'successLowerBound' },
          [
            ['sampled', 2.5 / (2.5 + z ** 2)],
            ['quick', 2 / (2 + z ** 2)],
            ['busy', 0.207_66],
            ['last week', 1 / (1 + z ** 2)],
            ['unmeasured', 0],
          ],
          1e-5,
        ],
        [
          { metric: 'latency' },
          [
            ['quick', 5],
            ['last week', 20],
            ['busy', 50],
            ['sampled', 80],
          ],
        ],
        [
          { metric: 'rating' },
          [
            ['only rated', 5],
            ['busy', 2.5],
          ],
        ],
        [
          { metric: 'cost' },
          [
            ['sampled', 0.0025],
            ['busy', 0.001],
            ['quick', 0],
          ],
        ],
        [
          { metric: 'adoption' },
          [
            ['busy', 2],
            ['quick', 1],
            ['last week', 1],
            ['sampled', 0],
            ['unmeasured', 0],
          ],
        ],
        [{ kind: 'tool' }, [['read_file', 1]]],
      ];
      const busy = {
        averageRating: 2.5,
        ratings: 2,
        totalCostUsd: 0.001,
        uniqueUsers: 2,
        latencyMs: { average: 50 },
        failures: 1,
      };
      return answers(trial, events, [
        ...boards.map(
          ([options, board, tolerance]): Expected => [
            'getLeaderboard',
            [options],
            board.map(([name, score], at) => ({ rank: at + 1, name, score })),
            tolerance,
          ],
        ),
        ['getLeaderboard', [{ limit: 1 }], [busy]],
        ['getTopSkills', [{ days: 1 }], [busy, { name: 'sampled' }, { name: 'quick' }, { name: 'unmeasured' }]],
        ['getTopSkills', [{ limit: 1, orgId: 'org-1' }], [{ rank: 1, name: 'last week' }]],
        ['getTopSkills', [{ limit: 1 }], [busy]],
      ]);
    },
  },
];
