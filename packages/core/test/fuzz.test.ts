import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Analytics, type AnalyticsEvent, createAnalytics, isAnalyticsError, memory } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { anyValue } from './support/hostile.ts';
import { minimal, types } from './support/normalize.ts';
import { isValid } from './support/valid.ts';

// Any value of JavaScript through every method that a host calls: nothing may throw, reject, or go uncounted.

const seed = 20_260_101;
const valuesWanted = process.env['RELIABILITY'] === 'full' ? 100_000 : 10_000;

type Value = () => unknown;
const text = (): string => 'x';

/** How many events a call records; each value is made anew for each place. */
type Call = (analytics: Analytics, one: never, two: never, pending: Promise<unknown>[]) => number;

const calls: Record<string, Call> = {
  record: (analytics, one) => counted(1, analytics.record(one)),
  recordSkillExecution: (analytics, one) => counted(1, analytics.recordSkillExecution(one)),
  recordToolInvocation: (analytics, one) => counted(1, analytics.recordToolInvocation(one)),
  recordLlmCall: (analytics, one) => counted(1, analytics.recordLlmCall(one)),
  recordToolkitEvent: (analytics, one) => counted(1, analytics.recordToolkitEvent(one)),
  recordSkillRating: (analytics, one) => counted(1, analytics.recordSkillRating(one)),
  updateHealthScore: (analytics, one) => counted(1, analytics.updateHealthScore(one)),
  logMetrics: (analytics, one, two) => counted(1, analytics.logMetrics(one, two)),
  withContext: (analytics, one, two) =>
    counted(
      1,
      analytics.withContext(one, () => analytics.record(two)),
    ),
  trackOperation(analytics, one, two, pending) {
    const tracked = analytics.trackOperation(one, (operation) => {
      operation.set(two);
      operation.fail(two);
      return 'value';
    });
    pending.push(tracked.then((value) => expect(value).toBe('value')));
    return 1;
  },
  wrapTool(analytics, one, two) {
    // The wrapped value itself is the host's to call.
    analytics.wrapTool(one, two);
    expect(analytics.wrapTool(text, one)()).toBe('x');
    return 1;
  },
  startRun(analytics, one, two) {
    const run = analytics.startRun(one);
    run.logMetrics(one, two);
    run.logArtifact(one);
    expect(run.within(text)).toBe('x');
    run.finish(two);
    return 4;
  },
  trackRun(analytics, one, two, pending) {
    pending.push(analytics.trackRun(one, (run) => run.logMetrics(two)));
    return 3;
  },
  flush: (analytics, one, _, pending) => counted(0, pending.push(analytics.flush(one))),
  push: (analytics, one, _, pending) => counted(0, pending.push(analytics.push(one))),
  healthCheck: (analytics, one, _, pending) => counted(0, pending.push(analytics.healthCheck(one))),
  stats: (analytics) => counted(0, analytics.stats()),
  getConfigSummary: (analytics) => counted(0, analytics.getConfigSummary()),
  reader(analytics, one, two, pending) {
    const { getSkillUsage, getLeaderboard, summary, listExecutions } = analytics.reader;
    const asked = [getSkillUsage(one, two), getLeaderboard(one), summary(one), listExecutions(one, two)];
    pending.push(
      ...asked.map((answer) =>
        answer.then(
          () => expect.unreachable(),
          (error) => expect(isAnalyticsError(error)).toBe(true),
        ),
      ),
    );
    return 0;
  },
};

function counted(events: number, _: unknown): number {
  return events;
}

/** A valid input of any type of which one or two fields are something else. */
const almostValid: fc.Arbitrary<Value> = fc
  .tuple(
    fc.constantFrom(...types),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          ...[
            'id',
            'at',
            'runId',
            'userId',
            'attributes',
            'kind',
            'name',
            'skillId',
            'toolName',
            'success',
            'latencyMs',
          ],
          ...['error', 'version', 'parentId', 'attempt', 'cacheHit', 'usage', 'cost', 'model', 'rating', 'score'],
          ...['operation', 'durationMs', 'values', 'step', 'state', 'config', 'tags', 'path', 'bytes', 'comment'],
        ),
        anyValue,
      ),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([type, fields]) => () => ({
    ...minimal[type],
    skillId: 'x',
    toolName: 'x',
    model: 'm',
    ...Object.fromEntries(fields.map(([field, value]) => [field, value()])),
  }));
const value: fc.Arbitrary<Value> = fc.oneof(anyValue, almostValid);

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
const shared = [Object, Array, Function, Promise, String, Map, Error].map(({ prototype }) => prototype as object);
const before = shared.map(shapeOf);

function shapeOf(prototype: object): unknown[] {
  return Reflect.ownKeys(prototype).map((key) => [key, Reflect.getOwnPropertyDescriptor(prototype, key)?.value]);
}

beforeAll(() => {
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
});

test(`${valuesWanted} values, seed ${seed}`, { timeout: 60_000 }, async () => {
  const written: AnalyticsEvent[] = [];
  const wrong: unknown[] = [];
  const take = (events: readonly AnalyticsEvent[]): void => {
    for (const event of events) {
      if (!isValid(event)) {
        wrong.push(event);
      }
    }
    written.push(...events);
  };
  const analytics = createAnalytics({
    backends: [
      {
        name: 'queued',
        delivery: { maxEvents: 100, maxDelayMs: 5 },
        settings: {},
        write: async (events) => take(events),
      },
      { name: 'immediate', delivery: 'immediate', settings: {}, write: take },
      memory({ maxEvents: 10 }),
    ],
    onError() {
      throw new Error('from onError');
    },
  });
  let values = 0;
  let expected = 0;
  const pending: Promise<unknown>[] = [];

  function exact(): boolean {
    return Object.values(analytics.stats().backends).every(({ accepted, delivered, queued, dropped }) => {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return accepted === expected && accepted === delivered + queued + lost;
    });
  }

  const runs = valuesWanted / 2;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(calls)), value, value, async (name, one, two) => {
      values += 2;
      expected += calls[name]?.(analytics, one() as never, two() as never, pending) ?? 0;
      if (name.startsWith('track') || pending.length > 50) {
        await Promise.all(pending.splice(0));
      }
      if (!exact()) {
        throw new Error(`the ledger is wrong after ${name}: ${JSON.stringify(analytics.stats())}`);
      }
    }),
    { seed, numRuns: runs },
  );
  await Promise.all(pending);
  const report = await analytics.close();
  await turn();

  expect(values).toBe(valuesWanted);
  expect(wrong).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(shared.map(shapeOf)).toEqual(before);
  expect('polluted' in {}).toBe(false);
  expect(exact()).toBe(true);
  expect(report).toMatchObject({ ok: true, backends: { queued: { queued: 0 }, immediate: { queued: 0 } } });
  // Enough of it got through to matter, and enough did not.
  const { accepted, delivered, dropped } = analytics.stats().backends['queued'] ?? {};
  expect(written.length).toBe(2 * (delivered ?? 0));
  expect(delivered).toBeGreaterThan(valuesWanted * 0.05);
  expect(dropped?.invalid).toBeGreaterThan(valuesWanted * 0.1);
  expect(accepted).toBeGreaterThan(valuesWanted * 0.4);
});
