import { describe, expect, test } from 'vitest';
import { liveBytes } from '../../../test/support/memory.ts';
import { type Analytics, AnalyticsError, type AnalyticsEvent, type Backend } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { names, namesOf } from './support/events.ts';
import { dropsOf, expectBalanced, statsOf } from './support/ledger.ts';
import { oddThrown } from './support/odd.ts';
import { type Rig, rig } from './support/rig.ts';

/** A client in front of a backend that is called inside `record()`. */
function immediate(
  write: (events: readonly AnalyticsEvent[]) => unknown,
  options: Parameters<typeof rig>[1] = {},
): Rig {
  const backend: Backend = { name: 'far', delivery: 'immediate', settings: {}, write: write as Backend['write'] };
  return rig({}, { backends: [backend], ...options });
}

describe('a backend that only counts', () => {
  test('is given each event by itself, inside record()', () => {
    const batches: string[][] = [];
    const { analytics, record } = immediate((events) => {
      batches.push(namesOf(events));
    });
    record('e1', 'e2');
    expect(batches).toEqual([['e1'], ['e2']]);
    expect(statsOf(analytics)).toMatchObject({ accepted: 2, delivered: 2, queued: 0, queuedBytes: 0, state: 'ok' });
  });

  test('that throws loses that event, and the host does not notice', () => {
    const { analytics, record, errors } = immediate((events) => {
      if (namesOf(events).includes('e2')) {
        throw new TypeError('broken');
      }
    });
    record(...names(3));
    expect(statsOf(analytics).delivered).toBe(2);
    expect(dropsOf(analytics)).toEqual({ send_failed: 1 });
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'EVENTS_DROPPED: far: lost 1 event (send_failed): TypeError: broken',
    ]);
  });

  test.each(oddThrown)('may throw %s', (_, thrown) => {
    const { analytics, record } = immediate(() => {
      throw thrown();
    });
    record('e1');
    expect(dropsOf(analytics)).toEqual({ send_failed: 1 });
  });

  test.each([
    ['EVENTS_REJECTED', 'rejected'],
    ['TOO_LARGE', 'too_large'],
    ['STORAGE_FULL', 'storage_full'],
    ['BACKEND_UNAVAILABLE', 'send_failed'],
  ] as const)('%s counts as %s, without a retry', async (code, reason) => {
    const { analytics, clock, record } = immediate(() => {
      throw new AnalyticsError(code, 'no');
    });
    record('e1');
    await clock.advance(60_000);
    expect(dropsOf(analytics)).toEqual({ [reason]: 1 });
    expect(statsOf(analytics).retries).toBe(0);
  });

  test('keeps the ledger exact even while it is being called', () => {
    const seen: unknown[] = [];
    const made: { analytics?: Analytics } = {};
    const { analytics, record } = immediate(() => {
      expectBalanced(made.analytics as Analytics);
      const { accepted, delivered, queued } = statsOf(made.analytics as Analytics);
      seen.push([accepted, delivered, queued]);
    });
    made.analytics = analytics;
    record('e1', 'e2');
    expect(seen).toEqual([
      [1, 0, 1],
      [2, 1, 1],
    ]);
  });

  test('may record by itself', () => {
    const written: string[] = [];
    const { analytics, record } = immediate((events) => {
      written.push(...namesOf(events));
      if (written.length === 1) {
        record('inner');
      }
    });
    record('outer');
    expect(written).toEqual(['outer', 'inner']);
    expect(statsOf(analytics)).toMatchObject({ accepted: 2, delivered: 2 });
  });
});

describe('one that returns a promise all the same', () => {
  function deferred(options: Parameters<typeof rig>[1] = {}): Rig & { readonly ends: PromiseWithResolvers<void>[] } {
    const ends: PromiseWithResolvers<void>[] = [];
    const made = immediate(() => {
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    }, options);
    return { ...made, ends };
  }

  test('is held to what the promise says', async () => {
    const { analytics, ends, record } = deferred();
    record(...names(3));
    expect(statsOf(analytics)).toMatchObject({ accepted: 3, queued: 3, delivered: 0 });
    ends[0]?.resolve();
    ends[1]?.reject(new Error('x'));
    await turn();
    expect(statsOf(analytics)).toMatchObject({ queued: 1, delivered: 1, dropped: { send_failed: 1 } });
    ends[2]?.resolve();
    await turn();
    expect(statsOf(analytics)).toMatchObject({ queued: 0, delivered: 2 });
  });

  test('is waited for by flush, within its time', async () => {
    const { analytics, clock, ends, record } = deferred();
    record('e1');
    const flush = analytics.flush({ timeoutMs: 50 });
    await clock.advance(50);
    expect(await flush).toMatchObject({
      ok: false,
      backends: { far: { queued: 1, error: { code: 'TIMEOUT', backend: 'far' } } },
    });
    ends[0]?.resolve();
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { queued: 0 } } });
    expect(statsOf(analytics).delivered).toBe(1);
  });

  test('is given up by close, and not counted twice when it settles later', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const { analytics, clock, ends, record } = deferred();
      record('e1', 'e2');
      const close = analytics.close({ timeoutMs: 10 });
      await clock.advance(10);
      expect(await close).toMatchObject({ ok: false, backends: { far: { dropped: 2, queued: 0 } } });
      ends[0]?.[end](new Error('late') as never);
      await turn();
      expect(statsOf(analytics)).toMatchObject({ delivered: 0, queued: 0, dropped: { shutdown_timeout: 2 } });
      expectBalanced(analytics);
    }
  });

  test('has no more under way than the queue may hold', async () => {
    const { analytics, ends, record, errors } = deferred({ maxQueueEvents: 2 });
    record(...names(5));
    expect(statsOf(analytics)).toMatchObject({ accepted: 5, queued: 2 });
    expect(dropsOf(analytics)).toEqual({ queue_full: 3 });
    expect(errors[0]?.message).toContain('at most 2 writes may be under way');
    ends[0]?.resolve();
    await turn();
    record('e6');
    expect(ends).toHaveLength(3);
  });

  test('leaves nothing behind when its writes have ended', async () => {
    const { analytics, record } = immediate(() => Promise.resolve());
    await turn();
    const before = liveBytes();
    for (let round = 0; round < 20; round += 1) {
      record(...Array.from({ length: 1000 }, () => 'e'));
      await turn();
    }
    expect(statsOf(analytics).delivered).toBe(20_000);
    expect(liveBytes() - before).toBeLessThan(1_000_000);
  });

  test('may return the same promise for several events', async () => {
    const end = Promise.withResolvers<void>();
    const { analytics, record } = immediate(() => end.promise);
    record('e1', 'e2', 'e3');
    expectBalanced(analytics);
    expect(statsOf(analytics).queued).toBe(3);
    end.resolve();
    await turn();
    expect(statsOf(analytics)).toMatchObject({ delivered: 3, queued: 0 });
  });

  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    then(resolve: () => void, reject: (error: unknown) => void) {
      resolve();
      resolve();
      reject(new Error('x'));
    },
  };
  const notCallable = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    then: 5,
  };
  const throwing = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    get then(): never {
      throw new Error('getter');
    },
  };
  test.each([
    ['that settles several times', twice, { delivered: 1, dropped: { send_failed: 0 } }],
    ['whose then is no function', notCallable, { delivered: 1, dropped: { send_failed: 0 } }],
    ['whose then cannot be read', throwing, { delivered: 0, dropped: { send_failed: 1 } }],
  ])('or something like a promise, %s', async (_, returned, expected) => {
    const { analytics, record } = immediate(() => returned);
    record('e1');
    expectBalanced(analytics);
    await turn();
    expectBalanced(analytics);
    expect(statsOf(analytics)).toMatchObject({ accepted: 1, queued: 0, ...expected });
  });
});
