import { expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { steadyClock } from '../src/for-backends.ts';
import { createAnalytics, memory } from '../src/index.ts';
import { type TestClock, testClock } from './support/clock.ts';
import { noteUnhandled } from './support/unhandled.ts';

const end = Date.UTC(2100);

test.each([-1, end, Number.NaN, Number.POSITIVE_INFINITY, undefined, '0', new Date(0)])(
  'where the time is %s, a steady clock shows the last one',
  (odd) => {
    let time: unknown = 5;
    const { now } = steadyClock({ ...systemClock, now: () => time as number });
    expect(now()).toBe(5);
    time = odd;
    expect(now()).toBe(5);
    time = end - 1;
    expect(now()).toBe(end - 1);
    time = 0;
    expect(now()).toBe(0);
  },
);

test('a steady clock shows the time of the machine until the given one shows any', () => {
  const before = Date.now();
  const { now } = steadyClock({
    ...systemClock,
    now() {
      throw new Error('no clock');
    },
  });
  expect(now()).toBeGreaterThanOrEqual(before);
  expect(now()).toBeLessThanOrEqual(Date.now());
});

test('a time-out for ever is one on any clock', async () => {
  const warnings: string[] = [];
  const listen = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listen);
  const analytics = createAnalytics({
    clock: { ...systemClock, setTimeout: (callback, delayMs) => setTimeout(callback, delayMs) },
    backends: [
      {
        name: 'slow',
        delivery: { maxEvents: 10, maxDelayMs: Number.POSITIVE_INFINITY },
        settings: {},
        write: () => new Promise((resolve) => void setTimeout(resolve, 20)),
      },
    ],
  });
  analytics.recordSkillExecution({ skillId: 'a', success: true });
  expect(await analytics.close({ timeoutMs: Number.POSITIVE_INFINITY })).toMatchObject({ ok: true });
  await new Promise((resolve) => void setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});

test('the monotonic time of a steady clock stands still where the given one fails', () => {
  let read = (): number => 5;
  const { monotonic } = steadyClock({ ...systemClock, monotonic: () => read() });
  expect(monotonic()).toBe(5);
  for (const odd of [Number.NaN, undefined as never, '7' as never, Promise.resolve(8) as never]) {
    read = () => odd;
    expect(monotonic()).toBe(5);
  }
  read = () => {
    throw new Error('no clock');
  };
  expect(monotonic()).toBe(5);
  read = () => 9;
  expect(monotonic()).toBe(9);
  expect(steadyClock({ ...systemClock, monotonic: () => Number.NaN }).monotonic()).toBe(0);
});

test('all else of a steady clock is that of the given one, with its methods as of a class', async () => {
  const clock = testClock();
  class Given {
    readonly #clock = clock;
    now(): number {
      return this.#clock.now();
    }
    monotonic(): number {
      return this.#clock.monotonic();
    }
    setTimeout(callback: () => void, delayMs: number): ReturnType<TestClock['setTimeout']> {
      return this.#clock.setTimeout(callback, delayMs);
    }
    clearTimeout(timer: unknown): void {
      this.#clock.clearTimeout(timer);
    }
  }
  const steady = steadyClock(new Given());
  const fired: string[] = [];
  steady.setTimeout(() => fired.push('kept'), 5);
  steady.clearTimeout(steady.setTimeout(() => fired.push('cleared'), 5));
  await clock.advance(5);
  expect({ fired, now: steady.now(), monotonic: steady.monotonic() }).toEqual({
    fired: ['kept'],
    now: clock.now(),
    monotonic: 5,
  });
});

function thrower(): never {
  throw new Error('no timers');
}

test.each([
  ['throws', thrower, thrower],
  ['gives nothing', () => {}, () => {}],
])('a clock that sets no timer, as it %s, costs neither an event nor its caller', async (_, set, clear) => {
  const clock = { ...systemClock, setTimeout: set as never, clearTimeout: clear };
  const unhandled = noteUnhandled();
  const store = memory();
  const analytics = createAnalytics({ backends: [store], clock });
  analytics.recordToolInvocation({ toolName: 'search', success: true });
  expect(await analytics.healthCheck({ timeoutMs: 600_000 })).toMatchObject({ healthy: true });
  expect(await analytics.flush({ timeoutMs: 600_000 })).toMatchObject({ ok: true });
  expect(store.events).toHaveLength(1);
  expect(await analytics.close({ timeoutMs: 600_000 })).toMatchObject({ ok: true });
  await new Promise(setImmediate);
  expect(unhandled).toEqual([]);
});

test('a timer of the machine, set where the given clock could not, is taken back by the machine', async () => {
  const { setTimeout: set, clearTimeout: clear } = steadyClock({
    ...systemClock,
    setTimeout: thrower,
    clearTimeout: thrower,
  });
  const fired: string[] = [];
  clear(set(() => fired.push('cleared'), 0));
  await new Promise<void>((resolve) => set(resolve, 1));
  expect(fired).toEqual([]);
});
