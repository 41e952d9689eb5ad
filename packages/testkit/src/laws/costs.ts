import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { execution } from '../events.ts';
import type { Law } from '../law.ts';
import { answers, cents, minuteMs, usage } from './answers.ts';

/** An agent with two skills and a tool, all of which make LLM calls that cost something. Parents end after their children. */
function family(): ExecutionEvent[] {
  const now = Date.now() - 30 * minuteMs;
  const agent = execution({ kind: 'agent', name: 'clerk', at: now + 9, orgId: 'org-1' });
  const summarise = execution({ name: 'summarise', at: now + 8, parentId: agent.id, cost: cents(1), orgId: 'org-1' });
  const tool = execution({ kind: 'tool', name: 'search_web', at: now + 7, parentId: summarise.id, orgId: 'org-1' });
  const translate = execution({ name: 'translate', at: now + 6, parentId: agent.id, weight: 2, orgId: 'org-1' });
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

/** Two operations with retries, some of them after an attempt that had already succeeded. */
function tries(): ExecutionEvent[] {
  const now = Date.now() - 30 * minuteMs;
  const parent = execution({ kind: 'agent', name: 'clerk', at: now + 20 });
  const call = { kind: 'llm', name: 'extract', model: 'sonnet', parentId: parent.id, usage } as const;
  return [
    // Failed, retried with success, then retried although it had succeeded.
    execution({ ...call, at: now + 1, success: false, cost: cents(1) }),
    execution({ ...call, at: now + 2, attempt: 2, cost: cents(2) }),
    execution({ ...call, at: now + 3, attempt: 3, cost: cents(4) }),
    // A call of another run, and one without parent or run: neither is a retry of the above.
    execution({ ...call, at: now + 4, parentId: undefined, runId: 'run-1', attempt: 1, cost: cents(8) }),
    execution({ ...call, at: now + 5, parentId: undefined, attempt: 2, cost: cents(16) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 6, runId: 'run-1', weight: 3, cost: cents(32) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 7, runId: 'run-1', attempt: 2, cost: cents(64) }),
    execution({ kind: 'tool', name: 'search_web', at: now + 8, runId: 'run-2', success: false }),
    parent,
  ];
}

/** What readers say of the cost of work, and of what the money was spent on. */
export const costLaws: readonly Law[] = [
  {
    law: 'costs belong to the nearest skill, tool or agent around them',
    only: 'reader',
    check(trial) {
      const total = { totalCostUsd: 4.85 };
      const outside = { kind: null, name: null, calls: null, costPerCallUsd: null };
      return answers(trial, family(), [
        [
          'getCosts',
          [{ by: 'skill' }],
          {
            ...total,
            entries: [
              { ...outside, executions: 3, totalCostUsd: 3.84 },
              { kind: 'skill', name: 'translate', executions: 3, totalCostUsd: 0.64, calls: 2, costPerCallUsd: 0.32 },
              { kind: 'skill', name: 'summarise', executions: 5, totalCostUsd: 0.37, calls: 1, costPerCallUsd: 0.37 },
            ],
          },
        ],
        [
          'getCosts',
          [{ by: 'tool' }],
          {
            ...total,
            entries: [
              { ...outside, executions: 8, totalCostUsd: 4.53 },
              { kind: 'tool', name: 'search_web', executions: 3, totalCostUsd: 0.32, calls: 1, costPerCallUsd: 0.32 },
            ],
          },
        ],
        [
          'getCosts',
          [{ by: 'agent' }],
          {
            ...total,
            entries: [
              { ...outside, executions: 1, totalCostUsd: 2.56 },
              { kind: 'agent', name: 'clerk', executions: 10, totalCostUsd: 2.29, calls: 1, costPerCallUsd: 2.29 },
            ],
          },
        ],
        // Callers are found even if the filter leaves them out.
        [
          'getCosts',
          [{ by: 'skill', kind: 'llm', orgId: 'org-1' }],
          {
            entries: [
              { ...outside, executions: 1 },
              { name: 'summarise', executions: 3, calls: null, costPerCallUsd: null },
            ],
          },
        ],
      ]);
    },
  },
  {
    law: 'what failed or was done again is waste',
    only: 'reader',
    check(trial) {
      const search = {
        kind: 'tool',
        name: 'search_web',
        wasted: { totalCostUsd: 0.96 },
        costPerSuccessUsd: 1.6,
      } as const;
      return answers(trial, tries(), [
        [
          'getWaste',
          [],
          {
            total: { executions: 11, totalCostUsd: 1.91, totalTokens: 100 },
            failed: { executions: 2, totalCostUsd: 0.01, totalTokens: 20, pricedExecutions: 1 },
            superseded: { executions: 4, totalCostUsd: 0.98, totalTokens: 20 },
            wasted: { executions: 6, totalCostUsd: 0.99, totalTokens: 40 },
            retried: { executions: 4, totalCostUsd: 0.86, totalTokens: 60 },
            wastedShare: 0.99 / 1.91,
            firstTrySuccessRate: 2 / 7,
            costPerSuccessUsd: 1.91 / 5,
            operations: [
              search,
              { kind: 'llm', name: 'extract', wasted: { totalCostUsd: 0.03 }, costPerSuccessUsd: 0.31 / 3 },
              { kind: 'agent', name: 'clerk', wasted: { totalCostUsd: null }, costPerSuccessUsd: null },
            ],
          },
        ],
        ['getWaste', [{ kind: 'llm', runId: 'run-1' }], { total: { totalCostUsd: 0.08 }, firstTrySuccessRate: 1 }],
        ['getWaste', [{ limit: 1 }], { operations: [search] }],
      ]);
    },
  },
];
