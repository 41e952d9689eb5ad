import { expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { steadyClock } from '../src/index.ts';

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

test('all else of a steady clock is that of the given one, methods of a class included', () => {
  class Ticks {
    ticks = 7;
    now(): number {
      return this.ticks;
    }
    monotonic(): number {
      return this.ticks;
    }
    setTimeout(): { ticks: number } {
      return { ticks: this.ticks };
    }
    clearTimeout(): void {
      this.ticks = 0;
    }
  }
  const ticks = new Ticks();
  const clock = steadyClock(ticks);
  expect([clock.now(), clock.monotonic(), clock.setTimeout(() => {}, 1)]).toEqual([7, 7, { ticks: 7 }]);
  clock.clearTimeout({});
  expect(ticks.ticks).toBe(0);
});
