import assert from 'node:assert/strict';
import type { CostGroup, ExecutionOrder, SummaryOptions } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, ask, cents, dayMs, type Expected, history, idsOf, minuteMs, newestFirst, usage } from './answers.ts';
import { listAll } from './listing.ts';

/** What readers say of executions of every kind. */
export const operationLaws: readonly Law[] = [
  {
    law: 'the summary is that of its window and its scope',
    only: 'reader',
    check(trial) {
      const now = Date.now();
      const range = { from: now - 3 * dayMs, to: now - minuteMs };
      const expected: [SummaryOptions, number][] = [
        [{}, 7],
        [{ days: 1 }, 6],
        [range, 1],
        [{ from: range.to }, 6],
        [{ orgId: 'org-1' }, 2],
        [{ orgId: 'org-1', days: 1 }, 1],
        [{ userId: 'user-1' }, 2],
        [{ runId: 'run-1' }, 2],
        [{ runId: 'run-1', userId: 'user-2' }, 1],
      ];
      return answers(
        trial,
        [
          execution({ at: now - 3 * dayMs, orgId: 'org-1', userId: 'user-1', runId: 'run-1' }),
          execution({ at: now - minuteMs, orgId: 'org-1', userId: 'user-2', runId: 'run-1' }),
          execution({ at: now - minuteMs, orgId: 'org-2', userId: 'user-1' }),
          execution({ at: now - minuteMs, weight: 4 }),
        ],
        expected.map(([options, executions]): Expected => ['summary', [options], { executions }]),
      );
    },
  },
  {
    law: 'costs are summed by each group, most expensive first, the unknown last',
    only: 'reader',
    check(trial) {
      const llm = { kind: 'llm', name: 'answer' } as const;
      const groups: [CostGroup, [name: string | null, executions: number, usd: number | null][]][] = [
        [
          'operation',
          [
            ['answer', 5, 0.08],
            ['read_file', 1, 0.07],
            ['free', 1, 0],
            ['unpriced', 1, null],
          ],
        ],
        [
          'kind',
          [
            ['llm', 5, 0.08],
            ['tool', 1, 0.07],
            ['skill', 2, 0],
          ],
        ],
        [
          'model',
          [
            [null, 3, 0.07],
            ['large', 1, 0.05],
            ['small', 4, 0.03],
          ],
        ],
        [
          'organisation',
          [
            ['org-2', 1, 0.07],
            ['org-1', 2, 0.05],
            [null, 5, 0.03],
          ],
        ],
        [
          'user',
          [
            ['user-1', 4, 0.08],
            ['user-2', 1, 0.07],
            [null, 3, 0],
          ],
        ],
        [
          'run',
          [
            ['run-2', 1, 0.07],
            ['run-1', 2, 0.05],
            [null, 5, 0.03],
          ],
        ],
      ];
      return answers(
        trial,
        [
          execution({
            ...llm,
            model: 'large',
            usage,
            cost: cents(5),
            orgId: 'org-1',
            userId: 'user-1',
            runId: 'run-1',
          }),
          execution({ ...llm, model: 'small', usage, cost: cents(1), weight: 3, userId: 'user-1' }),
          execution({ ...llm, model: 'small', orgId: 'org-1', runId: 'run-1' }),
          execution({
            kind: 'tool',
            name: 'read_file',
            cost: cents(7),
            orgId: 'org-2',
            userId: 'user-2',
            runId: 'run-2',
          }),
          execution({ name: 'free', cost: cents(0) }),
          execution({ name: 'unpriced' }),
        ],
        groups.flatMap(([by, rows]): Expected[] => {
          const entries = rows.map(([name, executions, totalCostUsd]) => ({
            [by === 'kind' ? 'kind' : 'name']: name,
            executions,
            totalCostUsd,
          }));
          const total = {
            executions: 8,
            pricedExecutions: 6,
            totalCostUsd: 0.15,
            averageCostUsd: 0.025,
            totalTokens: 80,
          };
          return [
            ['getCosts', [{ by }], { ...total, entries }],
            ['getCosts', [{ by, limit: 1 }], { ...total, entries: entries.slice(0, 1) }],
          ];
        }),
      );
    },
  },
  {
    law: 'failures are counted by operation and by type of error',
    only: 'reader',
    check(trial) {
      const summarise = { kind: 'skill', name: 'summarise' } as const;
      const unknown = { errorType: 'unknown', failures: 2, operations: [{ ...summarise, failures: 2 }] };
      return answers(trial, history(), [
        [
          'getErrors',
          [],
          {
            executions: 25.5,
            failures: 10,
            errorRate: 10 / 25.5,
            operations: [
              { kind: 'tool', name: 'search_web', failures: 7, errorRate: 7 / 11 },
              { ...summarise, executions: 9.5, failures: 3 },
              { kind: 'agent', name: 'clerk', failures: 0 },
              { kind: 'llm', name: 'sonnet', failures: 0 },
            ],
            groups: [
              {
                errorType: 'TimeoutError',
                failures: 7,
                share: 0.7,
                operations: [{ kind: 'tool', name: 'search_web', failures: 7 }],
              },
              { ...unknown, share: 0.2 },
              { errorType: 'TypeError', failures: 1, operations: [{ ...summarise, failures: 1 }] },
            ],
          },
        ],
        ['getErrors', [{ kind: 'skill', limit: 1 }], { groups: [{ ...unknown, share: 2 / 3 }] }],
      ]);
    },
  },
  {
    law: 'executions are listed slowest or most expensive first, without those of which that is unknown',
    only: 'reader',
    async check(trial) {
      const events = [
        ...history(),
        execution({ latencyMs: 400, cost: cents(9), at: Date.now() - 2 * dayMs }),
        execution({ latencyMs: 33, cost: cents(1), at: Date.now() - 3 * dayMs }),
      ];
      await trial.deliver(events);
      const valuesOf = { latencyMs: 'latencyMs', costUsd: 'cost' } as const;
      for (const orderBy of ['latencyMs', 'costUsd'] as const satisfies readonly ExecutionOrder[]) {
        const value = (event: (typeof events)[number]): number =>
          (orderBy === 'latencyMs' ? event.latencyMs : event.cost?.nanoUsd) ?? 0;
        const known = newestFirst(events.filter((event) => event[valuesOf[orderBy]] !== undefined));
        const expected = idsOf(known.toSorted((one, other) => value(other) - value(one)));
        const listed = await listAll(trial, { orderBy, limit: 4 });
        assert.deepEqual(idsOf(listed), expected, `by ${orderBy}`);
        const tools = known.filter(({ kind, latencyMs = 0 }) => kind === 'tool' && latencyMs >= 3);
        const filter = { orderBy, kind: 'tool', minLatencyMs: 3 } as const;
        const { executions } = await ask(trial, 'listExecutions', filter);
        assert.deepEqual(
          idsOf(executions),
          idsOf(tools.toSorted((one, other) => value(other) - value(one))),
          `tools that took 3 ms or more, by ${orderBy}`,
        );
      }
    },
  },
];
