import assert from 'node:assert/strict';
import type { CostGroup, CostTotals, ExecutionEvent, WasteStats } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { minute, readerOf, sameNumber } from './answers.ts';

const cents = (count: number) => ({ nanoUsd: count * 10_000_000, source: 'computed' }) as const;

/** An agent with two skills and a tool, all of whose LLM calls cost something; parents end after what they called. */
function family(): ExecutionEvent[] {
  const now = Date.now() - 30 * minute;
  const agent = execution({ kind: 'agent', name: 'clerk', at: now + 9, orgId: 'org-1' });
  const summarise = execution({ name: 'summarise', at: now + 8, parentId: agent.id, cost: cents(1), orgId: 'org-1' });
  const tool = execution({ kind: 'tool', name: 'search_web', at: now + 7, parentId: summarise.id, orgId: 'org-1' });
  const translate = execution({ name: 'translate', at: now + 6, parentId: agent.id, orgId: 'org-1' });
  const llm = { kind: 'llm', name: 'sonnet', model: 'sonnet' } as const;
  return [
    execution({ ...llm, at: now + 1, parentId: summarise.id, cost: cents(4), orgId: 'org-1' }),
    execution({ ...llm, at: now + 2, parentId: tool.id, cost: cents(16), weight: 2, orgId: 'org-1' }),
    execution({ ...llm, at: now + 3, parentId: translate.id, cost: cents(64) }),
    execution({ ...llm, at: now + 4, parentId: agent.id, cost: cents(128), orgId: 'org-1' }),
    execution({ ...llm, at: now + 5, cost: cents(256) }),
    translate,
    tool,
    summarise,
    agent,
  ];
}

/** Two operations that were tried again, of which one call had succeeded already. */
function tries(): ExecutionEvent[] {
  const now = Date.now() - 30 * minute;
  const parent = execution({ kind: 'agent', name: 'clerk', at: now + 20 });
  const usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 };
  const call = { kind: 'llm', name: 'extract', model: 'sonnet', parentId: parent.id, usage } as const;
  return [
    // Failed, tried again, and then once more although it had succeeded.
    execution({ ...call, at: now + 1, success: false, cost: cents(1) }),
    execution({ ...call, at: now + 2, attempt: 2, cost: cents(2) }),
    execution({ ...call, at: now + 3, attempt: 3, cost: cents(4) }),
    // Another's, and one of nobody's: they repeat nothing of the above.
    execution({ ...call, at: now + 4, parentId: undefined, runId: 'run-1', attempt: 1, cost: cents(8) }),
    execution({ ...call, at: now + 5, parentId: undefined, attempt: 2, cost: cents(16) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 6, runId: 'run-1', weight: 3, cost: cents(32) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 7, runId: 'run-1', attempt: 2, cost: cents(64) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 8, runId: 'run-2', success: false }),
    parent,
  ];
}

/** What readers say of what work costs, and what it was good for. */
export const costLaws: readonly Law[] = [
  {
    law: 'costs belong to the nearest skill, tool or agent around them',
    only: 'reader',
    async check(trial) {
      await trial.deliver(family());
      const none = null;
      const expected: [CostGroup, [name: string | null, executions: number, usd: number | null][]][] = [
        [
          'skill',
          [
            [none, 3, 3.84],
            ['translate', 2, 0.64],
            ['summarise', 5, 0.37],
          ],
        ],
        [
          'tool',
          [
            [none, 7, 4.53],
            ['search_web', 3, 0.32],
          ],
        ],
        [
          'agent',
          [
            [none, 1, 2.56],
            ['clerk', 9, 2.29],
          ],
        ],
      ];
      for (const [by, groups] of expected) {
        const { entries, totalCostUsd } = await trial.within('getCosts()', readerOf(trial).getCosts({ by }));
        sameNumber(totalCostUsd, 4.85, 'totalCostUsd');
        const names = entries.map(({ kind, name }) => [kind, name]);
        const expectedNames = groups.map(([name]) => [name === null ? null : by, name]);
        assert.deepEqual(names, expectedNames, `by ${by}`);
        for (const [at, [name, executions, usd]] of groups.entries()) {
          sameNumber(entries[at]?.executions ?? null, executions, `executions of ${by} ${name}`);
          sameNumber(entries[at]?.totalCostUsd ?? null, usd, `cost of ${by} ${name}`);
        }
      }
      // Who calls need not be what the report is about.
      const calls = { by: 'skill', kind: 'llm', orgId: 'org-1' } as const;
      const { entries } = await trial.within('getCosts()', readerOf(trial).getCosts(calls));
      assert.deepEqual(
        entries.map(({ name, executions }) => [name, executions]),
        [
          [null, 1],
          ['summarise', 3],
        ],
        'LLM calls of an organisation, by skill',
      );
    },
  },
  {
    law: 'what failed or was done again is waste',
    only: 'reader',
    async check(trial) {
      await trial.deliver(tries());
      const report = await trial.within('getWaste()', readerOf(trial).getWaste());
      const sums: [keyof WasteStats, executions: number, usd: number | null, tokens: number][] = [
        ['total', 11, 1.91, 75],
        ['failed', 2, 0.01, 15],
        ['superseded', 4, 0.98, 15],
        ['wasted', 6, 0.99, 30],
        ['retried', 4, 0.86, 45],
      ];
      for (const [part, executions, usd, tokens] of sums) {
        const found = report[part] as CostTotals;
        sameNumber(found.executions, executions, `executions of ${part}`);
        sameNumber(found.totalCostUsd, usd, `cost of ${part}`);
        sameNumber(found.totalTokens, tokens, `tokens of ${part}`);
      }
      sameNumber(report.failed.pricedExecutions, 1, 'pricedExecutions of failed');
      sameNumber(report.wastedShare, 0.99 / 1.91, 'wastedShare');
      sameNumber(report.firstTrySuccessRate, 2 / 7, 'firstTrySuccessRate');
      sameNumber(report.costPerSuccessUsd, 1.91 / 5, 'costPerSuccessUsd');
      const operations = report.operations.map(({ kind, name, wasted, costPerSuccessUsd }) => [
        kind,
        name,
        wasted.totalCostUsd,
        costPerSuccessUsd === null ? null : Math.round(costPerSuccessUsd * 1e6),
      ]);
      assert.deepEqual(
        operations,
        [
          ['tool', 'search_web', 0.96, 1_600_000],
          ['llm', 'extract', 0.03, 103_333],
          ['agent', 'clerk', null, null],
        ],
        'operations, the most wasteful first',
      );
      const one = { kind: 'llm', runId: 'run-1' } as const;
      const ofRun = await trial.within('getWaste()', readerOf(trial).getWaste(one));
      sameNumber(ofRun.total.totalCostUsd, 0.08, 'cost of the LLM calls of a run');
      sameNumber(ofRun.firstTrySuccessRate, 1, 'firstTrySuccessRate of the LLM calls of a run');
      const { operations: first } = await trial.within('getWaste()', readerOf(trial).getWaste({ limit: 1 }));
      assert.deepEqual(first, report.operations.slice(0, 1), 'the most wasteful alone');
    },
  },
];
