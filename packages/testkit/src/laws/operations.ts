import assert from 'node:assert/strict';
import type { CostGroup, ErrorReportOptions, ExecutionOrder, SummaryOptions } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { history, idsOf, minute, newestFirst, readerOf, sameNumber } from './answers.ts';

const day = 24 * 60 * minute;
const nanoUsd = (cents: number) => ({ nanoUsd: cents * 10_000_000, source: 'provider' }) as const;

/** What readers say of executions of every kind. */
export const operationLaws: readonly Law[] = [
  {
    law: 'the summary is that of its window and its scope',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      await trial.deliver([
        execution({ at: now - 3 * day, orgId: 'org-1', userId: 'user-1', runId: 'run-1' }),
        execution({ at: now - minute, orgId: 'org-1', userId: 'user-2', runId: 'run-1' }),
        execution({ at: now - minute, orgId: 'org-2', userId: 'user-1' }),
        execution({ at: now - minute, weight: 4 }),
      ]);
      const range = { from: now - 3 * day, to: now - minute };
      const expected: [SummaryOptions, number][] = [
        [{}, 7],
        [{ days: 1 }, 6],
        [{ range }, 1],
        [{ range: { from: range.to } }, 6],
        [{ orgId: 'org-1' }, 2],
        [{ orgId: 'org-1', days: 1 }, 1],
        [{ userId: 'user-1' }, 2],
        [{ runId: 'run-1' }, 2],
        [{ runId: 'run-1', userId: 'user-2' }, 1],
      ];
      for (const [options, executions] of expected) {
        const summary = await trial.within('summary()', readerOf(trial).summary(options));
        sameNumber(summary.executions, executions, `executions of ${JSON.stringify(options)}`);
      }
    },
  },
  {
    law: 'costs are summed by each group, most expensive first, the unknown last',
    only: 'reader',
    async check(trial) {
      const usage = { inputTokens: 10, cacheReadTokens: 1, cacheWriteTokens: 2, outputTokens: 3, reasoningTokens: 4 };
      const llm = { kind: 'llm', name: 'answer' } as const;
      await trial.deliver([
        execution({
          ...llm,
          model: 'large',
          usage,
          cost: nanoUsd(5),
          orgId: 'org-1',
          userId: 'user-1',
          runId: 'run-1',
        }),
        execution({ ...llm, model: 'small', usage, cost: nanoUsd(1), weight: 3, userId: 'user-1' }),
        execution({ ...llm, model: 'small', orgId: 'org-1', runId: 'run-1' }),
        execution({
          kind: 'tool',
          name: 'read_file',
          cost: nanoUsd(7),
          orgId: 'org-2',
          userId: 'user-2',
          runId: 'run-2',
        }),
        execution({ name: 'free', cost: nanoUsd(0) }),
        execution({ name: 'unpriced' }),
      ]);
      const none = null;
      const expected: [CostGroup, [name: string | null, executions: number, usd: number | null][]][] = [
        [
          'operation',
          [
            ['answer', 5, 0.08],
            ['read_file', 1, 0.07],
            ['free', 1, 0],
            ['unpriced', 1, none],
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
            [none, 3, 0.07],
            ['large', 1, 0.05],
            ['small', 4, 0.03],
          ],
        ],
        [
          'organisation',
          [
            ['org-2', 1, 0.07],
            ['org-1', 2, 0.05],
            [none, 5, 0.03],
          ],
        ],
        [
          'user',
          [
            ['user-1', 4, 0.08],
            ['user-2', 1, 0.07],
            [none, 3, 0],
          ],
        ],
        [
          'run',
          [
            ['run-2', 1, 0.07],
            ['run-1', 2, 0.05],
            [none, 5, 0.03],
          ],
        ],
      ];
      for (const [by, groups] of expected) {
        const report = await trial.within('getCosts()', readerOf(trial).getCosts({ by }));
        sameNumber(report.executions, 8, 'executions');
        sameNumber(report.pricedExecutions, 6, 'pricedExecutions');
        sameNumber(report.totalCostUsd, 0.15, 'totalCostUsd');
        sameNumber(report.averageCostUsd, 0.025, 'averageCostUsd');
        sameNumber(report.totalTokens, 80, 'totalTokens');
        const names = report.entries.map(({ kind, name }) => (by === 'kind' ? kind : name));
        assert.deepEqual(
          names,
          groups.map(([name]) => name),
          `by ${by}`,
        );
        for (const [at, [name, executions, usd]] of groups.entries()) {
          sameNumber(report.entries[at]?.executions ?? null, executions, `executions of ${by} ${name}`);
          sameNumber(report.entries[at]?.totalCostUsd ?? null, usd, `cost of ${by} ${name}`);
        }
        const { entries } = await trial.within('getCosts()', readerOf(trial).getCosts({ by, limit: 1 }));
        assert.deepEqual(entries, report.entries.slice(0, 1), 'the most expensive alone');
      }
    },
  },
  {
    law: 'failures are counted by operation and by type of error',
    only: 'reader',
    async check(trial) {
      await trial.deliver(history());
      const errors = (options?: ErrorReportOptions) => trial.within('getErrors()', readerOf(trial).getErrors(options));
      const { executions, failures, errorRate, operations, groups } = await errors();
      sameNumber(executions, 25.5, 'executions');
      sameNumber(failures, 10, 'failures');
      sameNumber(errorRate, 10 / 25.5, 'errorRate');
      const rows = operations.map(({ kind, name, failures: count }) => [kind, name, count]);
      assert.deepEqual(
        rows,
        [
          ['tool', 'search_web', 7],
          ['skill', 'summarise', 3],
          ['agent', 'clerk', 0],
          ['llm', 'sonnet', 0],
        ],
        'operations, highest error rate first',
      );
      sameNumber(operations[0]?.errorRate ?? null, 7 / 11, 'errorRate of search_web');
      sameNumber(operations[1]?.executions ?? null, 9.5, 'executions of summarise');
      const summarise = { kind: 'skill', name: 'summarise' };
      assert.deepEqual(
        groups.map(({ share, ...group }) => group),
        [
          { errorType: 'TimeoutError', failures: 7, operations: [{ kind: 'tool', name: 'search_web', failures: 7 }] },
          { errorType: 'unknown', failures: 2, operations: [{ ...summarise, failures: 2 }] },
          { errorType: 'TypeError', failures: 1, operations: [{ ...summarise, failures: 1 }] },
        ],
        'groups, most failures first',
      );
      sameNumber(groups[0]?.share ?? null, 0.7, 'share of TimeoutError');
      const skills = await errors({ kind: 'skill', limit: 1 });
      assert.deepEqual(skills.groups, [{ ...groups[1], share: 2 / 3 }], 'of skills, the first of the groups');
    },
  },
  {
    law: 'executions are listed slowest or most expensive first, without those of which that is unknown',
    only: 'reader',
    async check(trial) {
      const events = [
        ...history(),
        execution({ latencyMs: 400, cost: nanoUsd(9), at: Date.now() - 2 * day }),
        execution({ latencyMs: 33, cost: nanoUsd(1), at: Date.now() - 3 * day }),
      ];
      await trial.deliver(events);
      const valuesOf = { latency: 'latencyMs', cost: 'cost' } as const;
      for (const orderBy of ['latency', 'cost'] as const satisfies readonly ExecutionOrder[]) {
        const value = (event: (typeof events)[number]): number =>
          (orderBy === 'latency' ? event.latencyMs : event.cost?.nanoUsd) ?? 0;
        const known = newestFirst(events.filter((event) => event[valuesOf[orderBy]] !== undefined));
        const expected = idsOf(known.toSorted((one, other) => value(other) - value(one)));
        const listed: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await trial.within(
            'listExecutions()',
            readerOf(trial).listExecutions({ orderBy, limit: 4 }, cursor),
          );
          listed.push(...idsOf(page.executions));
          cursor = page.nextCursor;
        } while (cursor !== undefined && listed.length <= expected.length);
        assert.deepEqual(listed, expected, `by ${orderBy}`);
        const tools = known.filter(({ kind, latencyMs = 0 }) => kind === 'tool' && latencyMs >= 3);
        const filter = { orderBy, kind: 'tool', minLatencyMs: 3 } as const;
        const { executions } = await trial.within('listExecutions()', readerOf(trial).listExecutions(filter));
        assert.deepEqual(
          idsOf(executions),
          idsOf(tools.toSorted((one, other) => value(other) - value(one))),
          `tools that took 3 ms or more, by ${orderBy}`,
        );
      }
    },
  },
];
