import { constants } from 'node:os';
import type { Backend } from './backend.ts';
import type { AnalyticsOptions, RetryOptions } from './client.ts';
import { clockProblem, guardedClock, systemClock } from './clock.ts';
import { type AnalyticsError, configError, type Problem } from './errors.ts';
import { guardedRandom } from './random.ts';
import { requiredNumber } from './values/check.ts';
import { describe, isObject } from './values/describe.ts';
import { unknownNames } from './values/unknown.ts';

type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

export interface ResolvedOptions extends Complete<Omit<AnalyticsOptions, 'onError' | 'newId' | 'prices' | 'retry'>> {
  readonly retry: Complete<RetryOptions>;
  readonly onError: AnalyticsOptions['onError'];
  readonly newId: AnalyticsOptions['newId'];
  readonly prices: AnalyticsOptions['prices'];
}

const noMaximum = Number.POSITIVE_INFINITY;
const backendMethods = ['write', 'writeSync', 'flush', 'check', 'attach', 'closing', 'close'] as const;

/**
 * The options with their defaults. They are checked here, not by `checkOptions`, most of which a program that only records does
 * not need in its bundle.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem.
 */
export function resolveOptions(options: AnalyticsOptions): ResolvedOptions {
  const problems: Problem[] = [];

  function problem(field: string, message: string): void {
    problems.push({ field, message });
  }
  /** Adds a problem unless `right`, which it returns. */
  function check(right: boolean, field: string, what: string, value: unknown): boolean {
    if (!right) {
      problem(field, `must ${what}, got ${describe(value)}`);
    }
    return right;
  }
  /** Without a default, the value is required. */
  function number(
    field: string,
    value: unknown,
    byDefault?: number,
    min = 1,
    max = noMaximum,
    isWhole = false,
  ): number {
    if (value === undefined && byDefault !== undefined) {
      return byDefault;
    }
    try {
      return requiredNumber(value, field, min, max, isWhole);
    } catch (thrown) {
      problems.push(...(thrown as AnalyticsError).problems);
      return min;
    }
  }
  function whole(field: string, value: unknown, byDefault?: number): number {
    return number(field, value, byDefault, 1, noMaximum, true);
  }
  function callback<T>(field: string, value: T): T {
    check(value === undefined || typeof value === 'function', field, 'be a function', value);
    return value;
  }
  function list<T>(field: string, value: readonly T[], what: string): readonly T[] {
    return check(Array.isArray(value), field, `be an array of ${what}`, value) ? [...value] : [];
  }

  function checkBackend(backend: Backend, field: string, names: Set<string>): void {
    if (!check(isObject(backend), field, 'be a backend', backend)) {
      return;
    }
    const { name, delivery, settings } = backend;
    if (
      check(typeof name === 'string' && name !== '', `${field}.name`, 'be a non-empty string', name) &&
      names.has(name)
    ) {
      problem(`${field}.name`, `must be unique, got ${describe(name)} twice`);
    }
    names.add(name);
    check(isObject(settings), `${field}.settings`, 'be an object', settings);
    for (const method of backendMethods) {
      const given: unknown = backend[method];
      const isOptional = method !== 'write' && given === undefined;
      check(isOptional || typeof given === 'function', `${field}.${method}`, 'be a function', given);
    }
    if (
      delivery !== 'immediate' &&
      delivery !== 'counting' &&
      check(isObject(delivery), `${field}.delivery`, "be 'immediate', 'counting' or an object", delivery)
    ) {
      whole(`${field}.delivery.maxEvents`, delivery.maxEvents);
      number(`${field}.delivery.maxDelayMs`, delivery.maxDelayMs, undefined, 0);
    }
  }

  function checkSignal(signal: unknown): void {
    const isName = typeof signal === 'string' && Object.hasOwn(constants.signals, signal);
    // No process can listen to these two.
    const isFit = isName && !['SIGKILL', 'SIGSTOP'].includes(signal);
    check(isFit, 'flushOnSignals', 'hold signals such as SIGTERM', signal);
  }

  if (!check(isObject(options), 'options', 'be an object', options)) {
    throw configError(problems);
  }
  const { retry = {}, flushOnSignals = [], prices, clock = systemClock } = options;
  const errorMessages = options.errorMessages ?? true;
  const backends = list('backends', options.backends, 'backends');
  const names = new Set<string>();
  for (const [index, backend] of backends.entries()) {
    checkBackend(backend, `backends[${index}]`, names);
  }
  const signals = list('flushOnSignals', flushOnSignals, 'signal names');
  signals.forEach(checkSignal);
  const delays: RetryOptions = check(isObject(retry), 'retry', 'be an object', retry) ? retry : {};
  const minDelayMs = number('retry.minDelayMs', delays.minDelayMs, 500, 0);
  const resolved: ResolvedOptions = {
    backends,
    onError: callback('onError', options.onError),
    sampleRate: number('sampleRate', options.sampleRate, 1, 0, 1),
    slowMs: number('slowMs', options.slowMs, 5_000, 0),
    batchSize: whole('batchSize', options.batchSize, noMaximum),
    maxQueueEvents: whole('maxQueueEvents', options.maxQueueEvents, 65_536),
    maxQueueBytes: whole('maxQueueBytes', options.maxQueueBytes, 32 * 1024 * 1024),
    retry: {
      minDelayMs,
      maxDelayMs: number('retry.maxDelayMs', delays.maxDelayMs, Math.max(30_000, minDelayMs), minDelayMs),
      maxAttempts: whole('retry.maxAttempts', delays.maxAttempts, 1_000),
    },
    errorMessages,
    prices,
    flushOnSignals: signals,
    clock: clock === systemClock ? clock : guardedClock(clock),
    newId: callback('newId', options.newId),
    random: guardedRandom(callback('random', options.random ?? Math.random)),
  };
  check(typeof errorMessages === 'boolean', 'errorMessages', 'be true or false', errorMessages);
  check(prices === undefined || typeof prices?.price === 'function', 'prices', 'have the method price', prices);
  const wrongClock = clockProblem(clock);
  if (wrongClock !== undefined) {
    problem('clock', wrongClock);
  }
  problems.push(...unknownNames(options, resolved), ...unknownNames(delays, resolved.retry, 'retry.'));
  if (problems.length > 0) {
    throw configError(problems);
  }
  return resolved;
}
