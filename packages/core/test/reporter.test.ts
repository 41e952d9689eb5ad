import { describe, expect, test } from 'vitest';
import { createReporter } from '../src/delivery/reporter.ts';
import { toAnalyticsError } from '../src/errors.ts';
import { AnalyticsError, type AnalyticsOptions, memory } from '../src/index.ts';
import { testClock, turn } from './support/clock.ts';
import { dropsOf } from './support/ledger.ts';
import { oddThrown } from './support/odd.ts';
import { rig } from './support/rig.ts';
import { noteUnhandled } from './support/unhandled.ts';

const error = (message = 'down'): AnalyticsError => new AnalyticsError('BACKEND_UNAVAILABLE', message);

describe('errors are passed on', () => {
  function reporter(): ReturnType<typeof createReporter> & { told: string[]; clock: ReturnType<typeof testClock> } {
    const told: string[] = [];
    const clock = testClock();
    return { ...createReporter((given) => void told.push(given.message), clock), told, clock };
  }

  test('once, where a clock shows no time', () => {
    const told: string[] = [];
    const clock = { ...testClock(), monotonic: () => Number.NaN };
    const { report } = createReporter((given) => void told.push(given.message), clock);
    for (const message of ['first', 'second']) {
      report('BACKEND_UNAVAILABLE', 'a', () => error(message));
    }
    expect(told).toEqual(['first']);
  });

  test('once a minute for each backend and code; the next says how many were left out', async () => {
    const { report, told, clock } = reporter();
    for (let at = 0; at < 5; at += 1) {
      report('BACKEND_UNAVAILABLE', 'a', () => error());
    }
    expect(told).toEqual(['down']);
    await clock.advance(59_999);
    report('BACKEND_UNAVAILABLE', 'a', () => error());
    expect(told).toEqual(['down']);
    await clock.advance(1);
    report('BACKEND_UNAVAILABLE', 'a', () => error());
    report('BACKEND_UNAVAILABLE', 'a', () => error());
    await clock.advance(60_000);
    report('BACKEND_UNAVAILABLE', 'a', () => error());
    await clock.advance(60_000);
    report('BACKEND_UNAVAILABLE', 'a', () => error());
    expect(told).toEqual([
      'down',
      'down (5 more since the last report)',
      'down (1 more since the last report)',
      'down',
    ]);
  });

  test('separately for another backend and another code', () => {
    const { report, told } = reporter();
    report('BACKEND_UNAVAILABLE', 'a', () => error('1'));
    report('BACKEND_UNAVAILABLE', 'b', () => error('2'));
    report('TIMEOUT', 'a', () => error('3'));
    report('BACKEND_UNAVAILABLE', undefined, () => error('4'));
    report('BACKEND_UNAVAILABLE', 'a', () => error('5'));
    expect(told).toEqual(['1', '2', '3', '4']);
  });

  test('without being changed, also when the same one comes again and again, frozen', async () => {
    const { report, told, clock } = reporter();
    const constant = Object.freeze(error('constant'));
    for (let minute = 0; minute < 3; minute += 1) {
      report('BACKEND_UNAVAILABLE', 'a', () => constant);
      report('BACKEND_UNAVAILABLE', 'a', () => constant);
      await clock.advance(60_000);
    }
    expect(constant.message).toBe('constant');
    const note = 'constant (1 more since the last report)';
    expect(told).toEqual(['constant', note, note]);
  });

  test('separately for each field of an event, whatever names the user gave it', async () => {
    const made = rig();
    for (let round = 0; round < 3; round += 1) {
      made.analytics.recordSkillRating({ skillId: 's', rating: 6 });
      made.analytics.recordToolInvocation({ toolName: '', success: true });
      made.analytics.logMetrics({ [`name ${round}`]: Number.NaN });
      await made.analytics.trackOperation('op', (operation) => operation.set({ cost: { usd: -round - 1 } }));
    }
    expect(made.errors.map(({ problems }) => problems[0]?.field)).toEqual([
      'rating',
      'toolName',
      'values."name 0"',
      'cost.usd',
    ]);
  });

  test('and made only when they will be', () => {
    const { report } = reporter();
    let made = 0;
    for (let at = 0; at < 10; at += 1) {
      report('TIMEOUT', 'a', () => {
        made += 1;
        return error();
      });
    }
    expect(made).toBe(1);
  });
});

describe('onError', () => {
  const callbacks: Record<string, NonNullable<AnalyticsOptions['onError']>> = {
    ...Object.fromEntries(
      oddThrown.map(([what, thrown]) => [
        `throws ${what}`,
        () => {
          throw thrown();
        },
      ]),
    ),
    ...Object.fromEntries(oddThrown.map(([what, thrown]) => [`rejects with ${what}`, () => Promise.reject(thrown())])),
    'returns a thenable that throws': () =>
      ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
        then() {
          throw new Error('x');
        },
      }) as never,
  };

  test.each(Object.entries(callbacks))('that %s hurts nobody', async (_, onError) => {
    const unhandled = noteUnhandled();
    const { analytics } = rig({}, { onError });
    analytics.record(undefined as never);
    await turn();
    await turn();
    expect(unhandled).toEqual([]);
    expect(dropsOf(analytics)).toEqual({ invalid: 1 });
  });

  test('that records something wrong itself does not go on for ever', () => {
    let calls = 0;
    const { analytics } = rig(
      {},
      {
        onError() {
          calls += 1;
          analytics.record(undefined as never);
        },
      },
    );
    analytics.record(undefined as never);
    expect(calls).toBe(1);
    expect(dropsOf(analytics)).toEqual({ invalid: 2 });
  });

  test('is told the field, what was wrong and what is allowed', () => {
    const { analytics, errors } = rig();
    analytics.recordSkillRating({ skillId: 'a', rating: 9 });
    expect(errors[0]).toMatchObject({
      code: 'INVALID_EVENT',
      message: 'Refused an event: rating must be a whole number from 1 to 5, got 9',
      problems: [{ field: 'rating', message: 'must be a whole number from 1 to 5, got 9' }],
    });
  });

  test('is told what a getter threw', () => {
    const { analytics, errors } = rig();
    const thrown = new RangeError('boom');
    analytics.record({
      get type(): never {
        throw thrown;
      },
    } as never);
    expect(errors[0]).toMatchObject({ message: 'Refused an event: reading it threw RangeError: boom', cause: thrown });
  });

  test.each(oddThrown)('is told something, and the event counted, when a getter throws %s', (_, thrown) => {
    const { analytics, errors } = rig();
    analytics.record({
      get type(): never {
        throw thrown();
      },
    } as never);
    expect(dropsOf(analytics)).toEqual({ invalid: 1 });
    expect(errors[0]?.message).toMatch(/^Refused an event: reading it threw /);
  });

  test('is not needed', () => {
    const { analytics } = rig({}, { onError: undefined, backends: [memory()] });
    analytics.record(undefined as never);
    expect(dropsOf(analytics, 'memory')).toEqual({ invalid: 1 });
  });
});

describe('what a backend threw', () => {
  test('stays what it is when it names its backend, and is named otherwise', () => {
    const named = new AnalyticsError('TIMEOUT', 'x', { backend: 'other' });
    expect(toAnalyticsError(named, 'far')).toBe(named);
    const nameless = new AnalyticsError('TIMEOUT', 'x', { retryAfterMs: 5, problems: [{ field: 'f', message: 'm' }] });
    expect(toAnalyticsError(nameless, 'far')).toMatchObject({
      code: 'TIMEOUT',
      message: 'x',
      backend: 'far',
      retryAfterMs: 5,
      problems: [{ field: 'f', message: 'm' }],
      cause: nameless,
    });
  });

  test.each([
    [new TypeError('bad'), 'TypeError: bad'],
    [Object.assign(new Error('gone'), { code: 'ECONNRESET' }), 'ECONNRESET: gone'],
    [new Error(''), 'Error'],
    ['text', 'NonError: text'],
    [undefined, 'NonError: undefined'],
  ])('becomes INTERNAL with a message: %o', (thrown, message) => {
    expect(toAnalyticsError(thrown, 'far')).toMatchObject({
      code: 'INTERNAL',
      message: `far: ${message}`,
      backend: 'far',
    });
  });
});
