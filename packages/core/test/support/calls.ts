import fc from 'fast-check';
import { expect } from 'vitest';
import type { Analytics } from '../../src/index.ts';
import { anyValue } from './hostile.ts';
import { minimal, types } from './normalize.ts';

// Every method that a host calls, with whatever it is given.

export type Value = () => unknown;
const text = (): string => 'x';

/** Returns how many events a call records; each value is made anew for each place. What it leaves to wait for goes to `pending`. */
type Call = (analytics: Analytics, one: never, two: never, pending: Promise<unknown>[]) => number;

export const calls: Readonly<Record<string, Call>> = {
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
    return typeof one === 'function' ? 1 : 2;
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
    // Rejects with what the backend says, or with what reading the question has thrown.
    pending.push(...asked.map((answer) => answer.catch(() => {})));
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
/** Any value of JavaScript, or an event in which a field is one. */
export const value: fc.Arbitrary<Value> = fc.oneof(anyValue, almostValid);
