import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import type { AnalyticsEvent, Backend } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { names, namesOf, skill } from './support/events.ts';
import { type FarSide, farSide, hanging } from './support/far-side.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { rig } from './support/rig.ts';

const sizesOf = ({ tried }: FarSide): number[] => tried.map((batch) => batch.length);

describe('batches', () => {
  test('go out as soon as maxEvents wait, and never inside record()', async () => {
    const { clock, record, side } = rig({ maxEvents: 3, maxDelayMs: 1000 });
    record('e1', 'e2', 'e3');
    expect(side.tried).toHaveLength(0);
    await clock.advance(0);
    expect(namesOf(side.held)).toEqual(['e1', 'e2', 'e3']);
  });

  test.each([
    ['events', { maxQueueEvents: 6 }, 3],
    ['bytes', { maxQueueBytes: 1300 }, 4],
  ])('do not wait for company when the queue is half full by %s', async (_, options, half) => {
    const { analytics, clock, record, side } = rig({ maxEvents: 100, maxDelayMs: 1000 }, options);
    record(...names(half - 1));
    await clock.advance(0);
    expect(sizesOf(side)).toEqual([]);
    record('the half');
    await clock.advance(0);
    expect(sizesOf(side)).toEqual([half]);
    for (let round = 0; round < 5; round += 1) {
      record(...names(half));
      await clock.advance(0);
    }
    expect(dropsOf(analytics)).toEqual({});
  });

  test('are written outside of the requests in which they were recorded, and in which the client was created', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const { analytics, clock, record, side } = request.run('zero', () => rig({ maxEvents: 3, maxDelayMs: 1000 }));
    side.answer = async () => void seen.push(request.getStore());
    request.run('one', () => record('e1'));
    await clock.advance(1000);
    await request.run('two', () => {
      record('e2');
      return analytics.flush();
    });
    expect(seen).toEqual([undefined, undefined]);
  });

  test('go out maxDelayMs after the first event, however few they are', async () => {
    const { clock, record, side } = rig({ maxEvents: 100, maxDelayMs: 1000 });
    record('e1');
    await clock.advance(600);
    record('e2');
    await clock.advance(399);
    expect(side.tried).toHaveLength(0);
    await clock.advance(1);
    expect(namesOf(side.held)).toEqual(['e1', 'e2']);
  });

  test('are never larger than maxEvents, and keep the order of recording', async () => {
    const { clock, record, side } = rig({ maxEvents: 4 });
    record(...names(11));
    await clock.advance(0);
    expect(namesOf(side.held)).toEqual(names(11));
    expect(sizesOf(side)).toEqual([4, 4, 3]);
  });

  test.each([
    [3, 8, [3, 3, 2]],
    [100, 8, [4, 4]],
  ])(
    'of a client with a batchSize of %d hold no more than that, nor than maxEvents',
    async (batchSize, count, sizes) => {
      const { clock, record, side } = rig({ maxEvents: 4, maxDelayMs: 1000 }, { batchSize });
      record('waits');
      await clock.advance(0);
      expect(sizesOf(side)).toEqual([]);
      record(...names(count - 1));
      await clock.advance(1000);
      expect(sizesOf(side)).toEqual(sizes);
    },
  );

  test('do not start before the earlier one has ended', async () => {
    const { clock, record, side } = rig({ maxEvents: 2 });
    const first = hanging();
    side.answer = first.answer;
    record(...names(6));
    await clock.advance(10_000);
    expect(sizesOf(side)).toEqual([2]);
    side.answer = () => {};
    first.succeed();
    await turn();
    expect(sizesOf(side)).toEqual([2, 2, 2]);
  });

  test('an event recorded during a slow write does not wait maxDelayMs again when it ends', async () => {
    const { clock, record, side } = rig({ maxEvents: 100, maxDelayMs: 1000 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1');
    await clock.advance(1000);
    record('e2');
    await clock.advance(1500);
    expect(sizesOf(side)).toEqual([1]);
    slow.succeed();
    await turn();
    expect(namesOf(side.held)).toEqual(['e1', 'e2']);
  });

  test('an event recorded late in a write still waits for company', async () => {
    const { clock, record, side } = rig({ maxEvents: 100, maxDelayMs: 1000 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1');
    await clock.advance(1400);
    record('e2');
    await clock.advance(100);
    slow.succeed();
    side.answer = () => {};
    await clock.advance(800);
    expect(sizesOf(side)).toEqual([1]);
    record('e3');
    await clock.advance(100);
    expect(namesOf(side.held)).toEqual(['e1', 'e2', 'e3']);
    expect(sizesOf(side)).toEqual([1, 2]);
  });

  test('what does not fill a batch when a write ends waits for company', async () => {
    const { clock, record, side } = rig({ maxEvents: 4, maxDelayMs: 1000 });
    const slow = hanging();
    side.answer = slow.answer;
    record(...names(4));
    await clock.advance(0);
    record(...names(5, 5));
    await clock.advance(10);
    side.answer = () => {};
    slow.succeed();
    await turn();
    expect(sizesOf(side)).toEqual([4, 4]);
    await clock.advance(990);
    expect(sizesOf(side)).toEqual([4, 4, 1]);
  });

  test('keep no timer when nothing waits, and none that keeps the process alive', async () => {
    const { clock, record, side } = rig({ maxEvents: 2 });
    expect(clock.timers).toEqual([]);
    record('e1');
    expect(clock.timers).toEqual([{ dueInMs: 1000, keepsAlive: false }]);
    record('e2');
    expect(clock.timers).toEqual([{ dueInMs: 0, keepsAlive: false }]);
    await clock.advance(0);
    expect(clock.timers).toEqual([]);
    expect(namesOf(side.held)).toEqual(['e1', 'e2']);

    const slow = hanging();
    side.answer = slow.answer;
    record('e3', 'e4');
    await clock.advance(0);
    record('e5', 'e6');
    expect(clock.timers.map(({ keepsAlive }) => keepsAlive)).toEqual([false, false]);
    slow.succeed();
    await turn();
    expect(side.held).toHaveLength(6);
    expect(clock.timers).toEqual([]);
  });

  test('may be written synchronously', async () => {
    const written: string[] = [];
    const plain: Backend = {
      name: 'plain',
      delivery: { maxEvents: 2, maxDelayMs: 5 },
      settings: {},
      write: (events) => void written.push(...namesOf(events)),
    };
    const { analytics, clock, record } = rig({}, { backends: [plain] });
    record('a');
    await clock.advance(5);
    expect(written).toEqual(['a']);
    expect(statsOf(analytics, 'plain')).toMatchObject({ delivered: 1, queued: 0 });
  });
});

test.each<[string, (batch: AnalyticsEvent[]) => unknown]>([
  ['empties', (batch) => batch.splice(0)],
  ['adds to', (batch) => batch.push(...batch)],
])('a backend that %s the array it gets neither stops the host nor changes what is counted', async (_, change) => {
  const backend: Backend = {
    name: 'odd',
    delivery: { maxEvents: 10, maxDelayMs: 5 },
    settings: {},
    write: (batch) => void change(batch as AnalyticsEvent[]),
  };
  const { clock, analytics, record } = rig({}, { backends: [backend] });
  record(...names(3));
  await clock.advance(5);
  expect(statsOf(analytics, 'odd')).toMatchObject({ accepted: 3, delivered: 3, queued: 0, queuedBytes: 0 });
});

describe('the bound of events', () => {
  test('drops the newest, counts each, and takes on again when there is room', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 2 }, { maxQueueEvents: 5 });
    const stuck = hanging();
    side.answer = stuck.answer;
    record(...names(9));
    expect(statsOf(analytics)).toMatchObject({ accepted: 9, queued: 5, delivered: 0 });
    expect(dropsOf(analytics)).toEqual({ queue_full: 4 });
    await clock.advance(0);
    // What is under way still counts.
    record('e10');
    expect(dropsOf(analytics)).toEqual({ queue_full: 5 });
    side.answer = () => {};
    stuck.succeed();
    await turn();
    record('e11');
    await clock.advance(1000);
    expect(namesOf(side.held)).toEqual([...names(5), 'e11']);
    expect(statsOf(analytics)).toMatchObject({ accepted: 11, queued: 0, delivered: 6, queuedBytes: 0 });
  });

  test('is told with the first event it costs, and with the number of all others at the end', async () => {
    const { analytics, errors, record } = rig({}, { maxQueueEvents: 2 });
    record(...names(10));
    await analytics.close();
    expect(errors.map(({ message }) => message)).toEqual([
      'far: lost 1 event (queue_full): the queue holds at most 2 events and 33554432 bytes',
      'far: lost 7 events besides those reported: see stats()',
    ]);
  });

  test('is that of each backend by itself', async () => {
    const [stuck, healthy] = [farSide({ name: 'stuck', maxEvents: 2 }), farSide({ name: 'healthy', maxEvents: 2 })];
    const { analytics, clock, record } = rig({}, { backends: [stuck, healthy], maxQueueEvents: 3 });
    stuck.answer = hanging().answer;
    record(...names(3));
    await clock.advance(1000);
    record('e4');
    await clock.advance(1000);
    expect(dropsOf(analytics, 'stuck')).toEqual({ queue_full: 1 });
    expect(dropsOf(analytics, 'healthy')).toEqual({});
    expect(namesOf(healthy.held)).toEqual(names(4));
  });
});

describe('the bound of bytes', () => {
  test('drops what does not fit, exactly', async () => {
    const { analytics, clock, side } = rig({ maxEvents: 100 }, { maxQueueBytes: 10_000 });
    const event = { ...skill('e'), userId: 'x'.repeat(100) };
    analytics.record(event);
    const { queuedBytes } = statsOf(analytics);
    for (let at = 1; at < 100; at += 1) {
      analytics.record(event);
    }
    const room = Math.floor(10_000 / queuedBytes);
    expect(statsOf(analytics)).toMatchObject({ accepted: 100, queued: room, queuedBytes: room * queuedBytes });
    expect(dropsOf(analytics)).toEqual({ queue_full: 100 - room });
    await clock.advance(1000);
    expect(side.held).toHaveLength(room);
    expect(statsOf(analytics).queuedBytes).toBe(0);
  });

  test('is one of a single event, too: it would never fit', () => {
    const event = { ...skill('e'), userId: 'x'.repeat(100) };
    const { analytics } = rig({ maxEvents: 100 });
    analytics.record(event);
    const { queuedBytes } = statsOf(analytics);
    for (const [maxQueueBytes, dropped] of [
      [queuedBytes, {}],
      [queuedBytes - 1, { too_large: 1 }],
    ] as const) {
      const bounded = rig({ maxEvents: 100 }, { maxQueueBytes });
      bounded.analytics.record(event);
      expect(dropsOf(bounded.analytics)).toEqual(dropped);
    }
  });

  test('fails no flush of others, as a flush is about what was taken', async () => {
    const { analytics, clock, record } = rig({ maxEvents: 100 }, { maxQueueBytes: 500 });
    record('small');
    const flushed = analytics.flush();
    analytics.record({ ...skill('large'), userId: 'x'.repeat(250), orgId: 'x'.repeat(250) });
    await clock.advance(0);
    expect(await flushed).toMatchObject({ ok: true, backends: { far: { delivered: 1, dropped: 0 } } });
    expect(dropsOf(analytics)).toEqual({ too_large: 1 });
  });

  test('holds against long ids: ten thousand events of 1 MB ids stay under it', () => {
    const { analytics } = rig({ maxEvents: 1000 }, { maxQueueBytes: 1_000_000 });
    const long = 'x'.repeat(1_000_000);
    for (let at = 0; at < 10_000; at += 1) {
      analytics.record({ ...skill(long), runId: long, userId: long, orgId: long });
    }
    const { queued, queuedBytes, dropped } = statsOf(analytics);
    expect(queuedBytes).toBeLessThanOrEqual(1_000_000);
    expect(queued).toBeLessThan(1000);
    expect(queued + dropped.queue_full).toBe(10_000);
  });
});
