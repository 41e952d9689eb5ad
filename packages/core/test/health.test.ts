import { describe, expect, test } from 'vitest';
import { AnalyticsError, type Backend, memory } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { farSide, hanging } from './support/far-side.ts';
import { statsOf } from './support/ledger.ts';
import { oddThrown } from './support/odd.ts';
import { rig } from './support/rig.ts';

describe('a health check', () => {
  test('asks each backend for itself, and is healthy when all are', async () => {
    const { analytics } = rig({}, { backends: [memory({ name: 'a' }), memory({ name: 'b' })] });
    expect(await analytics.healthCheck()).toEqual({
      healthy: true,
      backends: { a: { healthy: true, latencyMs: 0 }, b: { healthy: true, latencyMs: 0 } },
    });
  });

  test('says which backend is not healthy, and why', async () => {
    const made = rig();
    made.side.check = () => Promise.reject(new AnalyticsError('BACKEND_UNAVAILABLE', 'connection refused'));
    expect(await made.analytics.healthCheck()).toEqual({
      healthy: false,
      backends: {
        far: {
          healthy: false,
          latencyMs: 0,
          error: expect.objectContaining({
            code: 'BACKEND_UNAVAILABLE',
            message: 'connection refused',
            backend: 'far',
          }),
        },
      },
    });
  });

  test.each(oddThrown)('never rejects, even when a probe throws %s', async (_, thrown) => {
    const made = rig();
    made.side.check = () => {
      throw thrown();
    };
    expect(await made.analytics.healthCheck()).toMatchObject({
      healthy: false,
      backends: { far: { error: { code: 'INTERNAL' } } },
    });
  });

  test('ends after five seconds by default, tells the probe, and measures how long it took', async () => {
    const made = rig();
    let given: AbortSignal | undefined;
    made.side.check = (signal: AbortSignal) => {
      given = signal;
      return hanging().answer();
    };
    const check = made.analytics.healthCheck();
    await made.clock.advance(4999);
    expect(given?.aborted).toBe(false);
    await made.clock.advance(1);
    expect(await check).toMatchObject({
      healthy: false,
      backends: { far: { latencyMs: 5000, error: { code: 'TIMEOUT', backend: 'far' } } },
    });
    expect(given?.aborted).toBe(true);
    const short = made.analytics.healthCheck({ timeoutMs: 20 });
    await made.clock.advance(20);
    expect(await short).toMatchObject({ backends: { far: { latencyMs: 20 } } });
  });

  test('probes all backends at the same time', async () => {
    const probed: string[] = [];
    const backend = (name: string): Backend => ({
      ...memory({ name }),
      check: () => {
        probed.push(name);
        return hanging().answer();
      },
    });
    const { analytics, clock } = rig({}, { backends: [backend('a'), backend('b')] });
    const check = analytics.healthCheck({ timeoutMs: 5 });
    expect(probed).toEqual(['a', 'b']);
    await clock.advance(5);
    expect((await check).healthy).toBe(false);
  });

  test('of no backends is healthy', async () => {
    const { analytics } = rig({}, { backends: [] });
    expect(await analytics.healthCheck()).toEqual({ healthy: true, backends: {} });
  });
});

describe('a write that does not end', () => {
  test.each([
    ['with a probe that succeeds', { check: async () => {} }],
    ['without a probe', {}],
  ])('is reported after a minute, and not healthy until it ends: %s', async (_, probe) => {
    const side = Object.assign(farSide(), probe);
    const slow = hanging();
    side.answer = slow.answer;
    const { analytics, clock, record, errors } = rig({}, { backends: [side] });
    record('e1');
    await clock.advance(1000);
    await clock.advance(59_999);
    expect([errors, (await analytics.healthCheck()).healthy]).toEqual([[], true]);
    await clock.advance(1);
    const message = 'far: a write has not ended for 60 s; 1 event waiting';
    expect(errors).toMatchObject([{ code: 'TIMEOUT', message }]);
    expect(await analytics.healthCheck()).toMatchObject({ healthy: false, backends: { far: { error: {} } } });
    slow.succeed();
    await turn();
    expect((await analytics.healthCheck()).healthy).toBe(true);
    expect(clock.timers).toEqual([]);
  });

  test('says nothing of one that was given up', async () => {
    const side = farSide();
    side.answer = hanging().answer;
    const { analytics, clock, record, errors } = rig({}, { backends: [side] });
    record('e1');
    const closing = analytics.close({ timeoutMs: 1000 });
    await clock.advance(1000);
    await closing;
    await clock.advance(120_000);
    expect(errors.filter(({ message }) => message.includes('has not ended'))).toEqual([]);
  });
});

test('a backend whose probe succeeds is not healthy while its deliveries fail, as where a disk is full', async () => {
  const side = Object.assign(farSide(), { check: async () => {} });
  side.answer = () => {
    throw new AnalyticsError('STORAGE_FULL', 'no room');
  };
  const { analytics, clock, record } = rig({}, { backends: [side] });
  record('e1');
  await clock.advance(20_000);
  expect(await analytics.healthCheck()).toMatchObject({
    healthy: false,
    backends: { far: { error: { message: 'far: the last delivery failed: no room' } } },
  });
  side.answer = () => {};
  record('e2');
  await clock.advance(30_000);
  expect((await analytics.healthCheck()).healthy).toBe(true);
});

describe('a backend without a probe is judged by its deliveries', () => {
  test('healthy before the first one, and while it stumbles', async () => {
    const { analytics, clock, record, side } = rig();
    expect((await analytics.healthCheck()).healthy).toBe(true);
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    record('e1');
    await clock.advance(1000);
    expect(statsOf(analytics).state).toBe('retrying');
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });

  test('not healthy while its breaker is open; healthy again after a delivery', async () => {
    const { analytics, clock, record, side } = rig();
    side.answer = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
    };
    record('e1');
    await clock.advance(20_000);
    expect(await analytics.healthCheck()).toMatchObject({
      healthy: false,
      backends: { far: { error: { code: 'BACKEND_UNAVAILABLE', message: 'far: the last delivery failed: down' } } },
    });
    side.answer = () => {};
    await clock.advance(30_000);
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });

  test('not healthy after it lost a batch for good, even without retries', async () => {
    const { analytics, record, side } = rig();
    side.answer = () => {
      throw new TypeError('broken');
    };
    record('e1');
    await analytics.flush();
    expect(await analytics.healthCheck()).toMatchObject({
      healthy: false,
      backends: { far: { error: { message: 'far: the last delivery failed: TypeError: broken' } } },
    });
    side.answer = () => {};
    record('e2');
    await analytics.flush();
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });

  test('healthy when only the events were bad', async () => {
    const { analytics, record, side } = rig();
    side.answer = () => {
      throw new AnalyticsError('EVENTS_REJECTED', 'bad');
    };
    record('e1');
    await analytics.flush();
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });

  test('an immediate one too', async () => {
    let broken = true;
    const backend: Backend = {
      name: 'counter',
      delivery: 'immediate',
      settings: {},
      write() {
        if (broken) {
          throw new Error('broken');
        }
      },
    };
    const { analytics, record } = rig({}, { backends: [backend] });
    record('e1');
    expect((await analytics.healthCheck()).healthy).toBe(false);
    broken = false;
    record('e2');
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });
});

test('a closed client is not healthy, and probes nothing', async () => {
  const made = rig();
  let probes = 0;
  made.side.check = async () => {
    probes += 1;
  };
  await made.analytics.close();
  expect(await made.analytics.healthCheck()).toMatchObject({
    healthy: false,
    backends: { far: { error: { code: 'CLOSED', message: 'far: the client is closed' } } },
  });
  expect(probes).toBe(0);
});
