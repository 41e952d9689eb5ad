import { describe, expect, test } from 'vitest';
import { AnalyticsError, type AnalyticsErrorOptions, type ErrorCode } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { names, namesOf, skill } from './support/events.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { oddThrown } from './support/odd.ts';
import { type Rig, rig } from './support/rig.ts';

function failing(code: ErrorCode = 'BACKEND_UNAVAILABLE', options?: AnalyticsErrorOptions): () => never {
  return () => {
    throw new AnalyticsError(code, 'no', options);
  };
}

function thrower(): never {
  throw new Error('no entropy');
}

/** Lets every retry happen, and returns how long the client waited before each. */
async function delaysOf({ clock, side }: Rig, count: number): Promise<number[]> {
  const delays: number[] = [];
  await turn();
  for (let at = 0; at < count; at += 1) {
    const tried = side.tried.length;
    const [timer] = clock.timers;
    if (timer === undefined) {
      break;
    }
    await clock.advance(timer.dueInMs);
    expect(side.tried.length).toBe(tried + 1);
    delays.push(timer.dueInMs);
  }
  return delays;
}

/** A client whose first batch of one event was just refused by a far side that goes on refusing. */
async function refused(answer: () => never, options: Parameters<typeof rig>[1] = {}): Promise<Rig> {
  const made = rig({ maxEvents: 1 }, options);
  made.side.answer = answer;
  made.record('e1');
  await made.clock.advance(0);
  expect(made.side.tried).toHaveLength(1);
  return made;
}

describe('retries', () => {
  test('send the same batch again, in order, until the far side takes it', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 3 });
    side.answer = failing();
    record(...names(5));
    await clock.advance(0);
    record(...names(5, 6));
    await clock.advance(1000);
    side.answer = () => {};
    await clock.advance(30_000);
    expect(namesOf(side.held)).toEqual(names(10));
    expect(side.tried.slice(0, -3).every((batch) => namesOf(batch).join() === 'e1,e2,e3')).toBe(true);
    expect(statsOf(analytics)).toMatchObject({ delivered: 10, queued: 0, state: 'ok' });
    expect(statsOf(analytics).retries).toBe(side.tried.length - 4);
  });

  test('wait twice as long each time, up to 30 s, and a random share of that', async () => {
    const low = await delaysOf(await refused(failing(), { random: () => 0.01 }), 9);
    const half = await delaysOf(await refused(failing(), { random: () => 0.5 }), 9);
    const most = await delaysOf(await refused(failing(), { random: () => 0.999_999 }), 9);
    const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    expect(low).toEqual(bounds.map((bound) => bound / 100));
    expect(half).toEqual(bounds.map((bound) => bound / 2));
    expect(most.map(Math.round)).toEqual(bounds);
  });

  test.each([() => Number.NaN, () => 1, () => -0.1, () => 'x' as never, thrower])(
    'wait by the chance of the machine where that of the user is broken',
    async (random) => {
      const delays = await delaysOf(await refused(failing(), { random }), 9);
      expect(delays).toHaveLength(9);
      expect(delays.every((delay, at) => delay >= 0 && delay <= Math.min(30_000, 500 * 2 ** at))).toBe(true);
      expect(new Set(delays).size).toBe(9);
    },
  );

  test('have bounds of the user', async () => {
    const retry = { minDelayMs: 10, maxDelayMs: 25, maxAttempts: 5 };
    expect(await delaysOf(await refused(failing(), { random: () => 0.999_999_9, retry }), 9)).toEqual(
      [10, 20, 25, 25].map((bound) => expect.closeTo(bound, 3)),
    );
  });

  test.each([() => Number.NaN, () => 7, () => -1, failing('INTERNAL')])(
    'survive a source of chance that is broken',
    async (random) => {
      const made = await refused(failing(), { random });
      const [timer] = made.clock.timers;
      expect(timer?.dueInMs).toBeGreaterThanOrEqual(0);
      expect(timer?.dueInMs).toBeLessThanOrEqual(500);
      made.side.answer = () => {};
      await made.clock.advance(500);
      expect(made.side.held).toHaveLength(1);
    },
  );

  test('give a batch up after maxAttempts deliveries, and go on with the next', async () => {
    const { analytics, clock, record, side, errors } = rig({ maxEvents: 2 }, { retry: { maxAttempts: 3 } });
    side.answer = (batch) => {
      if (namesOf(batch).includes('e1')) {
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
      }
    };
    record(...names(4));
    await clock.advance(60_000);
    expect(side.tried.map(namesOf)).toEqual([
      ['e1', 'e2'],
      ['e1', 'e2'],
      ['e1', 'e2'],
      ['e3', 'e4'],
    ]);
    expect(dropsOf(analytics)).toEqual({ send_failed: 2 });
    expect(statsOf(analytics)).toMatchObject({ delivered: 2, retries: 2, state: 'ok' });
    expect(errors.map(({ message }) => message)).toContain('far: lost 2 events (send_failed): down');
  });

  test('by default give up after a thousand, which takes hours', async () => {
    const made = await refused(failing());
    const delays = await delaysOf(made, 1010);
    expect(made.side.tried).toHaveLength(1000);
    expect(dropsOf(made.analytics)).toEqual({ send_failed: 1 });
    expect(delays.reduce((sum, delay) => sum + delay)).toBeGreaterThan(4 * 3600 * 1000);
  });

  test('a single attempt means none', async () => {
    const made = await refused(failing(), { retry: { maxAttempts: 1 } });
    expect(dropsOf(made.analytics)).toEqual({ send_failed: 1 });
    expect(statsOf(made.analytics).retries).toBe(0);
  });

  test('start anew with each batch: a success in between resets the count and the delay', async () => {
    const made = await refused(failing());
    await delaysOf(made, 4);
    made.side.answer = () => {};
    await made.clock.advance(30_000);
    made.side.answer = failing();
    made.record('e2');
    await made.clock.advance(0);
    expect(await delaysOf(made, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  test('leave the next batches small at first, and let them grow to full size', async () => {
    const { clock, record, side } = rig({ maxEvents: 10 });
    let failures = 1;
    side.answer = () => {
      if (failures > 0) {
        failures -= 1;
        throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
      }
    };
    record('e1');
    await clock.advance(1000);
    record(...names(40, 2));
    await clock.advance(2000);
    expect(side.tried.map((batch) => batch.length)).toEqual([1, 1, 2, 4, 8, 10, 10, 6]);
  });

  test('while storage is full wait at most 5 s', async () => {
    const delays = await delaysOf(await refused(failing('STORAGE_FULL'), { random: () => 0.999_999_9 }), 9);
    expect(delays.map(Math.round)).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000]);
  });

  test('given up while storage is full count as storage_full', async () => {
    const made = await refused(failing('STORAGE_FULL'), { retry: { maxAttempts: 2 } });
    await delaysOf(made, 3);
    expect(dropsOf(made.analytics)).toEqual({ storage_full: 1 });
  });
});

describe("the far side's wish when to be tried again", () => {
  test.each([
    [0, 250],
    [100, 350],
    [7000, 7250],
    [9_999_999_999, 300_250],
    [Number.POSITIVE_INFINITY, 300_250],
    [-5, 250],
    [Number.NaN, 250],
    ['garbage' as never, 250],
    [null as never, 250],
  ])('%s ms means waiting %d ms', async (retryAfterMs, expected) => {
    const made = await refused(failing('BACKEND_UNAVAILABLE', { retryAfterMs }));
    expect(await delaysOf(made, 1)).toEqual([expected]);
  });
});

describe('what is retried', () => {
  const retried: readonly ErrorCode[] = ['BACKEND_UNAVAILABLE', 'STORAGE_FULL'];
  const lost: Record<string, string> = {
    INVALID_CONFIG: 'send_failed',
    UNSUPPORTED: 'send_failed',
    INVALID_EVENT: 'send_failed',
    EVENTS_REJECTED: 'rejected',
    TOO_LARGE: 'too_large',
    TIMEOUT: 'send_failed',
    EVENTS_DROPPED: 'send_failed',
    CLOSED: 'send_failed',
    INTERNAL: 'send_failed',
  };

  test.each(retried)('%s is', async (code) => {
    const made = await refused(failing(code));
    expect(dropsOf(made.analytics)).toEqual({});
    expect(statsOf(made.analytics)).toMatchObject({ queued: 1, retries: 1, state: 'retrying' });
  });

  test.each(Object.entries(lost))('%s is not: it counts as %s', async (code, reason) => {
    const made = await refused(failing(code as ErrorCode));
    await made.clock.advance(60_000);
    expect(made.side.tried).toHaveLength(1);
    expect(dropsOf(made.analytics)).toEqual({ [reason]: 1 });
    expect(statsOf(made.analytics)).toMatchObject({ queued: 0, retries: 0 });
  });

  test.each(oddThrown)('%s, thrown by a backend, is not', async (_, thrown) => {
    const made = await refused(() => {
      throw thrown();
    });
    expect(dropsOf(made.analytics)).toEqual({ send_failed: 1 });
    expect(made.errors.map(({ code, backend }) => ({ code, backend }))).toEqual([
      { code: 'EVENTS_DROPPED', backend: 'far' },
    ]);
  });
});

describe('a poison event', () => {
  const rejecting =
    (poison: readonly string[], code: ErrorCode = 'EVENTS_REJECTED') =>
    (batch: Parameters<Rig['side']['answer']>[0]): void => {
      if (namesOf(batch).some((name) => poison.includes(name))) {
        throw new AnalyticsError(code, 'bad event');
      }
    };

  test.each([
    ['first', ['e1']],
    ['last', ['e16']],
    ['in the middle', ['e7']],
    ['twice', ['e3', 'e12']],
    ['side by side', ['e8', 'e9']],
    ['alone', names(16)],
  ])('%s is found by halving; all others are delivered in order', async (_, poison) => {
    const { analytics, clock, record, side } = rig({ maxEvents: 16 });
    side.answer = rejecting(poison);
    record(...names(16));
    await clock.advance(0);
    expect(namesOf(side.held)).toEqual(names(16).filter((name) => !poison.includes(name)));
    expect(dropsOf(analytics)).toEqual({ rejected: poison.length });
    expect(statsOf(analytics)).toMatchObject({ queued: 0, retries: 0, state: 'ok' });
  });

  test('costs few deliveries: about two for each halving', async () => {
    const { clock, record, side } = rig({ maxEvents: 1024 });
    side.answer = rejecting(['e700']);
    record(...names(1024));
    await clock.advance(0);
    expect(side.held).toHaveLength(1023);
    expect(side.tried.length).toBeLessThan(30);
  });

  test('that is one of many costs about one delivery', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 1000 });
    side.answer = failing('EVENTS_REJECTED');
    record(...names(1000));
    await clock.advance(0);
    expect(dropsOf(analytics)).toEqual({ rejected: 1000 });
    expect(side.tried.length).toBeLessThan(1100);
  });

  test('that makes a batch too large counts as too_large', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 8 });
    side.answer = (batch) => {
      if (batch.length > 2 || namesOf(batch).includes('e5')) {
        throw new AnalyticsError('TOO_LARGE', 'too large');
      }
    };
    record(...names(8));
    await clock.advance(0);
    expect(namesOf(side.held)).toEqual(names(8).filter((name) => name !== 'e5'));
    expect(dropsOf(analytics)).toEqual({ too_large: 1 });
  });

  test('is found across an outage, and a half has all of its attempts', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 4 }, { retry: { maxAttempts: 3 } });
    const answers: (ErrorCode | undefined)[] = [
      'BACKEND_UNAVAILABLE',
      'BACKEND_UNAVAILABLE',
      'EVENTS_REJECTED',
      'BACKEND_UNAVAILABLE',
      'BACKEND_UNAVAILABLE',
      undefined,
      'EVENTS_REJECTED',
      'EVENTS_REJECTED',
    ];
    side.answer = () => {
      const code = answers.shift();
      if (code !== undefined) {
        throw new AnalyticsError(code, 'no');
      }
    };
    record(...names(4));
    await clock.advance(120_000);
    expect(namesOf(side.held)).toEqual(['e1', 'e2', 'e4']);
    expect(dropsOf(analytics)).toEqual({ rejected: 1 });
  });
});

describe('the breaker', () => {
  test('opens after five failures in a row, and closes by itself when the far side recovers', async () => {
    const made = await refused(failing());
    const states = [statsOf(made.analytics).state];
    for (let at = 0; at < 5; at += 1) {
      await delaysOf(made, 1);
      states.push(statsOf(made.analytics).state);
    }
    expect(states).toEqual(['retrying', 'retrying', 'retrying', 'retrying', 'open', 'open']);
    made.side.answer = () => {};
    await made.clock.advance(30_000);
    expect(statsOf(made.analytics)).toMatchObject({ state: 'ok', delivered: 1, queued: 0 });
  });

  test('stays open from one given-up batch to the next', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 1 }, { retry: { maxAttempts: 6 } });
    side.answer = failing();
    record('e1', 'e2');
    await clock.advance(200_000);
    expect(dropsOf(analytics)).toEqual({ send_failed: 2 });
    expect(statsOf(analytics).state).toBe('open');
    side.answer = () => {};
    record('e3');
    await clock.advance(1000);
    expect(statsOf(analytics)).toMatchObject({ state: 'ok', delivered: 1 });
  });

  test('closes when the far side answers, even if it refuses the events', async () => {
    const made = await refused(failing());
    await delaysOf(made, 5);
    expect(statsOf(made.analytics).state).toBe('open');
    made.side.answer = failing('EVENTS_REJECTED');
    await made.clock.advance(30_000);
    expect(statsOf(made.analytics)).toMatchObject({ state: 'ok', queued: 0 });
  });

  test('does not keep the process alive while it waits', async () => {
    const made = await refused(failing());
    expect(made.clock.timers.every(({ keepsAlive }) => !keepsAlive)).toBe(true);
    made.analytics.record(skill('e2'));
    expect(made.clock.timers.every(({ keepsAlive }) => !keepsAlive)).toBe(true);
  });
});
