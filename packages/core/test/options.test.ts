import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { AnalyticsError, type Backend, createAnalytics, memory } from '../src/index.ts';

const backend: Backend = { name: 'b', delivery: 'immediate', settings: {}, write() {} };

/** `field message` of every problem that the options have. */
function problemsOf(options: unknown): string[] {
  try {
    createAnalytics(options as never);
  } catch (error) {
    if (error instanceof AnalyticsError && error.code === 'INVALID_CONFIG') {
      return error.problems.map(({ field, message }) => `${field} ${message}`);
    }
    throw error;
  }
  return [];
}

test('refuses a Node that is too old', () => {
  vi.stubGlobal(
    'Promise',
    new Proxy(Promise, { get: (of, name) => (name === 'withResolvers' ? undefined : Reflect.get(of, name)) }),
  );
  try {
    expect(() => createAnalytics({ backends: [] })).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('Node 22.18 or later is needed'),
      }),
    );
  } finally {
    vi.unstubAllGlobals();
  }
});

describe('wrong options are refused', () => {
  test.each([
    [undefined, 'options must be an object, got undefined'],
    [null, 'options must be an object, got null'],
    ['sqlite', 'options must be an object, got "sqlite"'],
    [{}, 'backends must be an array of backends, got undefined'],
    [{ backends: backend }, 'backends must be an array of backends, got an object'],
    [{ backends: [undefined] }, 'backends[0] must be a backend, got undefined'],
    [{ backends: [Promise.resolve(backend)] }, 'backends[0] must be a backend, got a promise: await it'],
    [{ backends: [{ ...backend, name: '' }] }, 'backends[0].name must be a non-empty string, got ""'],
    [{ backends: [{ ...backend, name: 5 }] }, 'backends[0].name must be a non-empty string, got 5'],
    [{ backends: [backend, backend] }, 'backends[1].name must be unique, got "b" twice'],
    [{ backends: [{ ...backend, settings: undefined }] }, 'backends[0].settings must be an object, got undefined'],
    [{ backends: [{ ...backend, write: undefined }] }, 'backends[0].write must be a function, got undefined'],
    [{ backends: [{ ...backend, close: true }] }, 'backends[0].close must be a function, got true'],
    [{ backends: [{ ...backend, flush: {} }] }, 'backends[0].flush must be a function, got an object'],
    [{ backends: [{ ...backend, check: 'x' }] }, 'backends[0].check must be a function, got "x"'],
    [{ backends: [{ ...backend, writeSync: null }] }, 'backends[0].writeSync must be a function, got null'],
    [
      { backends: [], sampelRate: 0.1 },
      'sampelRate is not an option; the options are backends, onError, sampleRate, slowMs, batchSize, maxQueueEvents, maxQueueBytes, retry, errorMessages, prices, flushOnSignals, clock, newId, random',
    ],
    [
      { backends: [], retry: { attempts: 3 } },
      'retry.attempts is not an option; the options are minDelayMs, maxDelayMs, maxAttempts',
    ],
    [{ backends: [], onError: 'log' }, 'onError must be a function, got "log"'],
    [{ backends: [], sampleRate: 1.1 }, 'sampleRate must be a number from 0 to 1, got 1.1'],
    [{ backends: [], sampleRate: '1' }, 'sampleRate must be a number from 0 to 1, got "1"'],
    [{ backends: [], sampleRate: Number.NaN }, 'sampleRate must be a number from 0 to 1, got NaN'],
    [{ backends: [], slowMs: -1 }, 'slowMs must be a number >= 0, got -1'],
    [{ backends: [], batchSize: 0 }, 'batchSize must be a whole number >= 1, got 0'],
    [{ backends: [], maxQueueEvents: 0 }, 'maxQueueEvents must be a whole number >= 1, got 0'],
    [{ backends: [], maxQueueEvents: 1.5 }, 'maxQueueEvents must be a whole number >= 1, got 1.5'],
    [{ backends: [], maxQueueBytes: null }, 'maxQueueBytes must be a whole number >= 1, got null'],
    [{ backends: [], retry: null }, 'retry must be an object, got null'],
    [{ backends: [], retry: 5 }, 'retry must be an object, got 5'],
    [{ backends: [], retry: { minDelayMs: -1 } }, 'retry.minDelayMs must be a number >= 0, got -1'],
    [{ backends: [], retry: { minDelayMs: 9, maxDelayMs: 8 } }, 'retry.maxDelayMs must be a number >= 9, got 8'],
    [{ backends: [], retry: { maxAttempts: 0 } }, 'retry.maxAttempts must be a whole number >= 1, got 0'],
    [{ backends: [], prices: 'table' }, 'prices must have the method price, got "table"'],
    [{ backends: [], prices: {} }, 'prices must have the method price, got an object'],
    [{ backends: [], prices: Promise.resolve() }, 'prices must have the method price, got a promise: await it'],
    [{ backends: [], errorMessages: 'no' }, 'errorMessages must be true or false, got "no"'],
    [{ backends: [], flushOnSignals: 'SIGTERM' }, 'flushOnSignals must be an array of signal names, got "SIGTERM"'],
    [{ backends: [], flushOnSignals: ['SIGTREM'] }, 'flushOnSignals must hold signals such as SIGTERM, got "SIGTREM"'],
    [
      { backends: [], flushOnSignals: [Symbol('SIGTERM')] },
      'flushOnSignals must hold signals such as SIGTERM, got a symbol',
    ],
    [{ backends: [], flushOnSignals: ['SIGKILL'] }, 'flushOnSignals must hold signals such as SIGTERM, got "SIGKILL"'],
    [{ backends: [], flushOnSignals: ['SIGSTOP'] }, 'flushOnSignals must hold signals such as SIGTERM, got "SIGSTOP"'],
    [{ backends: [], clock: null }, 'clock must have the methods now, monotonic, setTimeout, clearTimeout, got null'],
    [
      { backends: [], clock: { ...systemClock, monotonic: 1 } },
      'clock must have the methods now, monotonic, setTimeout, clearTimeout, got an object',
    ],
    [{ backends: [], newId: 'id' }, 'newId must be a function, got "id"'],
    [{ backends: [], random: 0.5 }, 'random must be a function, got 0.5'],
  ])('%o', (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  test.each([undefined, null, 5])('a delivery that is %s', (delivery) => {
    expect(problemsOf({ backends: [{ ...backend, delivery }] })).toEqual([
      `backends[0].delivery must be 'immediate', 'counting' or an object, got ${delivery}`,
    ]);
  });

  test.each([
    [undefined, undefined],
    [0, -1],
    [1.5, Number.NaN],
    [Number.POSITIVE_INFINITY, null],
  ])('a delivery with maxEvents %s and maxDelayMs %s', (maxEvents, maxDelayMs) => {
    expect(problemsOf({ backends: [{ ...backend, delivery: { maxEvents, maxDelayMs } }] })).toEqual([
      `backends[0].delivery.maxEvents must be a whole number >= 1, got ${maxEvents}`,
      `backends[0].delivery.maxDelayMs must be a number >= 0, got ${maxDelayMs}`,
    ]);
  });

  test('all problems at once', () => {
    const options = { backends: [{ name: 'x' }], sampleRate: 2, retry: { maxAttempts: 0 }, errorMessages: 1 };
    expect(problemsOf(options)).toEqual([
      'backends[0].settings must be an object, got undefined',
      'backends[0].write must be a function, got undefined',
      "backends[0].delivery must be 'immediate', 'counting' or an object, got undefined",
      'sampleRate must be a number from 0 to 1, got 2',
      'retry.maxAttempts must be a whole number >= 1, got 0',
      'errorMessages must be true or false, got 1',
    ]);
  });
});

describe('right options', () => {
  test.each([
    [{ backends: [] }],
    [{ backends: [memory(), memory({ name: 'other' })] }],
    [{ backends: [], sampleRate: 0, slowMs: 0, batchSize: 1, maxQueueEvents: 1, maxQueueBytes: 1 }],
    [{ backends: [], retry: {} }],
    [{ backends: [], retry: { minDelayMs: 0, maxDelayMs: 0, maxAttempts: 1 } }],
    [{ backends: [], flushOnSignals: ['SIGTERM', 'SIGINT'] }],
    [{ backends: [{ ...backend, delivery: { maxEvents: 1, maxDelayMs: 0 } }] }],
    [
      {
        backends: [],
        onError: undefined,
        sampleRate: undefined,
        retry: undefined,
        clock: undefined,
        random: undefined,
      },
    ],
  ])('%o', (options) => {
    expect(problemsOf(options)).toEqual([]);
  });

  test('have the documented defaults', () => {
    expect(createAnalytics({ backends: [] }).getConfigSummary()).toEqual({
      sampleRate: 1,
      maxQueueEvents: 65_536,
      maxQueueBytes: 32 * 1024 * 1024,
      backends: {},
    });
  });

  test('are read at the start only', async () => {
    const backends = [memory()];
    const analytics = createAnalytics({ backends });
    backends.pop();
    analytics.record({ type: 'health', skillId: 'a', score: 1 });
    expect(Object.keys(analytics.stats().backends)).toEqual(['memory']);
    expect(Object.keys(analytics.getConfigSummary().backends)).toEqual(['memory']);
    await analytics.close();
  });
});

test('a delay that no timer can hold becomes the longest one, instead of 1 ms and a warning', () => {
  const setTimeout = vi.spyOn(globalThis, 'setTimeout').mockReturnValue({} as never);
  for (const delayMs of [5, 2 ** 31, 1e12, Number.POSITIVE_INFINITY]) {
    systemClock.setTimeout(() => {}, delayMs);
  }
  expect(setTimeout.mock.calls.map(([, delayMs]) => delayMs)).toEqual([5, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1]);
  setTimeout.mockRestore();
});
