import assert from 'node:assert/strict';
import { type ExecutionEvent, isAnalyticsError, type LeaderboardOptions } from '@toolweaver/analytics-core';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { tally, tokenClasses } from '../tally.ts';
import {
  history,
  idsOf,
  latencyOf,
  minute,
  readerOf,
  sameBoard,
  sameCounts,
  sameLatency,
  sameNumber,
  sum,
  weigh,
} from './answers.ts';
import { sameEvents } from './fields.ts';

const day = 24 * 60 * minute;

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
    law: 'the usage of a skill agrees with the far side',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      await trial.holds(events);
      const usage = await trial.within('getSkillUsage()', readerOf(trial).getSkillUsage('summarise'));
      const own = events.filter(({ kind, name }) => kind === 'skill' && name === 'summarise');
      assert.equal(usage.skillId, 'summarise');
      sameCounts(usage, own);
      sameLatency(usage.latencyMs, own);
      assert.equal(usage.uniqueUsers, new Set(own.map(({ userId }) => userId).filter(Boolean)).size, 'uniqueUsers');
      assert.equal(usage.lastUsedAt, Math.max(...own.map(({ at }) => at)), 'lastUsedAt');
      sameNumber((usage.to ?? 0) - (usage.from ?? 0), 30 * day, 'the window');
    },
  },
  {
    law: 'the usage of a skill is that of its window and its organisation',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      await trial.deliver([
        execution({ at: now - 3 * day, orgId: 'org-1' }),
        execution({ at: now - 3 * day, orgId: 'org-2' }),
        execution({ at: now - minute, orgId: 'org-1' }),
        execution({ at: now - minute }),
        execution({ at: now - minute, orgId: 'org-1', kind: 'tool' }),
      ]);
      const reader = readerOf(trial);
      const count = async (options: { days?: number; orgId?: string }): Promise<number> =>
        (await trial.within('getSkillUsage()', reader.getSkillUsage('summarise', options))).executions;
      assert.equal(await count({}), 4, 'of 30 days');
      assert.equal(await count({ days: 1 }), 2, 'of one day');
      assert.equal(await count({ orgId: 'org-1' }), 2, 'of one organisation');
      assert.equal(await count({ days: 1, orgId: 'org-1' }), 1, 'of one organisation on one day');
    },
  },
  {
    law: 'a skill that nobody used has zeros and nulls',
    only: 'reader',
    async check(trial) {
      await trial.deliver([execution(), execution({ kind: 'tool', name: 'unused' })]);
      const { from, to, ...usage } = await trial.within('getSkillUsage()', readerOf(trial).getSkillUsage('unused'));
      assert.ok((from ?? 0) < (to ?? 0), 'it has a window');
      assert.deepEqual(usage, {
        skillId: 'unused',
        executions: 0,
        successes: 0,
        failures: 0,
        successRate: null,
        uniqueUsers: 0,
        latencyMs: latencyOf([]),
        lastUsedAt: null,
      });
    },
  },
  {
    law: 'the leaderboard ranks by each of its metrics',
    only: 'reader',
    async check(trial) {
      const now = Date.now();
      const skill = (name: string, success: boolean, latencyMs?: number): ExecutionEvent =>
        execution({ name, success, latencyMs, at: now - minute });
      await trial.deliver([
        ...[true, true, false].map((success) => skill('busy', success, 50)),
        ...[true, true].map((success) => skill('quick', success, 5)),
        execution({ name: 'sampled', weight: 2.5, latencyMs: 80, at: now - minute }),
        skill('unmeasured', false),
        execution({ name: 'last week', at: now - 5 * day, latencyMs: 20 }),
        execution({ kind: 'tool', name: 'read_file', at: now - minute }),
        rating({ skillId: 'busy', rating: 2, at: now - minute }),
        rating({ skillId: 'busy', rating: 3, at: now - minute }),
        rating({ skillId: 'only rated', rating: 5, at: now - minute }),
      ]);
      const board = async (options?: LeaderboardOptions): Promise<[string, number][]> => {
        const entries = await trial.within('getLeaderboard()', readerOf(trial).getLeaderboard(options));
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
      sameBoard(await board({ metric: 'success', period: 'day' }), [
        ['sampled', 1],
        ['quick', 1],
        ['busy', 2 / 3],
        ['unmeasured', 0],
      ]);
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
      sameBoard(await board({ kind: 'tool' }), [['read_file', 1]]);
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
