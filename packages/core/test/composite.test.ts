import { describe, expect, test } from 'vitest';
import { AnalyticsError, type Backend, memory } from '../src/index.ts';
import { names, namesOf } from './support/events.ts';
import { farSide, hanging } from './support/far-side.ts';
import { dropsOf, expectBalanced, statsOf } from './support/ledger.ts';
import { rig } from './support/rig.ts';

const throwing: Backend = {
  name: 'throwing',
  delivery: 'immediate',
  settings: {},
  write() {
    throw new TypeError('broken');
  },
};

describe('a healthy backend', () => {
  const troubles: Record<string, () => Backend> = {
    'one that hangs'() {
      const side = farSide({ name: 'bad' });
      side.answer = hanging().answer;
      return side;
    },
    'one that is down'() {
      const side = farSide({ name: 'bad' });
      side.answer = () => {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
      };
      return side;
    },
    'one that rejects everything'() {
      const side = farSide({ name: 'bad' });
      side.answer = () => Promise.reject(new AnalyticsError('EVENTS_REJECTED', 'no'));
      return side;
    },
    'one that throws inside record()': () => ({ ...throwing, name: 'bad' }),
    'one whose own flush hangs': () => ({ ...memory({ name: 'bad' }), flush: hanging().answer }),
    'one whose close hangs': () => ({ ...memory({ name: 'bad' }), close: hanging().answer }),
  };

  test.each(Object.entries(troubles))('beside %s gets every event, without delay', async (_, make) => {
    for (const order of ['first', 'last']) {
      const healthy = farSide({ name: 'healthy', maxEvents: 4, maxDelayMs: 100 });
      const bad = make();
      const { clock, record, analytics } = rig({}, { backends: order === 'first' ? [bad, healthy] : [healthy, bad] });
      record(...names(10));
      await clock.advance(100);
      expect(namesOf(healthy.held)).toEqual(names(10));
      record('e11');
      await clock.advance(100);
      expect(namesOf(healthy.held)).toEqual(names(11));
      expect(dropsOf(analytics, 'healthy')).toEqual({});
      expectBalanced(analytics);
    }
  });

  test('has its own figures in a flush that another one holds up', async () => {
    const [slow, healthy] = [farSide({ name: 'slow' }), farSide({ name: 'healthy' })];
    const pace = hanging();
    slow.answer = pace.answer;
    const { analytics, clock, record } = rig({}, { backends: [slow, healthy, throwing] });
    record(...names(3));
    const flush = analytics.flush({ timeoutMs: 500 });
    await clock.advance(500);
    expect(await flush).toMatchObject({
      ok: false,
      backends: {
        slow: { ok: false, delivered: 0, queued: 3, error: { code: 'TIMEOUT', backend: 'slow' } },
        healthy: { ok: true, delivered: 3, queued: 0, error: undefined },
        throwing: { ok: false, delivered: 0, dropped: 3, queued: 0, error: { code: 'INTERNAL' } },
      },
    });
    pace.succeed();
    await clock.advance(0);
    expect(statsOf(analytics, 'slow')).toMatchObject({ delivered: 3, queued: 0 });
    expect(dropsOf(analytics, 'throwing')).toEqual({ send_failed: 3 });
  });

  test('gets the same event, with the same id, as the others', async () => {
    const [one, two] = [farSide({ name: 'one' }), farSide({ name: 'two' })];
    const { analytics, record } = rig({}, { backends: [one, two] });
    record(...names(3));
    await analytics.flush();
    expect(one.held.map(({ id }) => id)).toEqual(two.held.map(({ id }) => id));
    expect(new Set(one.held.map(({ id }) => id)).size).toBe(3);
  });
});

test('what is refused counts for every backend', () => {
  const { analytics } = rig({}, { backends: [memory({ name: 'a' }), throwing] });
  analytics.record({ type: 'nonsense' } as never);
  for (const name of ['a', 'throwing']) {
    expect(statsOf(analytics, name).accepted).toBe(1);
    expect(dropsOf(analytics, name)).toEqual({ invalid: 1 });
  }
});

test('no backend at all costs nothing and fails nothing', async () => {
  const { analytics, clock, errors, record } = rig({}, { backends: [] });
  record('e1');
  analytics.record(undefined as never);
  expect(analytics.stats()).toEqual({ backends: {} });
  expect(await analytics.flush()).toEqual({ ok: true, backends: {} });
  expect(await analytics.trackOperation('op', () => 'value')).toBe('value');
  expect(clock.timers).toEqual([]);
  expect(errors).toEqual([]);
});
