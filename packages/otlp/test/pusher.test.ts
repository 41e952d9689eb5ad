import { AnalyticsError } from '@toolweaver/analytics-core';
import { fakeClock } from '@toolweaver/analytics-testkit';
import { expect, test, vi } from 'vitest';
import type { Manner } from '../src/metrics-exporter.ts';
import { createPusher } from '../src/pusher.ts';

test('a push at an interval that is called off for another is no failure', async () => {
  const clock = fakeClock();
  const waitedFor = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  let calledOff = 0;
  const pusher = createPusher({
    intervalMs: 1000,
    clock,
    random: () => 0.5,
    push: ({ background }, signal) =>
      background === true
        ? new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              calledOff += 1;
              reject(signal.reason);
            });
          })
        : waitedFor.promise,
    onFailure: (error) => void failures.push(error),
  });
  await clock.advance(500);
  const pushed = pusher.push(new AbortController().signal);
  await clock.advance(0);
  expect({ calledOff, failures }).toEqual({ calledOff: 1, failures: [] });
  waitedFor.resolve();
  await pushed;
  await pusher.close();
});

/** A pusher at intervals of a second, the first after half of one, whose pushes end as the test says. */
function pusherOfTest() {
  const clock = fakeClock();
  const pushes: { succeed(): void; fail(reason: unknown): void; signal: AbortSignal; manner: Manner }[] = [];
  const pusher = createPusher({
    intervalMs: 1000,
    clock,
    random: () => 0.5,
    push(manner, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => reject(signal.reason));
      pushes.push({ succeed: resolve, fail: reject, signal, manner });
      return promise;
    },
    onFailure() {},
  });
  return { clock, pushes, pusher };
}

test('a check pushes what failed to arrive, and nothing after a push that succeeded', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  const { signal } = new AbortController();
  const reason = new Error('away');
  await pusher.check(signal);
  await clock.advance(500);
  pushes[0]?.fail(reason);
  await clock.advance(0);
  const first = pusher.check(signal).catch((thrown: unknown) => thrown);
  await clock.advance(0);
  pushes[1]?.fail(reason);
  expect(await first).toBe(reason);
  const second = pusher.check(signal);
  await clock.advance(0);
  expect(pushes[2]?.manner).toEqual({ maxAttempts: 1 });
  pushes[2]?.succeed();
  await second;
  await pusher.check(signal);
  expect(pushes).toHaveLength(3);
  await pusher.close();
});

test('a check lets a receiver rest that asked for it', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  const { signal } = new AbortController();
  const reason = new AnalyticsError('BACKEND_UNAVAILABLE', 'busy', { retryAfterMs: 5000 });
  await clock.advance(500);
  pushes[0]?.fail(reason);
  await clock.advance(4999);
  await expect(pusher.check(signal)).rejects.toBe(reason);
  expect(pushes).toHaveLength(1);
  await clock.advance(1);
  pushes[1]?.succeed();
  await clock.advance(0);
  await pusher.check(signal);
  expect(pushes).toHaveLength(2);
  await pusher.close();
});

test('what is counted during a push is not taken for pushed: close pushes it', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  pusher.changed();
  await clock.advance(500);
  pusher.changed();
  pushes[0]?.succeed();
  await clock.advance(0);
  const closed = pusher.close();
  await clock.advance(0);
  expect(pushes).toHaveLength(2);
  pushes[1]?.succeed();
  await closed;
});

test('the time that a push took is part of the interval', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  await clock.advance(500);
  await clock.advance(400);
  pushes[0]?.succeed();
  await clock.advance(599);
  expect(pushes).toHaveLength(1);
  await clock.advance(1);
  expect(pushes).toHaveLength(2);
  pushes[1]?.succeed();
  await pusher.close();
});

test('close waits for no push at an interval, and leaves no timer', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  await clock.advance(500);
  await pusher.close();
  await clock.advance(0);
  expect({ calledOff: pushes[0]?.signal.aborted, timers: clock.timers }).toEqual({ calledOff: true, timers: 0 });
  const idle = pusherOfTest();
  await idle.pusher.close();
  expect(idle.clock.timers).toBe(0);
});

test('the last push has little time where the one before has failed, and else as long as any', async () => {
  const quiet = pusherOfTest();
  quiet.pusher.changed();
  const closed = quiet.pusher.close();
  await quiet.clock.advance(0);

  const failing = pusherOfTest();
  failing.pusher.changed();
  await failing.clock.advance(500);
  failing.pushes[0]?.fail(new Error('away'));
  await failing.clock.advance(0);
  // Nobody answers this one, and it began later.
  await failing.pusher.close();
  expect([failing, quiet].map(({ pushes }) => pushes.at(-1)?.signal.aborted)).toEqual([true, false]);
  quiet.pushes[0]?.succeed();
  await closed;
});

test('a receiver is granted the rest that it asks for', async () => {
  const { clock, pushes, pusher } = pusherOfTest();
  await clock.advance(500);
  pushes[0]?.fail(Object.assign(new Error('busy'), { retryAfterMs: 300_000 }));
  await clock.advance(299_999);
  expect(pushes).toHaveLength(1);
  await clock.advance(1);
  expect(pushes).toHaveLength(2);
  pushes[1]?.succeed();
  await pusher.close();
});

test('a push that was given up before its turn is not begun', async () => {
  const { pushes, pusher } = pusherOfTest();
  const first = pusher.push(new AbortController().signal);
  const controller = new AbortController();
  const second = pusher.push(controller.signal);
  const given = new Error('given up');
  controller.abort(given);
  await expect.poll(() => pushes).toHaveLength(1);
  pushes[0]?.succeed();
  await first;
  await expect(second).rejects.toBe(given);
  expect(pushes).toHaveLength(1);
});

test('the timer of an interval keeps no process alive', () => {
  const unref = vi.fn();
  createPusher({
    intervalMs: 1000,
    clock: { ...fakeClock(), setTimeout: () => ({ unref }) },
    random: () => 0.5,
    push: async () => {},
    onFailure() {},
  });
  expect(unref).toHaveBeenCalledOnce();
});
