import { fakeClock } from '@toolweaver/analytics-testkit';
import { expect, test } from 'vitest';
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
  expect({ calledOff, failure: pusher.failure, failures }).toEqual({ calledOff: 1, failure: undefined, failures: [] });
  waitedFor.resolve();
  await pushed;
  await pusher.close();
});
