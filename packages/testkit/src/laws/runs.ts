import assert from 'node:assert/strict';
import type { AnalyticsEvent, RunFilter } from '@toolweaver/analytics-core';
import { artifact, execution, metrics, run } from '../events.ts';
import type { Law } from '../law.ts';
import type { Trial } from '../trial.ts';
import { allPages, answers, ask, cents, estimate, minuteMs, usage } from './answers.ts';

/** Two runs that ended, one that was resumed, and one known only by an execution; not in order of time. */
function runsFrom(start: number): AnalyticsEvent[] {
  const a = { runId: 'a' };
  const clerk = execution({ ...a, kind: 'agent', name: 'clerk', at: start + 300, latencyMs: 250 });
  return [
    run({ ...a, at: start + 400, state: 'finished', summary: { ok: true } }),
    artifact({ ...a, at: start + 350 }),
    artifact({ ...a, at: start + 340, name: 'log', kind: 'text', bytes: Uint8Array.of(1, 2, 3) }),
    execution({ ...a, at: start + 100, parentId: clerk.id, success: false, cost: cents(3), usage }),
    clerk,
    metrics({ ...a, at: start + 60, values: { loss: 8 } }),
    metrics({ ...a, at: start + 50, step: 1, values: { loss: 9 } }),
    metrics({ ...a, at: start + 40, step: 2, values: { loss: 0.5, accuracy: 1 } }),
    metrics({ ...a, at: start + 30, step: 2, values: { loss: 0.4 } }),
    run({
      ...a,
      at: start,
      name: 'base',
      project: 'p',
      tags: ['x', 'y'],
      config: { model: { name: 'large' }, seed: 1, 'a.b': [1] },
    }),
    execution({ runId: 'b', at: start + 15, weight: 3 }),
    metrics({ runId: 'b', at: start + 15, values: { loss: 0.2 } }),
    run({ runId: 'b', at: start + 20, state: 'failed' }),
    run({ runId: 'b', at: start + 10, name: 'base', project: 'p', config: { model: { name: 'small' }, seed: 1 } }),
    run({ runId: 'c', at: start + 30 }),
    run({ runId: 'c', at: start + 20, state: 'finished' }),
    run({ runId: 'c', at: start + 10, project: 'q', tags: ['x'] }),
    execution({ runId: 'd', at: start + 5, cost: cents(0) }),
  ];
}

const recently = (): number => Date.now() - 30 * minuteMs;

async function sameRuns(trial: Trial, expected: readonly (readonly [RunFilter, string])[]): Promise<void> {
  for (const [filter, runIds] of expected) {
    const found = await allPages(
      (cursor) => ask(trial, 'listRuns', { ...filter, limit: 2 }, cursor),
      ({ runs }) => runs.map(({ runId }) => runId),
      2,
    );
    assert.equal(found.join(' '), runIds, `runs of ${JSON.stringify(filter)}`);
  }
}

/** What readers say of runs. */
export const runLaws: readonly Law[] = [
  {
    law: 'runs are listed by figure or metric, page by page, those without it last',
    only: 'reader',
    async check(trial) {
      await trial.deliver(runsFrom(recently()));
      await sameRuns(trial, [
        [{}, 'b c d a'],
        [{ order: 'asc' }, 'a d b c'],
        [{ orderBy: 'durationMs' }, 'a b c d'],
        [{ orderBy: 'durationMs', order: 'asc' }, 'b a c d'],
        [{ orderBy: 'executions' }, 'b a d c'],
        [{ orderBy: 'failures' }, 'a b c d'],
        [{ orderBy: 'totalCostUsd', order: 'asc' }, 'd a b c'],
        [{ orderBy: 'totalTokens' }, 'a b c d'],
        [{ orderBy: { metric: 'loss' } }, 'a b c d'],
        [{ orderBy: { metric: 'loss' }, order: 'asc' }, 'b a c d'],
      ]);
    },
  },
  {
    law: 'the list of runs keeps to its filter',
    only: 'reader',
    async check(trial) {
      const start = recently();
      await trial.deliver(runsFrom(start));
      await sameRuns(trial, [
        [{ project: 'p', tag: 'x' }, 'a'],
        [{ name: 'base' }, 'b a'],
        [{ state: 'finished' }, 'a'],
        [{ state: 'started' }, 'c'],
        [{ from: start + 5, to: start + 10 }, 'd'],
        [{ where: [{ metric: 'loss', op: '<', value: 0.5 }] }, 'b'],
        [{ where: [{ metric: 'loss', op: '<=', value: 0.5 }] }, 'b a'],
        [{ where: [{ figure: 'durationMs', op: '=', value: 10 }] }, 'b'],
        [{ where: [{ figure: 'totalCostUsd', op: '<', value: 1 }] }, 'd a'],
        [
          {
            where: [
              { figure: 'executions', op: '>=', value: 1 },
              { figure: 'executions', op: '>', value: 2 },
            ],
          },
          'b',
        ],
      ]);
    },
  },
  {
    law: 'a run is what its events and its executions say together',
    only: 'reader',
    check(trial) {
      const start = recently();
      const figures = { failures: 0, totalTokens: 0, totalCostUsd: null };
      return answers(trial, runsFrom(start), [
        [
          'listRuns',
          [{ project: 'p' }],
          {
            runs: [
              { runId: 'b', config: { model: { name: 'small' }, seed: 1 }, metrics: { loss: 0.2 }, executions: 3 },
              { runId: 'a', config: { 'a.b': [1] }, metrics: { loss: 0.5, accuracy: 1 }, executions: 2 },
            ],
          },
        ],
        [
          'getRun',
          ['a'],
          {
            runId: 'a',
            state: 'finished',
            name: 'base',
            project: 'p',
            tags: ['x', 'y'],
            startedAt: start,
            finishedAt: start + 400,
            durationMs: 400,
            executions: 2,
            successRate: 0.5,
            totalTokens: 20,
            totalCostUsd: 0.03,
            metrics: { loss: 0.5, accuracy: 1 },
            config: { model: { name: 'large' }, seed: 1, 'a.b': [1] },
            summary: { ok: true },
            latencyMs: { average: 175, min: 100, max: 250 },
            maxDepth: 2,
            operations: [
              { ...figures, kind: 'agent', name: 'clerk', executions: 1, averageLatencyMs: 250 },
              { kind: 'skill', name: 'summarise', executions: 1, failures: 1, totalTokens: 20, totalCostUsd: 0.03 },
            ],
            artifacts: [
              { name: 'log', kind: 'text', path: null, bytes: 3, at: start + 340 },
              { name: 'report.md', path: 'out/report.md', bytes: null },
            ],
          },
        ],
        [
          'getRun',
          ['c'],
          {
            state: 'started',
            startedAt: start + 10,
            finishedAt: null,
            durationMs: null,
            executions: 0,
            successRate: null,
            totalCostUsd: null,
            maxDepth: 0,
          },
        ],
        [
          'getRun',
          ['d'],
          { state: null, name: null, tags: [], startedAt: start + 5, finishedAt: null, totalCostUsd: 0, maxDepth: 1 },
        ],
        ['getRun', ['unknown'], undefined],
      ]);
    },
  },
  {
    law: 'what a run has logged is told oldest first, then by name',
    only: 'reader',
    check(trial) {
      const start = recently();
      const steps = [
        { name: 'loss', step: 1, value: 9 },
        { name: 'loss', step: null, value: 8, at: start + 60 },
      ];
      return answers(trial, runsFrom(start), [
        [
          'getRunMetrics',
          ['a'],
          [
            { name: 'loss', step: 2, value: 0.4, at: start + 30 },
            { name: 'accuracy', step: 2, value: 1 },
            { name: 'loss', step: 2, value: 0.5 },
            ...steps,
          ],
        ],
        ['getRunMetrics', ['a', { name: 'loss', limit: 2 }], steps],
        ['getRunMetrics', ['a', { name: 'accuracy' }], [{ value: 1 }]],
        ['getRunMetrics', ['unknown'], []],
      ]);
    },
  },
  {
    law: 'runs are compared with the first of them',
    only: 'reader',
    check(trial) {
      return answers(trial, runsFrom(recently()), [
        [
          'compareRuns',
          [['b', 'a', 'c']],
          {
            runs: [{ runId: 'b' }, { runId: 'a' }, { runId: 'c' }],
            config: { 'model.name': ['small', 'large', null], seed: [1, 1, null], '["a.b"]': [null, [1], null] },
            metrics: { loss: [0.2, 0.5, null], accuracy: [null, 1, null] },
            differences: [
              {
                successRate: estimate(-0.5, -0.9055, 0.391),
                averageLatencyMs: estimate(75),
                averageCostUsd: estimate(null),
              },
              { successRate: estimate(null), averageLatencyMs: estimate(null) },
            ],
          },
          1e-3,
        ],
        ['compareRuns', [['b', 'a']], { config: { seed: undefined } }],
      ]);
    },
  },
];
