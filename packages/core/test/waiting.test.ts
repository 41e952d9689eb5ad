import { getEventListeners } from 'node:events';
import { pause, untilAborted } from '@toolweaver/analytics-core/backend';
import { describe, expect, test } from 'vitest';
import { testClock, turn } from './support/clock.ts';
import { noteUnhandled } from './support/unhandled.ts';

const listenersOf = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;
const reason = new Error('called off');

describe('a pause', () => {
  test('ends when its time is over, and lets the program exit before', async () => {
    const clock = testClock();
    const controller = new AbortController();
    let ended = false;
    const paused = pause(clock, 100, controller.signal).then(() => {
      ended = true;
    });
    expect(clock.timers).toEqual([{ dueInMs: 100, keepsAlive: false }]);
    await clock.advance(99);
    expect(ended).toBe(false);
    await clock.advance(1);
    await paused;
    expect(listenersOf(controller)).toBe(0);
  });

  test('keeps the program alive where it has to', () => {
    const clock = testClock();
    void pause(clock, 100, undefined, true);
    expect(clock.timers).toEqual([{ dueInMs: 100, keepsAlive: true }]);
  });

  test('ends as soon as it is called off, and leaves no timer', async () => {
    const clock = testClock();
    const controller = new AbortController();
    const paused = pause(clock, 100, controller.signal);
    controller.abort();
    await paused;
    await pause(clock, 100, controller.signal);
    expect([clock.timers, listenersOf(controller)]).toEqual([[], 0]);
  });
});

describe('work that can be called off', () => {
  test.each([
    ['without a signal', undefined],
    ['with one', new AbortController()],
  ])('settles as it does, %s', async (_, controller) => {
    expect(await untilAborted(Promise.resolve(7), controller?.signal)).toBe(7);
    await expect(untilAborted(Promise.reject(reason), controller?.signal)).rejects.toBe(reason);
    expect(controller === undefined ? 0 : listenersOf(controller)).toBe(0);
  });

  test.each(['before', 'meanwhile'])('ends with the reason of the signal that is aborted %s', async (when) => {
    const unhandled = noteUnhandled();
    const { promise: work, reject } = Promise.withResolvers<void>();
    const controller = new AbortController();
    if (when === 'before') {
      controller.abort(reason);
    }
    const ended = untilAborted(work, controller.signal);
    controller.abort(reason);
    await expect(ended).rejects.toBe(reason);
    expect(listenersOf(controller)).toBe(0);
    // Nobody hears of what becomes of the work.
    reject(new Error('too late'));
    await turn();
    expect(unhandled).toEqual([]);
  });
});
