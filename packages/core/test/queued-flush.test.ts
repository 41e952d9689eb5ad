import { describe, expect, test } from 'vitest';
import { AnalyticsError, type FlushReport, memory } from '../src/index.ts';
import { turn } from './support/clock.ts';
import { names, namesOf } from './support/events.ts';
import { farSide, hanging } from './support/far-side.ts';
import { dropsOf, statsOf } from './support/ledger.ts';
import { type Rig, rig } from './support/rig.ts';

const down = (): never => {
  throw new AnalyticsError('BACKEND_UNAVAILABLE', 'down');
};

/** A flush whose end can be looked at without waiting for it. */
function begun(flushing: Promise<FlushReport>): { report?: FlushReport } {
  const seen: { report?: FlushReport } = {};
  void flushing.then((report) => {
    seen.report = report;
  });
  return seen;
}

/** A client whose breaker is open: five deliveries in a row failed, the sixth waits. */
async function open(made: Rig): Promise<void> {
  made.side.answer = down;
  made.record('e1');
  await made.clock.advance(1000);
  while (statsOf(made.analytics).state !== 'open') {
    await made.clock.advance(100);
  }
}

describe('flush', () => {
  test('delivers what was recorded before it, at once', async () => {
    const { analytics, record, side } = rig({ maxEvents: 4, maxDelayMs: 60_000 });
    record(...names(10));
    const report = await analytics.flush();
    expect(report).toEqual({
      ok: true,
      backends: { far: { ok: true, delivered: 10, dropped: 0, queued: 0, error: undefined } },
    });
    expect(namesOf(side.held)).toEqual(names(10));
  });

  test('of nothing is done at once', async () => {
    const { analytics, clock } = rig();
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { delivered: 0, queued: 0 } } });
    expect(clock.timers).toEqual([]);
  });

  test('is called push, too', async () => {
    const { analytics, record, side } = rig({ maxDelayMs: 60_000 });
    record('e1');
    expect((await analytics.push()).ok).toBe(true);
    expect(side.held).toHaveLength(1);
  });

  test('joins a write under way instead of starting another', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 2 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1', 'e2');
    await clock.advance(0);
    const flush = begun(analytics.flush());
    await turn();
    expect(flush.report).toBeUndefined();
    expect(side.tried).toHaveLength(1);
    slow.succeed();
    await turn();
    expect(flush.report).toMatchObject({ ok: true, backends: { far: { delivered: 2 } } });
  });

  test('twice at once is one delivery', async () => {
    const { analytics, record, side } = rig({ maxEvents: 10 });
    record('e1', 'e2');
    const reports = await Promise.all([analytics.flush(), analytics.flush()]);
    expect(reports.map(({ ok }) => ok)).toEqual([true, true]);
    expect(side.tried).toHaveLength(1);
  });

  test('does not wait for what is recorded after it', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 2, maxDelayMs: 60_000 });
    const [first, second] = [hanging(), hanging()];
    const answers = [first.answer, second.answer];
    side.answer = () => answers.shift()?.();
    record('e1', 'e2');
    const flush = begun(analytics.flush());
    record('e3', 'e4');
    first.succeed();
    await turn();
    expect(flush.report).toMatchObject({ ok: true, backends: { far: { delivered: 2, queued: 2 } } });
    expect(side.tried).toHaveLength(2);
    second.succeed();
    await clock.advance(60_000);
    expect(namesOf(side.held)).toEqual(names(4));
  });

  test('an event recorded during it goes out maxDelayMs later', async () => {
    const { analytics, clock, record, side } = rig({ maxEvents: 10, maxDelayMs: 500 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1');
    const flush = analytics.flush();
    record('e2');
    slow.succeed();
    await flush;
    expect(namesOf(side.held)).toEqual(['e1']);
    await clock.advance(500);
    expect(namesOf(side.held)).toEqual(['e1', 'e2']);
  });

  test('ends at its deadline when a write hangs, keeps the events, and says so', async () => {
    const { analytics, clock, record, side, errors } = rig();
    const stuck = hanging();
    side.answer = stuck.answer;
    record('e1', 'e2');
    const flush = begun(analytics.flush({ timeoutMs: 300 }));
    await clock.advance(299);
    expect(flush.report).toBeUndefined();
    await clock.advance(1);
    expect(flush.report).toMatchObject({
      ok: false,
      backends: { far: { ok: false, delivered: 0, dropped: 0, queued: 2, error: { code: 'TIMEOUT', backend: 'far' } } },
    });
    expect(flush.report?.backends['far']?.error?.message).toBe('far: 2 events not delivered within 300 ms');
    expect(errors.map(({ code }) => code)).toEqual(['TIMEOUT']);
    stuck.succeed();
    await turn();
    expect(statsOf(analytics)).toMatchObject({ delivered: 2, queued: 0 });
  });

  test('that ends at its deadline leaves those that wait longer to be told', async () => {
    const { analytics, clock, record, side } = rig();
    const stuck = hanging();
    side.answer = stuck.answer;
    record('e1');
    const [long, short] = [1000, 300].map((timeoutMs) => begun(analytics.flush({ timeoutMs })));
    await clock.advance(300);
    expect(short?.report).toMatchObject({ ok: false });
    expect(long?.report).toBeUndefined();
    stuck.succeed();
    await turn();
    expect(long?.report).toMatchObject({ ok: true });
  });

  test('has ten seconds by default, and keeps the process alive while it waits', async () => {
    const { analytics, clock, record, side } = rig();
    side.answer = hanging().answer;
    record('e1');
    const flush = begun(analytics.flush());
    expect(clock.timers.filter(({ keepsAlive }) => keepsAlive)).toEqual([{ dueInMs: 10_000, keepsAlive: true }]);
    await clock.advance(10_000);
    expect(flush.report?.ok).toBe(false);
  });

  test.each([Number.NaN, -1, '5', {}, 1n, Symbol('s')])(
    'a wrong timeout is reported, and ten seconds used',
    async (timeoutMs) => {
      const { analytics, clock, record, side, errors } = rig();
      side.answer = hanging().answer;
      record('e1');
      const flush = begun(analytics.flush({ timeoutMs: timeoutMs as never }));
      await clock.advance(9_999);
      expect(flush.report).toBeUndefined();
      await clock.advance(1);
      expect(flush.report?.ok).toBe(false);
      expect(errors[0]).toMatchObject({ code: 'INVALID_CONFIG', problems: [{ field: 'timeoutMs' }] });
      expect(errors[0]?.message).toMatch(/^timeoutMs must be a number >= 0, got .*; 10000 is used$/);
    },
  );

  test('options that are no object are reported, and ten seconds used', async () => {
    const { analytics, errors } = rig();
    await analytics.flush(5000 as never);
    expect(errors).toMatchObject([
      { code: 'INVALID_CONFIG', message: 'options must be an object, got 5000; 10000 is used' },
    ]);
  });

  test('options of another name are reported, and ten seconds used', async () => {
    const { analytics, errors } = rig();
    await analytics.flush({ timeout: 5 } as never);
    expect(errors).toMatchObject([
      { code: 'INVALID_CONFIG', message: 'timeout is not an option; the options are timeoutMs; 10000 is used' },
    ]);
  });

  test('tries again at once when the far side failed before, without waiting for the pause to end', async () => {
    const { analytics, clock, record, side } = rig();
    side.answer = down;
    record('e1');
    await clock.advance(1000);
    expect(statsOf(analytics).state).toBe('retrying');
    side.answer = () => {};
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { delivered: 1 } } });
  });

  test('waits for the retries of a far side that stumbles', async () => {
    const { analytics, clock, record, side } = rig();
    let failures = 3;
    side.answer = () => {
      if (failures > 0) {
        failures -= 1;
        down();
      }
    };
    record('e1');
    const flush = begun(analytics.flush());
    await clock.advance(5000);
    expect(flush.report).toMatchObject({ ok: true, backends: { far: { delivered: 1 } } });
    expect(statsOf(analytics).retries).toBe(3);
  });

  test('returns at once, with the reason, while the breaker is open', async () => {
    const made = rig();
    await open(made);
    const tried = made.side.tried.length;
    const flush = begun(made.analytics.flush());
    await turn();
    expect(flush.report).toMatchObject({
      ok: false,
      backends: { far: { queued: 1, dropped: 0, error: { code: 'BACKEND_UNAVAILABLE', message: 'down' } } },
    });
    expect(made.side.tried).toHaveLength(tried);
  });

  test('that waits when the breaker opens returns then', async () => {
    const { analytics, clock, record, side } = rig();
    side.answer = down;
    record('e1');
    const flush = begun(analytics.flush({ timeoutMs: 1_000_000 }));
    while (statsOf(analytics).state !== 'open') {
      expect(flush.report).toBeUndefined();
      await clock.advance(10);
    }
    expect(flush.report).toMatchObject({ ok: false, backends: { far: { queued: 1 } } });
  });

  test('reports what was lost during it, and why', async () => {
    const { analytics, record, side } = rig();
    side.answer = (batch) => {
      if (namesOf(batch).includes('e2')) {
        throw new AnalyticsError('EVENTS_REJECTED', 'bad label');
      }
    };
    record('e1', 'e2', 'e3');
    expect(await analytics.flush()).toMatchObject({
      ok: false,
      backends: {
        far: {
          ok: false,
          delivered: 2,
          dropped: 1,
          queued: 0,
          error: { code: 'EVENTS_REJECTED', message: 'bad label' },
        },
      },
    });
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { delivered: 0, dropped: 0 } } });
  });

  test('tells of what was lost since the one before, once, and of what nobody was told', async () => {
    const { analytics, record, side, errors } = rig({ maxEvents: 2 }, { maxQueueEvents: 2 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1', 'e2', 'e3', 'e4', 'e5');
    const [first, beside] = [analytics.flush(), analytics.flush()];
    record('e6');
    slow.succeed();
    const lost = { ok: false, dropped: 3, error: { code: 'EVENTS_DROPPED', backend: 'far' } };
    for (const flushed of [first, beside]) {
      expect(await flushed).toMatchObject({ ok: false, backends: { far: { delivered: 2, ...lost } } });
    }
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('lost 1 event (queue_full)'),
      'far: lost 3 events besides those reported: see stats()',
    ]);
    expect(await analytics.flush()).toMatchObject({ ok: false, backends: { far: { delivered: 0, dropped: 1 } } });
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { dropped: 0 } } });
    record('e7', 'e8', 'e9');
    expect(await analytics.close()).toMatchObject({ ok: false, backends: { far: { delivered: 2, dropped: 1 } } });
  });

  test('tells of what found no room once, also where a later flush ends first', async () => {
    const { analytics, record, side, clock } = rig({ maxEvents: 2 }, { maxQueueEvents: 2 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1', 'e2');
    const long = analytics.flush();
    record('e3', 'e4', 'e5');
    const short = begun(analytics.flush({ timeoutMs: 1 }));
    await clock.advance(1);
    expect(short.report).toMatchObject({ backends: { far: { dropped: 3 } } });
    slow.succeed();
    expect(await long).toMatchObject({ backends: { far: { dropped: 0 } } });
    expect(await analytics.flush()).toMatchObject({ ok: true, backends: { far: { dropped: 0 } } });
  });

  test('does not take the blame for events that found the queue full', async () => {
    const { analytics, record, side } = rig({ maxEvents: 2 }, { maxQueueEvents: 2 });
    const slow = hanging();
    side.answer = slow.answer;
    record('e1', 'e2');
    const flush = analytics.flush();
    record('e3');
    slow.succeed();
    expect(await flush).toMatchObject({ ok: true, backends: { far: { delivered: 2, dropped: 0 } } });
    expect(dropsOf(analytics)).toEqual({ queue_full: 1 });
    expect((await analytics.healthCheck()).healthy).toBe(true);
  });

  test('of several backends reports each by its own name', async () => {
    const [good, bad] = [farSide({ name: 'good' }), farSide({ name: '__proto__' })];
    bad.answer = () => {
      throw new Error('broken');
    };
    const { analytics, record } = rig({}, { backends: [good, bad] });
    record('e1');
    const report = await analytics.flush();
    expect(Object.entries(report.backends).map(([name, { ok }]) => [name, ok])).toEqual([
      ['good', true],
      ['__proto__', false],
    ]);
    expect(report.ok).toBe(false);
    expect(Object.keys(analytics.stats().backends)).toEqual(['good', '__proto__']);
  });
});

describe("a backend's own flush", () => {
  test('follows the writes, and gets the time that is left', async () => {
    const made = rig();
    const steps: string[] = [];
    made.side.answer = () => void steps.push('write');
    let given: AbortSignal | undefined;
    const slow = hanging();
    made.side.flush = async (signal: AbortSignal) => {
      steps.push('flush');
      given = signal;
      await slow.answer();
    };
    made.record('e1');
    const flush = begun(made.analytics.flush({ timeoutMs: 100 }));
    await made.clock.advance(99);
    expect(steps).toEqual(['write', 'flush']);
    expect(given?.aborted).toBe(false);
    await made.clock.advance(1);
    expect(given?.aborted).toBe(true);
    expect(flush.report?.backends['far']).toMatchObject({ ok: false, delivered: 1, error: { code: 'TIMEOUT' } });
    slow.fail(new Error('too late to matter'));
  });

  test('that its signal ends says in its report what took so long', async () => {
    const made = rig();
    made.side.flush = (signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', async () => {
          for (let step = 0; step < 50; step += 1) {
            await undefined;
          }
          reject(new AnalyticsError('BACKEND_UNAVAILABLE', 'far: no answer', { backend: 'far' }));
        });
      });
    const flush = begun(made.analytics.flush({ timeoutMs: 100 }));
    await made.clock.advance(100);
    expect(flush.report?.backends['far']?.error).toMatchObject({
      code: 'TIMEOUT',
      message: 'far: flush took longer than 100 ms: no answer',
      cause: { code: 'BACKEND_UNAVAILABLE' },
    });
  });

  test('gets only what the writes have left of the time, and its failure does not hide theirs', async () => {
    const made = rig();
    const write = hanging();
    made.side.answer = write.answer;
    made.side.flush = hanging().answer;
    made.record('e1');
    const first = begun(made.analytics.flush({ timeoutMs: 100 }));
    await made.clock.advance(60);
    write.succeed();
    await made.clock.advance(39);
    expect(first.report).toBeUndefined();
    await made.clock.advance(1);
    expect(first.report?.backends['far']?.error?.message).toBe('far: flush took longer than 40 ms');

    made.side.answer = hanging().answer;
    made.side.flush = () => Promise.reject(new Error('second'));
    made.record('e2');
    const second = begun(made.analytics.flush({ timeoutMs: 100 }));
    await made.clock.advance(100);
    expect(second.report?.backends['far']?.error?.message).toBe('far: 1 event not delivered within 100 ms');
  });

  test('that fails makes the report say so', async () => {
    const made = rig();
    made.side.flush = () => Promise.reject(new Error('pipeline broken'));
    expect(await made.analytics.flush()).toMatchObject({
      ok: false,
      backends: { far: { error: { code: 'INTERNAL', message: 'far: Error: pipeline broken', backend: 'far' } } },
    });
    expect(made.errors.map(({ message }) => message)).toEqual(['far: Error: pipeline broken']);
  });

  test('that throws instead of rejecting is the same', async () => {
    const made = rig();
    made.side.flush = () => {
      throw new AnalyticsError('BACKEND_UNAVAILABLE', 'gone');
    };
    expect(await made.analytics.flush()).toMatchObject({
      ok: false,
      backends: { far: { error: { code: 'BACKEND_UNAVAILABLE' } } },
    });
    expect(dropsOf(made.analytics)).toEqual({});
  });
});

describe("the backend's own flush", () => {
  test('is called once at a time, and by all together who ask meanwhile', async () => {
    const running: (() => void)[] = [];
    let most = 0;
    let under = 0;
    const pipeline = {
      ...memory(),
      flush: () => {
        under += 1;
        most = Math.max(most, under);
        return new Promise<void>((resolve) => {
          running.push(() => {
            under -= 1;
            resolve();
          });
        });
      },
    };
    const { analytics, record } = rig({}, { backends: [pipeline] });
    record('e1');
    const first = analytics.flush();
    while (running.length === 0) {
      await turn();
    }
    const all = Promise.all([first, ...Array.from({ length: 20 }, () => analytics.flush())]);
    for (let done = 0; done < 2; done += 1) {
      while (running.length === done) {
        await turn();
      }
      running[done]?.();
    }
    expect((await all).every(({ ok }) => ok)).toBe(true);
    expect({ most, calls: running.length }).toEqual({ most: 1, calls: 2 });
  });

  test('is aborted when the last who waits for it gives up, whoever asked first', async () => {
    const made = rig();
    const signals: AbortSignal[] = [];
    made.side.flush = (signal) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const [long, short] = [1000, 20].map((timeoutMs) => begun(made.analytics.flush({ timeoutMs })));
    await made.clock.advance(20);
    expect([signals.length, signals[0]?.aborted, short?.report?.ok]).toEqual([1, false, false]);
    await made.clock.advance(980);
    expect([signals.length, signals[0]?.aborted, long?.report?.ok]).toEqual([1, true, false]);
  });

  test('waits for one that goes on after its deadline', async () => {
    let [under, most] = [0, 0];
    let end = (): void => {};
    const made = rig();
    made.side.flush = () => {
      under += 1;
      most = Math.max(most, under);
      return new Promise<void>((resolve) => {
        end = () => {
          under -= 1;
          resolve();
        };
      });
    };
    const first = begun(made.analytics.flush({ timeoutMs: 20 }));
    await made.clock.advance(20);
    expect(first.report).toMatchObject({ ok: false });
    const second = begun(made.analytics.flush({ timeoutMs: 1000 }));
    await made.clock.advance(10);
    expect({ under, most }).toEqual({ under: 1, most: 1 });
    end();
    await made.clock.advance(1);
    end();
    await made.clock.advance(1);
    expect(second.report).toMatchObject({ ok: true });
    expect(most).toBe(1);
  });

  test('has the signal of who waits longest, whenever that one asked', async () => {
    const made = rig();
    const signals: AbortSignal[] = [];
    const slow = hanging();
    made.side.flush = (signal) => {
      signals.push(signal);
      return slow.answer();
    };
    const first = made.analytics.flush({ timeoutMs: 1000 });
    await made.clock.advance(0);
    const [waiting, last] = [begun(made.analytics.flush({ timeoutMs: 100 })), {} as { report?: FlushReport }];
    await made.clock.advance(50);
    void made.analytics.flush({ timeoutMs: 60 }).then((report) => Object.assign(last, { report }));
    await made.clock.advance(0);
    slow.succeed();
    made.side.flush = (signal) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    await made.clock.advance(50);
    expect([signals.length, signals[1]?.aborted, waiting.report?.ok]).toEqual([2, false, false]);
    await made.clock.advance(10);
    expect([signals[1]?.aborted, last.report?.ok]).toEqual([true, false]);
    await first;
  });

  test('is not begun for nobody, nor after the backend is closed', async () => {
    const made = rig();
    let flushes = 0;
    const slow = hanging();
    made.side.flush = () => {
      flushes += 1;
      return slow.answer();
    };
    void made.analytics.flush({ timeoutMs: 20 });
    await made.clock.advance(20);
    void made.analytics.flush({ timeoutMs: 20 });
    await made.clock.advance(20);
    slow.succeed();
    await turn();
    expect(flushes).toBe(1);

    const slower = hanging();
    made.side.flush = () => {
      flushes += 1;
      return slower.answer();
    };
    void made.analytics.flush({ timeoutMs: 20 });
    await made.clock.advance(20);
    void made.analytics.flush({ timeoutMs: 60_000 });
    const closed = made.analytics.close({ timeoutMs: 20 });
    await made.clock.advance(20);
    await closed;
    slower.succeed();
    await turn();
    expect(flushes).toBe(2);
  });
});
