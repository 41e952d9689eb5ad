import assert from 'node:assert/strict';
import {
  type AnalyticsReader,
  type ExecutionCounts,
  type ExecutionEvent,
  type ExecutionFilter,
  isAnalyticsError,
  type LatencyStats,
  type LeaderboardOptions,
} from '@toolweaver/analytics-core';
import { execution, rating } from '../events.ts';
import type { Law } from '../law.ts';
import { isClose, tally, tokenClasses } from '../tally.ts';
import type { Trial } from '../trial.ts';
import { sameEvents } from './fields.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** A store may keep the distribution of latencies instead of each of them. */
const percentileTolerance = 0.01;

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
    law: 'every execution is listed once, newest first, page by page',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      const listed = await listAll(trial, { limit: 4 });
      assert.deepEqual(idsOf(listed), idsOf(newestFirst(events)), 'newest first');
      sameEvents(listed, events);
      const { executions } = await trial.within('listExecutions()', readerOf(trial).listExecutions());
      assert.deepEqual(idsOf(executions), idsOf(newestFirst(events)), 'all of them without a filter');
    },
  },
  {
    law: 'the list of executions keeps to its filter',
    only: 'reader',
    async check(trial) {
      const events = history();
      await trial.deliver(events);
      const [, , from = 0, , to = 0] = newestFirst(events)
        .map(({ at }) => at)
        .reverse();
      const filters: [ExecutionFilter, (event: ExecutionEvent) => boolean][] = [
        [{ kind: 'tool' }, ({ kind }) => kind === 'tool'],
        [{ name: 'summarise' }, ({ name }) => name === 'summarise'],
        [{ success: false }, ({ success }) => !success],
        [{ errorType: 'TimeoutError' }, ({ error }) => error?.type === 'TimeoutError'],
        [{ orgId: 'org-1' }, ({ orgId }) => orgId === 'org-1'],
        [{ userId: 'user-1', success: true }, ({ userId, success }) => userId === 'user-1' && success],
        [{ runId: 'run-1' }, ({ runId }) => runId === 'run-1'],
        [{ from, to }, ({ at }) => at >= from && at < to],
        [{ name: `' OR 1=1 --` }, () => false],
      ];
      for (const [filter, matches] of filters) {
        const expected = newestFirst(events.filter(matches));
        const listed = await listAll(trial, { ...filter, limit: 2 });
        assert.deepEqual(idsOf(listed), idsOf(expected), `of the filter ${JSON.stringify(filter)}`);
      }
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

function readerOf({ backend }: Trial): AnalyticsReader {
  assert.ok(backend.reader, 'the backend has a reader');
  return backend.reader;
}

/** Executions of the last hour, each at a time and with a latency of its own. */
function history(): ExecutionEvent[] {
  const now = Date.now();
  const cost = { nanoUsd: 1_250_000, source: 'provider' } as const;
  const usage = { inputTokens: 900, cacheReadTokens: 80, cacheWriteTokens: 7, outputTokens: 60, reasoningTokens: 5 };
  const rows: Partial<ExecutionEvent>[] = [
    { latencyMs: 120, userId: 'user-1', orgId: 'org-1', runId: 'run-1', cost },
    { latencyMs: 80, userId: 'user-2', orgId: 'org-1', runId: 'run-1' },
    { latencyMs: 0, userId: 'user-1' },
    { latencyMs: undefined, userId: 'user-3', orgId: 'org-2', attributes: { page: 3 } },
    { latencyMs: 950.5, success: false, error: { type: 'TypeError', message: 'no text' } },
    { latencyMs: 10, success: false, weight: 2 },
    { latencyMs: 33, weight: 2.5, userId: 'user-2', runId: 'run-2' },
    { kind: 'tool', name: 'search_web', latencyMs: 400, cacheHit: false, toolkit: 'web' },
    { kind: 'tool', name: 'search_web', latencyMs: 2, cacheHit: true, toolkit: 'web', cost },
    { kind: 'tool', name: 'search_web', latencyMs: 3, cacheHit: true, weight: 2 },
    { kind: 'tool', name: 'search_web', latencyMs: 5000, success: false, error: { type: 'TimeoutError' }, weight: 7 },
    {
      kind: 'llm',
      name: 'sonnet',
      model: 'sonnet',
      provider: 'anthropic',
      latencyMs: 1700,
      usage,
      cost,
      runId: 'run-1',
    },
    { kind: 'llm', name: 'sonnet', model: 'sonnet', provider: 'anthropic', latencyMs: 640, usage, weight: 3 },
    { kind: 'agent', name: 'clerk', latencyMs: 7300, userId: 'user-1', orgId: 'org-1', runId: 'run-3' },
  ];
  // Shuffled in time: the order of recording is not the order of `at`.
  return rows.map((row, at) => execution({ ...row, at: now - (1 + ((at * 5) % rows.length)) * minute }));
}

async function listAll(trial: Trial, filter: ExecutionFilter): Promise<ExecutionEvent[]> {
  const listed: ExecutionEvent[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 50; pages += 1) {
    const page = await trial.within('listExecutions()', readerOf(trial).listExecutions(filter, cursor));
    assert.ok(page.executions.length <= (filter.limit ?? 100), 'a page is no longer than its limit');
    listed.push(...page.executions);
    cursor = page.nextCursor;
    if (cursor === undefined) {
      return listed;
    }
  }
  return assert.fail('the pages of listExecutions() never end');
}

function newestFirst(events: readonly ExecutionEvent[]): ExecutionEvent[] {
  return events.toSorted((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
}

function idsOf(events: readonly ExecutionEvent[]): string[] {
  return events.map(({ id }) => id);
}

function weigh(events: readonly ExecutionEvent[]): number {
  return sum(events.map(({ weight = 1 }) => weight));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function latencyOf(events: readonly ExecutionEvent[]): LatencyStats {
  const known = events
    .flatMap(({ latencyMs, weight = 1 }) => (latencyMs === undefined ? [] : [{ latencyMs, weight }]))
    .sort((one, other) => one.latencyMs - other.latencyMs);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) {
    return { average: null, min: null, max: null, p50: null, p95: null, p99: null };
  }
  const total = sum(known.map(({ weight }) => weight));
  const percentile = (share: number): number => {
    let covered = 0;
    const found = known.find(({ weight }) => {
      covered += weight;
      return covered >= share * total;
    });
    return (found ?? last).latencyMs;
  };
  return {
    average: sum(known.map(({ latencyMs, weight }) => latencyMs * weight)) / total,
    min: first.latencyMs,
    max: last.latencyMs,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
  };
}

function sameCounts(actual: ExecutionCounts, events: readonly ExecutionEvent[]): void {
  const [executions, successes] = [weigh(events), weigh(events.filter(({ success }) => success))];
  sameNumber(actual.executions, executions, 'executions');
  sameNumber(actual.successes, successes, 'successes');
  sameNumber(actual.failures, executions - successes, 'failures');
  sameNumber(actual.successRate, successes / executions, 'successRate');
}

function sameLatency(actual: LatencyStats, events: readonly ExecutionEvent[]): void {
  const expected = latencyOf(events);
  for (const figure of ['average', 'min', 'max', 'p50', 'p95', 'p99'] as const) {
    const tolerance = figure.startsWith('p') ? percentileTolerance : undefined;
    sameNumber(actual[figure], expected[figure], `latencyMs.${figure}`, tolerance);
  }
}

function sameNumber(actual: number | null, expected: number | null, what: string, tolerance?: number): void {
  const close = actual !== null && expected !== null && isClose(actual, expected, tolerance);
  assert.ok(close || actual === expected, `${what} is ${actual}, should be ${expected}`);
}

function sameBoard(actual: readonly [string, number][], expected: readonly [string, number][]): void {
  assert.deepEqual(
    actual.map(([name]) => name),
    expected.map(([name]) => name),
    'the names in the order of their ranks',
  );
  for (const [at, [name, score]] of expected.entries()) {
    sameNumber(actual[at]?.[1] ?? null, score, `score of ${name}`);
  }
}
