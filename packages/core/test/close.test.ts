import { describe, expect, test } from 'vitest';
import { AnalyticsError, type FlushReport, memory } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { names, namesOf, skill } from './support/events.ts';
import { farSide, hanging } from './support/far-side.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { rig } from './support/rig.ts';
import { noteUnhandled } from './support/unhandled.ts';

function begun(closing: Promise<FlushReport>): { report?: FlushReport } {
  const seen: { report?: FlushReport } = {};
  void closing.then((report) => {
    seen.report = report;
  });
  return seen;
}

describe('close', () => {
  test('delivers everything first, then closes the backend', async () => {
    const { analytics, record, side } = rig({ maxEvents: 4, maxDelayMs: 60_000 });
    record(...names(10));
    expect(await analytics.close()).toEqual({
      ok: true,
      backends: { far: { ok: true, delivered: 10, dropped: 0, queued: 0, error: undefined } },
    });
    expect(namesOf(side.held)).toEqual(names(10));
    expect(side.closes).toBe(1);
    expect(statsOf(analytics)).toMatchObject({ state: 'closed', queued: 0 });
  });

  test('is done once: every call gets the same promise', async () => {
    const { analytics, record, side } = rig();
    record('e1');
    const first = analytics.close();
    expect(analytics.close({ timeoutMs: 1 })).toBe(first);
    await first;
    expect(analytics.close()).toBe(first);
    expect(await analytics.flush()).toMatchObject({ ok: true });
    await analytics[Symbol.asyncDispose]();
    expect(side.closes).toBe(1);
  });

  test('happens by itself at the end of an `await using` block', async () => {
    const { analytics, side, record } = rig();
    {
      await using disposed = analytics;
      record('e1');
      expect(disposed).toBe(analytics);
    }
    expect(side.held).toHaveLength(1);
    expect(side.closes).toBe(1);
  });

  test('leaves no timer behind', async () => {
    const { analytics, clock, record } = rig();
    record('e1');
    await analytics.close();
    expect(clock.timers).toEqual([]);
  });

  test('with a hanging write gives up what is left at the deadline, counts it, and closes the backend', async () => {
    const { analytics, clock, record, side, errors } = rig({ maxEvents: 2 });
    side.answer = hanging().answer;
    record(...names(5));
    const close = begun(analytics.close({ timeoutMs: 700 }));
    await clock.advance(699);
    expect(close.report).toBeUndefined();
    expect(side.closes).toBe(0);
    await clock.advance(1);
    expect(close.report).toMatchObject({
      ok: false,
      backends: { far: { ok: false, delivered: 0, dropped: 5, queued: 0, error: { code: 'TIMEOUT' } } },
    });
    expect(dropsOf(analytics)).toEqual({ shutdown_timeout: 5 });
    expect(statsOf(analytics)).toMatchObject({ queued: 0, queuedBytes: 0, state: 'closed' });
    expect(side.closes).toBe(1);
    expect(errors.map(({ code }) => code)).toEqual(['TIMEOUT', 'EVENTS_DROPPED']);
    expect(errors[1]?.message).toContain('far: lost 5 events (shutdown_timeout)');
  });

  test('says so to the backend first, and how long it takes', async () => {
    const { analytics, record, side, errors } = rig();
    const said: unknown[] = [];
    side.closing = (timeoutMs) => {
      said.push([timeoutMs, side.tried.length]);
      throw new Error('not today');
    };
    record('e1');
    expect(await analytics.close({ timeoutMs: 700 })).toMatchObject({ ok: true });
    await analytics.close({ timeoutMs: 5 });
    expect(said).toEqual([[700, 0]]);
    expect(side.held).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'INTERNAL', message: 'far: Error: not today' }]);
  });

  test('says so, to a backend that is asynchronous about it all the same, and rejects', async () => {
    const unhandled = noteUnhandled();
    const { analytics, side, errors } = rig();
    side.closing = (async () => {
      throw new Error('not today');
    }) as () => void;
    expect(await analytics.close({ timeoutMs: 700 })).toMatchObject({ ok: true });
    await new Promise(setImmediate);
    expect(errors).toMatchObject([{ code: 'INTERNAL', message: 'far: Error: not today' }]);
    expect(unhandled).toEqual([]);
  });

  test('a flush meanwhile keeps to its own time', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 2 });
    side.answer = hanging().answer;
    record('e1', 'e2');
    const close = begun(analytics.close({ timeoutMs: 700 }));
    const flush = begun(analytics.flush({ timeoutMs: 10 }));
    await clock.advance(10);
    expect(flush.report).toMatchObject({ ok: false, backends: { far: { queued: 2, error: { code: 'TIMEOUT' } } } });
    expect(close.report).toBeUndefined();
    await clock.advance(690);
    expect(close.report).toMatchObject({ ok: false, backends: { far: { dropped: 2 } } });
  });

  test.each(['succeeds', 'fails for now', 'fails for good', 'is refused'])(
    'a write that %s after it was given up changes nothing',
    async (end) => {
      const { analytics, clock, record, side } = rig({ maxEvents: 2 });
      const stuck = hanging();
      side.answer = stuck.answer;
      record(...names(4));
      const close = analytics.close({ timeoutMs: 10 });
      await clock.advance(10);
      await close;
      const before = analytics.stats();
      if (end === 'succeeds') {
        stuck.succeed();
      } else {
        const code = { 'fails for now': 'BACKEND_UNAVAILABLE', 'is refused': 'EVENTS_REJECTED' }[end] ?? 'INTERNAL';
        stuck.fail(new AnalyticsError(code as 'INTERNAL', 'late'));
      }
      await clock.advance(100_000);
      expect(analytics.stats()).toEqual(before);
      expect(side.tried).toHaveLength(1);
    },
  );

  test('goes on trying until the deadline while the far side is down', async () => {
    const { analytics, clock, record, side } = rig();
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    record('e1');
    await clock.advance(20_000);
    expect(statsOf(analytics).state).toBe('open');
    const tried = side.tried.length;
    const close = begun(analytics.close());
    await turn();
    expect(side.tried.length).toBe(tried + 1);
    expect(close.report).toBeUndefined();
    await clock.advance(10_000);
    expect(close.report).toMatchObject({ ok: false, backends: { far: { dropped: 1, queued: 0 } } });
    expect(dropsOf(analytics)).toEqual({ shutdown_timeout: 1 });
    expect(side.closes).toBe(1);
    expect(clock.timers).toEqual([]);
  });

  test('gives the backend what flushing has left of the time to close, and not all of it anew', async () => {
    const made = rig();
    const write = hanging();
    made.side.answer = write.answer;
    made.record('e1');
    const { close: closeSide } = made.side;
    made.side.close = async () => {
      await closeSide?.();
      await hanging().answer();
    };
    const close = begun(made.analytics.close({ timeoutMs: 5000 }));
    await made.clock.advance(2000);
    write.succeed();
    await made.clock.advance(2999);
    expect(close.report).toBeUndefined();
    await made.clock.advance(1);
    expect(close.report?.backends['far']?.error?.message).toBe('far: close took longer than 3000 ms');
  });

  test('delivers after all when the far side comes back in time', async () => {
    const { analytics, clock, record, side } = rig({}, { retry: { maxDelayMs: 1000 } });
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    record('e1');
    await clock.advance(3000);
    const close = begun(analytics.close());
    await clock.advance(1500);
    side.answer = () => {};
    await clock.advance(1500);
    expect(close.report).toMatchObject({ ok: true, backends: { far: { delivered: 1 } } });
  });

  test('counts what is recorded after it began as closed, and tells once', async () => {
    const { analytics, clock, record, side, errors } = rig();
    record('e1');
    const close = analytics.close();
    record('e2');
    await close;
    record('e3');
    analytics.startRun();
    analytics.wrapTool(() => 1)();
    await clock.advance(100_000);
    expect(namesOf(side.held)).toEqual(['e1']);
    expect(dropsOf(analytics)).toEqual({ closed: 4 });
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'CLOSED: Refused an event: the client is closed: await what records before you close it',
    ]);
  });

  test('stays usable afterwards: nothing throws or waits', async () => {
    const { analytics } = rig();
    await analytics.close();
    expect(await analytics.flush()).toMatchObject({ ok: true });
    expect(await analytics.healthCheck()).toMatchObject({
      healthy: false,
      backends: { far: { error: { code: 'CLOSED' } } },
    });
    expect(await analytics.trackOperation('op', () => 5)).toBe(5);
    expect(analytics.withContext({ userId: 'u' }, () => 6)).toBe(6);
    expect(analytics.getConfigSummary().backends).toEqual({ far: {} });
  });
});

describe("a backend's own close", () => {
  test('that fails is told, and makes the report say so', async () => {
    const { analytics, errors, side } = rig();
    side.release = () => Promise.reject(new Error('stuck'));
    expect(await analytics.close()).toMatchObject({
      ok: false,
      backends: {
        far: { ok: false, dropped: 0, error: { code: 'INTERNAL', message: 'far: Error: stuck', backend: 'far' } },
      },
    });
    expect(errors).toHaveLength(1);
    expect(statsOf(analytics).state).toBe('closed');
  });

  test('that throws is the same', async () => {
    const { analytics, side } = rig();
    side.release = () => {
      throw undefined;
    };
    expect(await analytics.close()).toMatchObject({ ok: false });
  });

  test('that hangs is left after the time that remains, and after a second at least', async () => {
    const { analytics, clock, side } = rig();
    side.release = hanging().answer;
    const close = begun(analytics.close({ timeoutMs: 5000 }));
    await clock.advance(4999);
    expect(close.report).toBeUndefined();
    await clock.advance(1);
    expect(close.report).toMatchObject({ ok: false, backends: { far: { error: { code: 'TIMEOUT' } } } });

    const short = rig();
    short.side.release = hanging().answer;
    const closed = begun(short.analytics.close({ timeoutMs: 0 }));
    await short.clock.advance(999);
    expect(closed.report).toBeUndefined();
    await short.clock.advance(1);
    expect(closed.report?.ok).toBe(false);
  });

  test('is not called again by an onError that closes the client', async () => {
    const side = farSide();
    side.answer = () => {
      throw new Error('broken');
    };
    let closes = 0;
    const { analytics, record } = rig(
      {},
      {
        backends: [side],
        onError() {
          closes += 1;
          void analytics.close();
        },
      },
    );
    record('e1');
    await analytics.close();
    expect(closes).toBeGreaterThan(0);
    expect(side.closes).toBe(1);
  });

  test('is not called again by a write that closes the client', async () => {
    const side = farSide({ maxDelayMs: 60_000 });
    const { analytics, record } = rig({}, { backends: [side] });
    side.answer = () => void analytics.close();
    record('e1');
    expect((await analytics.close()).ok).toBe(true);
    expect(side.closes).toBe(1);
  });
});

test('one backend that hangs does not keep another from being closed', async () => {
  const [stuck, healthy] = [farSide({ name: 'stuck' }), memory()];
  stuck.answer = hanging().answer;
  let closed = false;
  const { analytics, clock, record } = rig(
    {},
    {
      backends: [
        stuck,
        {
          ...healthy,
          close() {
            closed = true;
          },
        },
      ],
    },
  );
  record('e1');
  const close = begun(analytics.close());
  await turn();
  expect(closed).toBe(true);
  expect(healthy.events).toHaveLength(1);
  expect(close.report).toBeUndefined();
  await clock.advance(10_000);
  expect(close.report).toMatchObject({ ok: false, backends: { stuck: { ok: false }, memory: { ok: true } } });
});

test('a client without backends closes at once', async () => {
  const { analytics } = rig({}, { backends: [] });
  analytics.record(skill('e1'));
  expect(await analytics.close()).toEqual({ ok: true, backends: {} });
});
