import assert from 'node:assert/strict';
import { type AnalyticsReader, isAnalyticsError } from '@toolweaver/analytics-core';
import type { Law } from '../law.ts';
import { answers, ask, canAsk, history, latencies, needQuestions, noUsage, says, usageOfSummarise } from './answers.ts';

/** A reader's answers agree with a count by hand on the far side. */
export const readerLaws: readonly Law[] = [
  {
    law: 'the summary agrees with the far side',
    only: 'reader',
    async check(trial) {
      const events = history();
      await answers(trial, events, [
        [
          'summary',
          [],
          {
            executions: 25.5,
            successes: 15.5,
            failures: 10,
            successRate: 15.5 / 25.5,
            latencyMs: latencies,
            totalTokens: 80,
            totalCostUsd: 0.003_75,
            cacheHitRate: 0.75,
            operations: [
              { kind: 'tool', name: 'search_web', executions: 11, failures: 7, averageLatencyMs: 35_408 / 11 },
              { kind: 'skill', name: 'summarise', ...usageOfSummarise, averageLatencyMs: 1253 / 8.5 },
              { kind: 'llm', name: 'sonnet', executions: 4, failures: 0, averageLatencyMs: 905 },
              { kind: 'agent', name: 'clerk', executions: 1, averageLatencyMs: 7300 },
            ],
            failuresByType: [
              { kind: 'tool', name: 'search_web', errorType: 'TimeoutError', failures: 7 },
              { kind: 'skill', name: 'summarise', errorType: 'unknown', failures: 2 },
              { kind: 'skill', name: 'summarise', errorType: 'TypeError', failures: 1 },
            ],
            slowest: [13, 10, 11, 4, 12].map((at) => events[at]),
            runs: 3,
          },
        ],
      ]);
      await trial.holds(events);
    },
  },
  {
    law: 'the summary of nothing has zeros and nulls',
    only: 'reader',
    check: (trial) =>
      answers(
        trial,
        [],
        [
          [
            'summary',
            [],
            {
              ...noUsage,
              totalTokens: 0,
              totalCostUsd: null,
              cacheHitRate: null,
              operations: [],
              failuresByType: [],
              slowest: [],
              runs: 0,
            },
          ],
        ],
      ),
  },
  {
    law: 'the reader sees what was just written',
    only: 'reader',
    async check(trial) {
      const events = history();
      let executions = 0;
      for (const event of events) {
        await trial.write([event]);
        executions += event.weight ?? 1;
        says(await ask(trial, 'summary'), { executions }, 'summary()');
      }
    },
  },
  {
    law: 'the reader refuses wrong options and names all of them',
    only: 'reader',
    async check(trial) {
      const wrong = (value: unknown): never => value as never;
      const calls: {
        [Q in keyof AnalyticsReader]: [problems: number, Q, ...Parameters<AnalyticsReader[Q]>];
      }[keyof AnalyticsReader][] = [
        [1, 'getSkillUsage', 'summarise', { days: -1 }],
        [1, 'getAdoption', 'summarise', { days: 1, from: 0 }],
        [2, 'getRecommendations', 'user-1', { limit: 0, days: -1 }],
        [2, 'getLeaderboard', { limit: 0, metric: wrong('fame') }],
        [2, 'listExecutions', { limit: 1.5, kind: wrong('robot') }],
        [1, 'listExecutions', {}, 'made up'],
        [1, 'summary', { from: Number.NaN }],
        [2, 'summary', { from: 1_767_225_600, to: 1_767_312_000 }],
        [2, 'getCosts', { by: wrong('colour; DROP TABLE executions'), limit: 0 }],
        [1, 'getErrors', { limit: 1001 }],
        [1, 'getTrend', { days: 1001 }],
        [2, 'getLatency', { percentiles: [0.95], bucketsMs: [5, 5] }],
        [2, 'compareRuns', ['unknown', 'unknown, too']],
        [1, 'compareRuns', ['one']],
        [1, 'listRuns', {}, 'made up'],
      ];
      for (const [problems, question, ...asked] of calls.filter(([, question]) => canAsk(trial, question))) {
        const what = `${question}(${JSON.stringify(asked)})`;
        const error: unknown = await ask(trial, question, ...(asked as never)).then(
          () => assert.fail(`${what} resolved`),
          (reason: unknown) => reason,
        );
        assert.ok(
          isAnalyticsError(error) && error.code === 'INVALID_CONFIG',
          `${what} rejects with INVALID_CONFIG: ${error}`,
        );
        assert.ok(error.problems.length >= problems, `${what} names ${problems} problems: ${error.message}`);
      }
      needQuestions(
        trial,
        calls.map(([, question]) => question),
      );
    },
  },
];
