import assert from 'node:assert/strict';
import { isAnalyticsError } from '@toolweaver/analytics-core';
import type { Law } from '../law.ts';
import { tally, tokenClasses } from '../tally.ts';
import { history, idsOf, latencyOf, readerOf, sameCounts, sameLatency, sameNumber, sum, weigh } from './answers.ts';
import { sameEvents } from './fields.ts';

/** A reader's answers are those that the far side gives to whoever counts by hand. */
export const readerLaws: readonly Law[] = [
  {
    law: 'the summary agrees with the far side',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      await trial.holds(events);
      const summary = await trial.within('summary()', readerOf(trial).summary());
      sameCounts(summary, events);
      sameLatency(summary.latencyMs, events);
      const { executions } = tally(events);
      assert.equal(summary.names.length, executions.length, 'as many names as on the far side');
      for (const { kind, name } of executions) {
        const entry = summary.names.find((one) => one.kind === kind && one.name === name);
        assert.ok(entry, `${kind} ${name} is among the names`);
        const own = events.filter((event) => event.kind === kind && event.name === name);
        sameCounts(entry, own);
        sameNumber(entry.averageLatencyMs, latencyOf(own).average, `averageLatencyMs of ${name}`);
      }
      const used = summary.names.map((entry) => entry.executions);
      assert.deepEqual(
        used,
        used.toSorted((one, other) => other - one),
        'names, most used first',
      );
      const tokens = executions.flatMap((entry) => tokenClasses.map((tokenClass) => entry.tokens?.[tokenClass] ?? 0));
      sameNumber(summary.totalTokens, sum(tokens), 'totalTokens');
      sameNumber(summary.totalCostUsd, sum(executions.map(({ nanoUsd }) => nanoUsd ?? 0)) / 1e9, 'totalCostUsd');
      const asked = events.filter(({ cacheHit }) => cacheHit !== undefined);
      sameNumber(summary.cacheHitRate, weigh(asked.filter(({ cacheHit }) => cacheHit)) / weigh(asked), 'cacheHitRate');
      sameNumber(summary.runs, new Set(events.map(({ runId }) => runId).filter(Boolean)).size, 'runs');
      assert.deepEqual(
        summary.failuresByType,
        [
          { kind: 'tool', name: 'search_web', errorType: 'TimeoutError', failures: 7 },
          { kind: 'skill', name: 'summarise', errorType: 'unknown', failures: 2 },
          { kind: 'skill', name: 'summarise', errorType: 'TypeError', failures: 1 },
        ],
        'failuresByType, most first',
      );
      const slowest = events.toSorted((one, other) => (other.latencyMs ?? -1) - (one.latencyMs ?? -1)).slice(0, 5);
      assert.deepEqual(idsOf(summary.slowest), idsOf(slowest), 'the five slowest, slowest first');
      sameEvents(summary.slowest, slowest);
    },
  },
  {
    law: 'the summary of nothing has zeros and nulls',
    only: 'reader',
    async check(trial) {
      const summary = await trial.within('summary()', readerOf(trial).summary());
      assert.deepEqual(summary, {
        executions: 0,
        successes: 0,
        failures: 0,
        successRate: null,
        latencyMs: latencyOf([]),
        totalTokens: 0,
        totalCostUsd: null,
        cacheHitRate: null,
        names: [],
        failuresByType: [],
        slowest: [],
        runs: 0,
      });
    },
  },
  {
    law: 'the reader sees what was just written',
    only: 'reader',
    async check(trial) {
      const events = history();
      const reader = readerOf(trial);
      for (const [at, event] of events.entries()) {
        await trial.write([event]);
        sameCounts(await trial.within('summary()', reader.summary()), events.slice(0, at + 1));
      }
    },
  },
  {
    law: 'the reader refuses wrong options and names all of them',
    only: 'reader',
    async check(trial) {
      const reader = readerOf(trial);
      const wrong = <T>(value: unknown): T => value as T;
      const calls: [what: string, problems: number, call: () => Promise<unknown>][] = [
        ['getSkillUsage with -1 days', 1, () => reader.getSkillUsage('summarise', { days: -1 })],
        [
          'getAdoption with both days and a range',
          1,
          () => reader.getAdoption('summarise', { days: 1, range: { from: 0 } }),
        ],
        [
          'getRecommendations with a limit of 0 and -1 days',
          2,
          () => reader.getRecommendations('user-1', { limit: 0, days: -1 }),
        ],
        [
          'getLeaderboard with a limit of 0 and an unknown metric',
          2,
          () => reader.getLeaderboard({ limit: 0, metric: wrong('fame') }),
        ],
        [
          'listExecutions with a limit of 1.5 and an unknown kind',
          2,
          () => reader.listExecutions({ limit: 1.5, kind: wrong('robot') }),
        ],
        ['listExecutions with a made-up cursor', 1, () => reader.listExecutions({}, 'made up')],
        ['summary with a range from NaN', 1, () => reader.summary({ range: { from: Number.NaN } })],
        [
          'getCosts by an unknown group with a limit of 0',
          2,
          () => reader.getCosts({ by: wrong('colour; DROP TABLE executions'), limit: 0 }),
        ],
        ['getErrors with a limit of 1001', 1, () => reader.getErrors({ limit: 1001 })],
      ];
      for (const [what, problems, call] of calls) {
        const error: unknown = await trial.within(what, call()).then(
          () => assert.fail(`${what} resolved`),
          (reason: unknown) => reason,
        );
        assert.ok(
          isAnalyticsError(error) && error.code === 'INVALID_CONFIG',
          `${what} rejects with INVALID_CONFIG: ${error}`,
        );
        assert.ok(error.problems.length >= problems, `${what} names ${problems} problems: ${error.message}`);
      }
    },
  },
];
