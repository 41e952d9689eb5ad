import { constants } from 'node:os';
import type { Backend } from './backend.ts';
import type { AnalyticsOptions, Clock, RetryOptions } from './client.ts';
import { systemClock } from './clock.ts';
import { describe } from './describe.ts';
import { configError, type Problem } from './errors.ts';
import { guardedRandom } from './random.ts';

type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

export interface ResolvedOptions extends Complete<Omit<AnalyticsOptions, 'onError' | 'newId' | 'prices' | 'retry'>> {
  readonly retry: Complete<RetryOptions>;
  readonly onError: AnalyticsOptions['onError'];
  readonly newId: AnalyticsOptions['newId'];
  readonly prices: AnalyticsOptions['prices'];
}

/**
 * The options with their defaults.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem.
 */
export function resolveOptions(options: AnalyticsOptions): ResolvedOptions {
  const problems: Problem[] = [];

  function number(field: string, value: unknown, byDefault: number, min: number, max: number, whole: boolean): number {
    if (value === undefined) {
      return byDefault;
    }
    if (typeof value !== 'number' || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
      const range = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `from ${min} to ${max}`;
      problems.push({ field, message: `must be a ${whole ? 'whole ' : ''}number ${range}, got ${describe(value)}` });
      return byDefault;
    }
    return value;
  }
  const whole = (field: string, value: unknown, byDefault: number, min: number): number =>
    number(field, value, byDefault, min, Number.MAX_SAFE_INTEGER, true);
  function callback<T>(field: string, value: T): T {
    if (value !== undefined && typeof value !== 'function') {
      problems.push({ field, message: `must be a function, got ${describe(value)}` });
    }
    return value;
  }

  if (typeof options !== 'object' || options === null) {
    throw configError([{ field: 'options', message: `must be an object, got ${describe(options)}` }]);
  }
  const { backends, clock = systemClock, flushOnSignals = [], prices } = options;
  let { retry = {} } = options;
  if (typeof retry !== 'object' || retry === null) {
    problems.push({ field: 'retry', message: `must be an object, got ${describe(retry)}` });
    retry = {};
  }
  problems.push(...backendProblems(backends), ...signalProblems(flushOnSignals));
  const minDelayMs = number('retry.minDelayMs', retry.minDelayMs, 500, 0, Number.MAX_SAFE_INTEGER, false);
  const resolved: ResolvedOptions = {
    backends: Array.isArray(backends) ? [...backends] : [],
    onError: callback('onError', options.onError),
    sampleRate: number('sampleRate', options.sampleRate, 1, 0, 1, false),
    slowMs: number('slowMs', options.slowMs, 5_000, 0, Number.MAX_SAFE_INTEGER, false),
    batchSize: whole('batchSize', options.batchSize, Number.MAX_SAFE_INTEGER, 1),
    maxQueueEvents: whole('maxQueueEvents', options.maxQueueEvents, 65_536, 1),
    maxQueueBytes: whole('maxQueueBytes', options.maxQueueBytes, 32 * 1024 * 1024, 1),
    retry: {
      minDelayMs,
      maxDelayMs: number('retry.maxDelayMs', retry.maxDelayMs, 30_000, minDelayMs, Number.MAX_SAFE_INTEGER, false),
      maxAttempts: whole('retry.maxAttempts', retry.maxAttempts, 10, 1),
    },
    errorMessages: options.errorMessages ?? true,
    prices,
    flushOnSignals: Array.isArray(flushOnSignals) ? [...flushOnSignals] : [],
    clock: completeClock(clock) ? clock : systemClock,
    newId: callback('newId', options.newId),
    random: guardedRandom(callback('random', options.random ?? Math.random)),
  };
  if (typeof resolved.errorMessages !== 'boolean') {
    problems.push({
      field: 'errorMessages',
      message: `must be true or false, got ${describe(resolved.errorMessages)}`,
    });
  }
  if (prices !== undefined && typeof prices?.price !== 'function') {
    problems.push({ field: 'prices', message: `must have the method price, ${gotInstead(prices)}` });
  }
  if (!completeClock(clock)) {
    problems.push({ field: 'clock', message: 'must have the methods now, monotonic, setTimeout and clearTimeout' });
  }
  if (problems.length > 0) {
    throw configError(problems);
  }
  return resolved;
}

function completeClock(clock: Clock): boolean {
  const methods: readonly (keyof Clock)[] = ['now', 'monotonic', 'setTimeout', 'clearTimeout'];
  return methods.every((method) => typeof clock?.[method] === 'function');
}

function signalProblems(signals: readonly NodeJS.Signals[]): Problem[] {
  const field = 'flushOnSignals';
  if (!Array.isArray(signals)) {
    return [{ field, message: `must be an array of signal names, got ${describe(signals)}` }];
  }
  const problems: Problem[] = [];
  for (const signal of signals as readonly unknown[]) {
    if (typeof signal !== 'string' || !Object.hasOwn(constants.signals, signal)) {
      problems.push({ field, message: `must hold names of signals, such as SIGTERM, got ${describe(signal)}` });
    } else if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      problems.push({ field, message: `cannot hold ${signal}: no program can listen to it` });
    }
  }
  return problems;
}

function backendProblems(backends: readonly Backend[]): Problem[] {
  if (!Array.isArray(backends)) {
    return [{ field: 'backends', message: `must be an array of backends, got ${describe(backends)}` }];
  }
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const [index, backend] of backends.entries()) {
    const field = `backends[${index}]`;
    if (typeof backend !== 'object' || backend === null || 'then' in backend) {
      problems.push({ field, message: `must be a backend, ${gotInstead(backend)}` });
      continue;
    }
    const { name, delivery } = backend;
    if (typeof name !== 'string' || name === '') {
      problems.push({ field: `${field}.name`, message: `must be a text, got ${describe(name)}` });
    } else if (names.has(name)) {
      problems.push({
        field: `${field}.name`,
        message: `must be unique, but another one is called ${describe(name)} too`,
      });
    }
    names.add(name);
    if (typeof backend.settings !== 'object' || backend.settings === null) {
      problems.push({ field: `${field}.settings`, message: `must be an object, got ${describe(backend.settings)}` });
    }
    for (const method of ['write', 'writeSync', 'flush', 'check', 'attach', 'close'] as const) {
      const given: unknown = backend[method];
      if (typeof given !== 'function' && (given !== undefined || method === 'write')) {
        problems.push({ field: `${field}.${method}`, message: `must be a function, got ${describe(given)}` });
      }
    }
    if (delivery !== 'immediate' && !isBatchDelivery(delivery)) {
      const message = "must be 'immediate' or { maxEvents: whole number >= 1, maxDelayMs: number >= 0 }";
      problems.push({ field: `${field}.delivery`, message });
    }
  }
  return problems;
}

/** What is to be awaited first is the usual mistake. */
function gotInstead(value: unknown): string {
  const isPromise = typeof value === 'object' && value !== null && 'then' in value;
  return isPromise ? 'got a promise: await it' : `got ${describe(value)}`;
}

function isBatchDelivery(delivery: unknown): boolean {
  if (typeof delivery !== 'object' || delivery === null) {
    return false;
  }
  const { maxEvents, maxDelayMs } = delivery as Record<string, unknown>;
  return Number.isInteger(maxEvents) && Number(maxEvents) >= 1 && typeof maxDelayMs === 'number' && maxDelayMs >= 0;
}
