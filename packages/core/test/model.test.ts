import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Analytics, createAnalytics } from '../src/index.ts';
import { type TestClock, testClock, turn } from './support/clock.ts';
import { namesOf, skill } from './support/events.ts';
import { type FarSide, farSide } from './support/far-side.ts';
import { dropsOf, expectBalanced, statsOf } from './support/ledger.ts';
import { type Model, type Mood, modelOf } from './support/model.ts';

// Random walks through the life of a client; after every step its ledger must be that of the model.

const limits = { maxEvents: 4, maxQueueEvents: 12, maxAttempts: 4 };
const moods: readonly Mood[] = [
  'well',
  'hangs',
  'picky',
  'BACKEND_UNAVAILABLE',
  'STORAGE_FULL',
  'EVENTS_REJECTED',
  'TOO_LARGE',
  'INTERNAL',
];

type Step =
  | readonly ['record', count: number]
  | readonly ['record wrong']
  | readonly ['advance', ms: number]
  | readonly ['mood', mood: Mood]
  | readonly ['release', mood: Mood]
  | readonly ['flush', timeoutMs: number]
  | readonly ['close', timeoutMs: number];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('record' as const), fc.integer({ min: 1, max: 7 })) },
  { weight: 1, arbitrary: fc.constant(['record wrong'] as const) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('advance' as const), fc.constantFrom(0, 1, 90, 100, 500, 5000, 30_000)),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('mood' as const), fc.constantFrom(...moods)) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constant('release' as const), fc.constantFrom(...moods.filter((mood) => mood !== 'hangs'))),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('flush' as const), fc.constantFrom(0, 50, 1000, 10_000)) },
);
const walk = fc.tuple(
  fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
  fc.option(fc.constantFrom(0, 50, 10_000)),
  fc.array(step, { maxLength: 10 }),
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
);

interface Walk {
  readonly analytics: Analytics;
  readonly clock: TestClock;
  readonly side: FarSide;
  readonly model: Model;
  /** Moments by which a promise of the client must have settled. */
  readonly promised: Set<{ readonly byMs: number }>;
  /** Assertions that failed where nobody would notice: inside a callback of the client's. */
  readonly faults: unknown[];
  recorded: number;
  closing: boolean;
}

function start(chance: number): Walk {
  const clock = testClock();
  const side = farSide({ maxEvents: limits.maxEvents, maxDelayMs: 100 });
  const faults: unknown[] = [];
  const model = modelOf(side, limits, (check) => noting(faults, check));
  const analytics = createAnalytics({
    backends: [side],
    clock,
    random: () => chance,
    maxQueueEvents: limits.maxQueueEvents,
    retry: { maxAttempts: limits.maxAttempts },
    onError: () => noting(faults, () => expectBalanced(analytics)),
  });
  return { analytics, clock, side, model, promised: new Set(), faults, recorded: 0, closing: false };
}

function noting(faults: unknown[], check: () => void): void {
  try {
    check();
  } catch (fault) {
    faults.push(fault);
  }
}

function flush(walked: Walk, timeoutMs: number): void {
  const { analytics, clock, model, promised } = walked;
  const before = [...model.queue];
  const lostBefore = model.lost.length;
  const promise = { byMs: clock.monotonic() + timeoutMs };
  // While the client closes, a flush is that of `close()`.
  if (!walked.closing) {
    promised.add(promise);
  }
  void analytics.flush({ timeoutMs }).then((report) => {
    promised.delete(promise);
    noting(walked.faults, () => {
      if (report.ok && !walked.closing) {
        expect(model.queue.filter((name) => before.includes(name))).toEqual([]);
        expect(model.lost.slice(lostBefore)).toEqual([]);
      }
      expect(report.ok).toBe(report.backends['far']?.error === undefined);
    });
  });
}

function close(walked: Walk, timeoutMs: number): void {
  const { analytics, clock, promised } = walked;
  walked.closing = true;
  const promise = { byMs: clock.monotonic() + timeoutMs };
  promised.add(promise);
  void analytics.close({ timeoutMs }).then(() => promised.delete(promise));
}

async function take(walked: Walk, taken: Step): Promise<void> {
  const { analytics, clock, model, promised } = walked;
  switch (taken[0]) {
    case 'record':
      for (let at = 0; at < taken[1]; at += 1) {
        walked.recorded += 1;
        const name = `e${walked.recorded}`;
        analytics.record(skill(name));
        if (walked.closing) {
          model.refuse('closed');
        } else {
          model.record(name);
        }
      }
      break;
    case 'record wrong':
      analytics.record({ ...skill(''), latencyMs: -1 } as never);
      model.refuse(walked.closing ? 'closed' : 'invalid');
      break;
    case 'advance':
      await clock.advance(taken[1]);
      break;
    case 'mood':
      model.mood = taken[1];
      break;
    case 'release':
      model.release(taken[1]);
      break;
    case 'flush':
      flush(walked, taken[1]);
      break;
    case 'close':
      close(walked, taken[1]);
      break;
  }
  await turn();
  compare(walked);
  const late = [...promised].filter(({ byMs }) => byMs < clock.monotonic());
  expect(late).toEqual([]);
}

function compare({ analytics, faults, model, side }: Walk): void {
  expect(faults).toEqual([]);
  expectBalanced(analytics);
  const { accepted, delivered, queued, queuedBytes } = statsOf(analytics);
  expect({ accepted, delivered, queued, dropped: dropsOf(analytics) }).toEqual({
    accepted: model.accepted,
    delivered: model.delivered.length,
    queued: model.queue.length,
    dropped: Object.fromEntries(Object.entries(model.dropped).filter(([, count]) => count > 0)),
  });
  expect(queuedBytes > 0).toBe(queued > 0);
  // Nothing twice, nothing out of order, nothing that the far side does not hold.
  expect(namesOf(side.held).slice(0, delivered)).toEqual(model.delivered);
  expect(side.trespasses).toBe(0);
}

test('whatever happens, the ledger is that of the model, and all that can be delivered is', async () => {
  const seen = { delivered: 0, steps: 0, dropped: {} as Record<string, number> };
  await fc.assert(
    fc.asyncProperty(walk, async ([steps, closeTimeoutMs, afterwards, chance]) => {
      const walked = start(chance);
      for (const taken of steps) {
        await take(walked, taken);
      }
      if (closeTimeoutMs !== null) {
        await take(walked, ['close', closeTimeoutMs]);
        for (const taken of afterwards) {
          await take(walked, taken);
        }
      }
      // The far side recovers: everything that still waits must get there, by itself.
      await take(walked, ['mood', 'well']);
      await take(walked, ['release', 'well']);
      await take(walked, ['record', 1]);
      await take(walked, ['advance', 31_000]);
      expect(walked.model.queue).toEqual([]);
      expect(statsOf(walked.analytics)).toMatchObject({ queued: 0, state: closeTimeoutMs === null ? 'ok' : 'closed' });
      await take(walked, ['close', 0]);
      await take(walked, ['advance', 1]);
      expect(walked.side.closes).toBe(1);
      expect(walked.clock.timers).toEqual([]);

      seen.delivered += walked.model.delivered.length;
      seen.steps += steps.length + afterwards.length;
      for (const [reason, count] of Object.entries(walked.model.dropped)) {
        seen.dropped[reason] = (seen.dropped[reason] ?? 0) + count;
      }
    }),
    { seed: 20_260_101, numRuns: 600 },
  );
  // The walks have been everywhere: a model that nothing happens to proves nothing.
  expect(Object.keys(seen.dropped).sort()).toEqual([
    'closed',
    'invalid',
    'queue_full',
    'rejected',
    'send_failed',
    'shutdown_timeout',
    'storage_full',
    'too_large',
  ]);
  expect(Math.min(...Object.values(seen.dropped))).toBeGreaterThan(20);
  expect(seen.delivered).toBeGreaterThan(5000);
});
