import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import {
  type Analytics,
  type AnalyticsError,
  type AnalyticsOptions,
  type Backend,
  type ClientFigures,
  type Clock,
  createAnalytics,
  memory,
} from '../src/index.ts';
import { testClock, turn } from './support/clock.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { known } from './support/normalize.ts';
import { rig } from './support/rig.ts';
import { noteUnhandled } from './support/unhandled.ts';

const uuid = '0190b0c4-7a1e-7000-8000-000000000001';

/** What the far side gets for a call, without its id and time. */
async function delivered(call: (analytics: Analytics) => void): Promise<Record<string, unknown>[]> {
  const { analytics, side } = rig();
  call(analytics);
  await analytics.flush();
  return side.held.map((event) => {
    const { id: _, at: __, ...rest } = known(event);
    return rest;
  });
}

describe('each way of recording', () => {
  test.each<[string, (analytics: Analytics) => void, object]>([
    [
      'recordSkillExecution',
      (analytics) => analytics.recordSkillExecution({ skillId: 'pdf', success: true, latencyMs: 5, userId: 'ada' }),
      { type: 'execution', kind: 'skill', name: 'pdf', success: true, latencyMs: 5, userId: 'ada' },
    ],
    [
      'recordToolInvocation',
      (analytics) => analytics.recordToolInvocation({ toolName: 'grep', success: false, error: { type: 'E' } }),
      { type: 'execution', kind: 'tool', name: 'grep', success: false, error: { type: 'E' } },
    ],
    [
      'recordLlmCall',
      (analytics) => analytics.recordLlmCall({ model: 'm-1', name: 'title', success: true, cost: { usd: 0.01 } }),
      {
        type: 'execution',
        kind: 'llm',
        name: 'title',
        model: 'm-1',
        success: true,
        cost: { nanoUsd: 10_000_000, source: 'provider' },
      },
    ],
    [
      'recordToolkitEvent',
      (analytics) =>
        analytics.recordToolkitEvent({ toolkit: 'files', operation: 'cleanup', durationMs: 2, success: true }),
      { type: 'toolkit', toolkit: 'files', operation: 'cleanup', durationMs: 2, success: true },
    ],
    [
      'recordSkillRating',
      (analytics) => analytics.recordSkillRating({ skillId: 'pdf', rating: 5, executionId: uuid }),
      { type: 'rating', skillId: 'pdf', rating: 5, executionId: uuid },
    ],
    [
      'updateHealthScore',
      (analytics) => analytics.updateHealthScore({ skillId: 'pdf', score: 66 }),
      { type: 'health', skillId: 'pdf', score: 66 },
    ],
    [
      'logMetrics',
      (analytics) => analytics.logMetrics({ loss: 0.5 }, { step: 3, runId: 'r' }),
      { type: 'metrics', values: { loss: 0.5 }, step: 3, runId: 'r' },
    ],
    [
      'record',
      (analytics) => analytics.record({ type: 'artifact', name: 'a', kind: 'k', path: 'p' }),
      { type: 'artifact', name: 'a', kind: 'k', path: 'p' },
    ],
  ])('%s', async (_, call, expected) => {
    expect(await delivered(call)).toEqual([expected]);
  });

  test('works without the object it belongs to', async () => {
    const { analytics, side } = rig();
    const { record, recordSkillExecution, recordLlmCall, logMetrics, flush } = analytics;
    record({ type: 'health', skillId: 'a', score: 1 });
    recordSkillExecution({ skillId: 'a', success: true });
    recordLlmCall({ model: 'm', success: true });
    logMetrics({ a: 1 });
    await flush();
    expect(side.held).toHaveLength(4);
  });

  test.each([undefined, null, ''])('an LLM call without a name (%j) is called like its model', async (name) => {
    const call = { model: 'm-1', success: true, name };
    expect(await delivered((analytics) => analytics.recordLlmCall(call))).toMatchObject([
      { name: 'm-1', model: 'm-1' },
    ]);
  });

  test.each<[string, (analytics: Analytics) => void]>([
    [
      'skillId must be a string, got 5',
      (analytics) => analytics.recordSkillExecution({ skillId: 5, success: true } as never),
    ],
    [
      'toolName must be a non-blank string, got undefined',
      (analytics) => analytics.recordToolInvocation({ success: true } as never),
    ],
    [
      'model must be a non-blank string, got undefined',
      (analytics) => analytics.recordLlmCall({ name: 'x', success: true } as never),
    ],
    [
      'name must be a string, got 5',
      (analytics) => analytics.recordLlmCall({ model: 'm', name: 5, success: true } as never),
    ],
    ['event must be an object, got undefined', (analytics) => analytics.recordSkillExecution(undefined as never)],
    ['event must be an object, got "x"', (analytics) => analytics.recordLlmCall('x' as never)],
    ['event must be an object, got null', (analytics) => analytics.recordToolkitEvent(null as never)],
    ['values must be an object, got undefined', (analytics) => analytics.logMetrics(undefined as never)],
    [
      'rating must be a whole number from 1 to 5',
      (analytics) => analytics.recordSkillRating({ skillId: 'a' } as never),
    ],
    ['score must be a number from 0 to 100', (analytics) => analytics.updateHealthScore({ skillId: 'a' } as never)],
    ['event must be an object, got "text"', (analytics) => analytics.recordSkillRating('text' as never)],
    ['event must be an object, got an array', (analytics) => analytics.updateHealthScore([] as never)],
    ['options must be an object, got "text"', (analytics) => analytics.logMetrics({ a: 1 }, 'text' as never)],
    ['options must be an object, got 5', (analytics) => analytics.startRun(5 as never)],
  ])('refuses what is wrong: %s', (message, call) => {
    const { analytics, errors } = rig();
    call(analytics);
    expect(errors[0]?.message).toContain(`Refused an event: ${message}`);
    expect(dropsOf(analytics)).toEqual({ invalid: 1 });
  });

  test('returns nothing, so that nobody waits for it', () => {
    const { analytics } = rig();
    expect(analytics.record({ type: 'health', skillId: 'a', score: 1 })).toBeUndefined();
    expect(analytics.recordSkillExecution({ skillId: 'a', success: true })).toBeUndefined();
  });

  test('a getter can tell the client about another event', async () => {
    const { analytics, side } = rig();
    analytics.recordSkillExecution({
      get skillId() {
        analytics.recordSkillExecution({ skillId: 'inner', success: true });
        return 'outer';
      },
      success: true,
    });
    await analytics.flush();
    expect(side.held).toMatchObject([{ name: 'inner' }, { name: 'outer' }]);
  });

  test('what is too large counts as too_large', () => {
    const { analytics } = rig();
    analytics.record({ type: 'artifact', name: 'a', kind: 'k', bytes: new Uint8Array(8 * 1024 * 1024 + 1) });
    analytics.record({ type: 'health', skillId: 'a', score: 1, attributes: { text: 'x'.repeat(20_000) } });
    expect(dropsOf(analytics)).toEqual({ too_large: 2 });
  });

  test('ids of the whole object tree of JavaScript are ids like others', async () => {
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const events = await delivered((analytics) => {
      for (const id of ids) {
        analytics.recordSkillExecution({ skillId: id, success: true, userId: id, orgId: id, runId: id });
        analytics.logMetrics(JSON.parse(`{"${id}":1}`));
      }
    });
    expect(events.filter(({ type }) => type === 'execution').map(({ name }) => name)).toEqual(ids);
    expect(
      events.filter(({ type }) => type === 'metrics').map(({ values }) => Object.entries(values as object)),
    ).toEqual(ids.map((id) => [[id, 1]]));
  });
});

describe('time', () => {
  test('is that of the record, not of the delivery', async () => {
    const { analytics, clock, record, side } = rig();
    const start = clock.now();
    record('e1');
    await clock.advance(400);
    record('e2');
    await clock.advance(5000);
    await analytics.flush();
    expect(side.held.map(({ at }) => at - start)).toEqual([0, 400]);
  });

  test('follows a wall clock that jumps, while durations do not notice', async () => {
    const { analytics, clock, side } = rig();
    const year = 365 * 86_400_000;
    const starts = [clock.now(), clock.now() + year, clock.now() - year, 0];
    for (const start of starts) {
      clock.setWall(start);
      await analytics.trackOperation('op', async () => {
        clock.setWall(start + 3_600_000);
        await clock.advance(25);
      });
    }
    await analytics.flush();
    expect(side.held.map((event) => known(event)['latencyMs'])).toEqual([25, 25, 25, 25]);
    expect(side.held.map(({ at }) => at)).toEqual(starts.map((start) => start + 3_600_025));
    const ids = side.held.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
  });

  test('a fraction of a millisecond is cut off', async () => {
    const { analytics, clock, record, side } = rig();
    clock.setWall(1234.999);
    record('e1');
    await analytics.flush();
    expect(side.held[0]?.at).toBe(1234);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 4_102_444_800_000, '2026' as never, undefined as never])(
    'a wall clock that says %j makes the event count as callback_error, and the next right one is fine',
    async (nowMs) => {
      const { analytics, clock, errors, record, side } = rig();
      const right = clock.now();
      clock.setWall(nowMs);
      record('e1');
      expect(analytics.startRun().id).toBe('');
      expect(dropsOf(analytics)).toEqual({ callback_error: 2 });
      expect(errors[0]?.message).toMatch(/^Refused an event: clock\.now\(\) gave .*, not a time$/);
      clock.setWall(right);
      record('e2');
      await analytics.flush();
      expect(side.held).toHaveLength(1);
    },
  );

  test.each([
    [thrower, 'threw Error: not today'],
    [rejecter, 'gave a promise: await it, not a time'],
  ])('a wall clock that throws or rejects makes the event count as callback_error', (now, what) => {
    const { clock } = rig();
    const { analytics, errors, record } = rig({}, { clock: { ...clock, now } });
    record('e1');
    expect(dropsOf(analytics)).toEqual({ callback_error: 1 });
    expect(errors[0]?.message).toBe(`Refused an event: clock.now() ${what}`);
  });
});

describe('a clock whose monotonic time', () => {
  test.each([
    ['throws', thrower],
    ['is a promise that rejects', rejecter],
    ['is no number', () => Number.NaN],
  ])('%s changes nothing for what is tracked, which counts as invalid', async (_, monotonic) => {
    const { analytics, errors } = rig({}, { clock: { ...systemClock, monotonic } });
    expect(await analytics.trackOperation('op', () => 1)).toBe(1);
    expect(analytics.wrapTool(() => 2)()).toBe(2);
    expect(dropsOf(analytics)).toEqual({ invalid: 2 });
    expect(errors.map(({ message }) => message)).toEqual([
      'Refused an event: latencyMs must be a finite number >= 0, got NaN',
    ]);
  });

  test('throws leaves a flush, a probe and a close the time that they were given', async () => {
    const clock = testClock();
    const given: number[] = [];
    const backend = { ...memory(), async flush() {}, async check() {} };
    const noting: Clock = {
      ...clock,
      monotonic: thrower,
      setTimeout(callback, delayMs) {
        given.push(delayMs);
        return clock.setTimeout(callback, delayMs);
      },
    };
    const analytics = createAnalytics({ backends: [backend], clock: noting });
    expect(await analytics.flush({ timeoutMs: 5_000 })).toMatchObject({ ok: true });
    expect(await analytics.healthCheck({ timeoutMs: 6_000 })).toMatchObject({ healthy: true });
    expect(await analytics.close({ timeoutMs: 7_000 })).toMatchObject({ ok: true });
    expect(given).toEqual([5_000, 6_000, 7_000, 7_000]);
  });
});

describe('what a backend may ask its client', () => {
  test('the ledgers of all backends, and how many operations are under way', async () => {
    let figures: ClientFigures | undefined;
    const curious: Backend = { ...memory({ name: 'curious' }), attach: (client) => (figures = client) };
    const analytics = createAnalytics({ backends: [memory(), curious] });
    const active = () => figures?.activeOperations();
    expect(active()).toBe(0);
    const seen: (number | undefined)[] = [];
    const steps = analytics.wrapTool(function* steps() {
      seen.push(active());
      yield 1;
    });
    await analytics.trackOperation('outer', async () => {
      const failing = analytics.trackOperation('inner', async () => {
        seen.push(active());
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      seen.push(active());
      const left = steps();
      left.next();
      left.return();
    });
    expect(seen).toEqual([2, 1, 2]);
    expect(active()).toBe(0);
    expect(figures?.stats()).toEqual(analytics.stats());
    expect(figures?.stats().backends['memory']?.accepted).toBe(3);
    await analytics.close();
  });

  test('a generator that a plain function returns is under way from its first step on', async () => {
    let figures: ClientFigures | undefined;
    const curious: Backend = { ...memory(), attach: (client) => (figures = client) };
    const analytics = createAnalytics({ backends: [curious] });
    function* steps() {
      yield figures?.activeOperations();
    }
    const left = analytics.wrapTool(() => steps())();
    expect(figures?.activeOperations()).toBe(0);
    expect([...left]).toEqual([1]);
    expect(figures?.activeOperations()).toBe(0);
    await analytics.close();
  });

  test('a promise that is recorded when it is asked is under way no more, and counts once', async () => {
    let figures: ClientFigures | undefined;
    const curious: Backend = { ...memory(), attach: (client) => (figures = client) };
    const analytics = createAnalytics({ backends: [curious] });
    class Lazy extends Promise<number> {
      // biome-ignore lint/suspicious/noThenProperty: as clients of services have them
      override then = (...args: Parameters<Promise<number>['then']>) => Promise.resolve(1).then(...args) as never;
    }
    const asked = analytics.wrapTool(() => new Lazy(() => {}))();
    expect(figures?.activeOperations()).toBe(0);
    await asked;
    expect(figures?.activeOperations()).toBe(0);
    expect(figures?.stats().backends['memory']?.accepted).toBe(1);
    await analytics.close();
  });

  test('an attach that is async all the same, and rejects, is told to onError, and ends no process', async () => {
    const unhandled = noteUnhandled();
    const told = Promise.withResolvers<AnalyticsError>();
    const cause = new TypeError('no figures');
    const odd: Backend = { ...memory(), attach: (() => Promise.reject(cause)) as () => void };
    const analytics = createAnalytics({ backends: [odd], onError: told.resolve });
    expect(await told.promise).toMatchObject({ code: 'INTERNAL', backend: 'memory', cause });
    await analytics.close();
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  test('a backend whose attach throws is no backend for a client', () => {
    const listeners = process.listenerCount('exit');
    const odd: Backend = { ...memory(), attach: thrower };
    expect(() => createAnalytics({ backends: [odd] })).toThrow(
      expect.objectContaining({ name: 'AnalyticsError', code: 'INTERNAL', backend: 'memory' }),
    );
    expect(process.listenerCount('exit')).toBe(listeners);
  });
});

describe('ids of the user', () => {
  test('are used, in lower case', async () => {
    const made = ['0190B0C4-7A1E-7000-8000-00000000000A', '0190b0c4-7a1e-7000-8000-00000000000b'];
    const { analytics, record, side } = rig({}, { newId: () => made.shift() as string });
    record('e1', 'e2');
    await analytics.flush();
    expect(side.held.map(({ id }) => id.at(-1))).toEqual(['a', 'b']);
  });

  test.each([() => 'not a UUID', () => undefined as never, () => 5 as never, thrower, rejecter])(
    'that are none make the event count as callback_error',
    async (newId) => {
      const { analytics, errors, record } = rig({}, { newId });
      record('e1');
      await expect(analytics.trackOperation('op', ({ id }) => id)).resolves.toBe('');
      expect(statsOf(analytics).accepted).toBe(2);
      expect(Object.values(dropsOf(analytics))).toEqual([2]);
      expect(dropsOf(analytics)).toEqual({ callback_error: 2 });
      expect(errors).toHaveLength(1);
    },
  );
});

test.each<[string, Partial<AnalyticsOptions>]>([
  ['newId()', { newId: rejecter }],
  ['random()', { random: rejecter, sampleRate: 0.5 }],
  ['prices.price()', { prices: { price: rejecter } }],
  ['clock.now()', { clock: { ...systemClock, now: rejecter } }],
  ['clock.monotonic()', { clock: { ...systemClock, monotonic: rejecter } }],
])('%s that rejects, which nobody asked for, ends no process', async (_, options) => {
  const unhandled = noteUnhandled();
  const { analytics } = rig({}, options);
  analytics.recordLlmCall({ model: 'm', success: true, usage: { inputTokens: 1 } });
  expect(await analytics.trackOperation('op', () => 1)).toBe(1);
  expect((await analytics.healthCheck()).backends['far']?.latencyMs).toBeGreaterThanOrEqual(0);
  await turn();
  await turn();
  expect(unhandled).toEqual([]);
});

test('an option that is a promise which rejects is refused, and ends no process', async () => {
  const unhandled = noteUnhandled();
  expect(() => createAnalytics({ backends: [rejecter() as never] })).toThrow('got a promise: await it');
  expect(() => memory(rejecter() as never)).toThrow('options: must be an object, got a promise: await it');
  await turn();
  await turn();
  expect(unhandled).toEqual([]);
});

/** What a callback may do that must not be async. */
function rejecter(): never {
  return Promise.reject(new Error('not today')) as never;
}

function thrower(): never {
  throw new Error('not today');
}
