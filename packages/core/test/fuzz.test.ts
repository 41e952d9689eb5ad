import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AnalyticsEvent, createAnalytics, memory } from '../src/index.ts';
import { calls, value } from './support/calls.ts';
import { turn } from './support/clock.ts';
import { isValid } from './support/valid.ts';

// Any value of JavaScript through every method that a host calls: nothing may throw, reject, or go uncounted.

const seed = 20_260_101;
const valuesWanted = process.env['RELIABILITY'] === 'full' ? 100_000 : 10_000;

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
const shared = [Object, Array, Function, Promise, String, Map, Error].map(({ prototype }) => prototype as object);
const before = shared.map(shapeOf);

function shapeOf(prototype: object): unknown[] {
  return Reflect.ownKeys(prototype).map((key) => [key, Reflect.getOwnPropertyDescriptor(prototype, key)?.value]);
}

beforeAll(() => {
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
});

test(`${valuesWanted} values, seed ${seed}`, { timeout: 60_000 }, async () => {
  const written: AnalyticsEvent[] = [];
  const wrong: unknown[] = [];
  const take = (events: readonly AnalyticsEvent[]): void => {
    for (const event of events) {
      if (!isValid(event)) {
        wrong.push(event);
      }
    }
    written.push(...events);
  };
  const analytics = createAnalytics({
    backends: [
      {
        name: 'queued',
        delivery: { maxEvents: 100, maxDelayMs: 5 },
        settings: {},
        write: async (events) => take(events),
      },
      { name: 'immediate', delivery: 'immediate', settings: {}, write: take },
      memory({ maxEvents: 10 }),
    ],
    onError() {
      throw new Error('from onError');
    },
  });
  let values = 0;
  let expected = 0;
  const pending: Promise<unknown>[] = [];

  function exact(): boolean {
    return Object.values(analytics.stats().backends).every(({ accepted, delivered, queued, dropped }) => {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return accepted === expected && accepted === delivered + queued + lost;
    });
  }

  const runs = valuesWanted / 2;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(calls)), value, value, async (name, one, two) => {
      values += 2;
      expected += calls[name]?.(analytics, one() as never, two() as never, pending) ?? 0;
      if (name.startsWith('track') || pending.length > 50) {
        await Promise.all(pending.splice(0));
      }
      if (!exact()) {
        throw new Error(`the ledger is wrong after ${name}: ${JSON.stringify(analytics.stats())}`);
      }
    }),
    { seed, numRuns: runs },
  );
  await Promise.all(pending);
  const report = await analytics.close();
  await turn();

  expect(values).toBe(valuesWanted);
  expect(wrong).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(shared.map(shapeOf)).toEqual(before);
  expect('polluted' in {}).toBe(false);
  expect(exact()).toBe(true);
  expect(report).toMatchObject({ ok: true, backends: { queued: { queued: 0 }, immediate: { queued: 0 } } });
  // Enough of it got through to matter, and enough did not.
  const { accepted, delivered, dropped } = analytics.stats().backends['queued'] ?? {};
  expect(written.length).toBe(2 * (delivered ?? 0));
  expect(delivered).toBeGreaterThan(valuesWanted * 0.05);
  expect(dropped?.invalid).toBeGreaterThan(valuesWanted * 0.1);
  expect(accepted).toBeGreaterThan(valuesWanted * 0.4);
});
