import type { AsyncLocalStorage } from 'node:async_hooks';
import * as types from 'node:util/types';
import type { Analytics, Clock, DescribeCall, Operation, OperationDetails, SubjectDetails } from '../client.ts';
import type { ErrorInfo } from '../events/event.ts';
import type { ExecutionInput } from '../events/input.ts';
import { optionalError, optionalObject, refuseValue } from '../values/check.ts';
import { describeThrown } from '../values/thrown.ts';
import { rootOf, type Surroundings } from './context.ts';

export interface Tracker {
  /** The number of operations that have begun and not ended. */
  activeOperations(): number;
  trackOperation: Analytics['trackOperation'];
  wrapTool: Analytics['wrapTool'];
}

export interface TrackerOptions {
  readonly context: AsyncLocalStorage<Surroundings>;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Records what `make` returns: whole, or if that is invalid, without its details. Never throws, even if `make` does. */
  readonly record: (make: (isWhole: boolean) => TrackedInput) => void;
}

type TrackedInput = ExecutionInput & { readonly sampleRate?: unknown };

/** An execution under way. It is recorded once, by whichever end comes first. */
interface Execution {
  readonly operation: Operation;
  /** Calls `fn` inside the execution's context. */
  within<T>(fn: () => T): T;
  succeeded(result?: unknown): void;
  threw(thrown: unknown): void;
  /** Stops counting it as active. It may still be recorded. */
  release(): void;
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Start = (args: unknown[], id?: string) => Execution;
type Describe = (result: unknown) => OperationDetails;

export function createTracker({ context, clock, newId, record }: TrackerOptions): Tracker {
  let active = 0;

  function begin(
    subject: string | Partial<SubjectDetails>,
    defaults: { kind: 'operation' | 'tool'; name?: string },
    describe?: Describe,
    id: string = newId(),
  ): Execution {
    const outer = context.getStore();
    const around = { ...outer, rootId: rootOf(outer) ?? id };
    const startedMs = clock.monotonic();
    let details: OperationDetails = {};
    /** Why the details cannot be recorded. */
    let misuse: { readonly thrown: unknown } | undefined;
    let failure: ErrorInfo | undefined;
    let failed = false;
    let ended = false;
    let isActive = true;
    active += 1;

    function release(): void {
      active -= Number(isActive);
      isActive = false;
    }

    /** Does `work` for the callback, and keeps the first error instead of throwing into it. */
    function take(work: () => void): void {
      try {
        work();
      } catch (thrown) {
        misuse ??= { thrown };
      }
    }

    function allDetails(result: unknown): object {
      if (misuse !== undefined) {
        throw misuse.thrown;
      }
      return describe ? definedFields(describe(result), 'details') : details;
    }

    function end(success: boolean, error: ErrorInfo | undefined, result?: unknown): void {
      if (ended) {
        return;
      }
      ended = true;
      release();
      const latencyMs = Math.max(0, clock.monotonic() - startedMs);
      const outcome = { type: 'execution', id, success, error, latencyMs } as const;
      // In the context of the start, as a generator may be ended from an unrelated one.
      context.run(around, record, (isWhole) => {
        const named = typeof subject === 'string' ? { name: subject } : definedFields(subject, 'subject');
        return { ...defaults, ...around, ...named, ...(isWhole && allDetails(result)), ...outcome } as TrackedInput;
      });
    }

    return {
      operation: {
        id,
        set: (more) =>
          take(() => {
            details = { ...details, ...definedFields(more, 'details') };
          }),
        fail(error) {
          failed = true;
          take(() => {
            failure = optionalError(error, 'error');
          });
        },
      },
      within: (fn) => context.run({ ...around, parentId: id }, fn),
      succeeded: (result) => end(!failed, failure, result),
      threw: (thrown) => end(false, failure ?? describeThrown(thrown)),
      release,
    };
  }

  function wrap(fn: AnyFunction, start: Start): AnyFunction {
    if (types.isGeneratorFunction(fn)) {
      return types.isAsyncFunction(fn) ? wrapAsyncGenerator(fn, start) : wrapGenerator(fn, start);
    }
    return types.isAsyncFunction(fn) ? wrapAsync(fn, start) : wrapSync(fn, start);
  }

  return {
    activeOperations: () => active,
    async trackOperation(subject, fn) {
      const execution = begin(subject, { kind: 'operation' });
      return follow(execution, () => fn(execution.operation));
    },
    wrapTool(fn, subject = {}, describe = undefined) {
      if (typeof fn !== 'function') {
        record(() => refuseValue(fn, 'wrapTool', 'given a function'));
        return fn;
      }
      let name = 'anonymous';
      const describeCall = describe as DescribeCall<AnyFunction> | undefined;
      const wrapped = wrap(fn as unknown as AnyFunction, (args, id) =>
        begin(subject, { kind: 'tool', name }, describeCall && ((result) => describeCall(args, result)), id),
      );
      try {
        name = fn.name || name;
        const {
          prototype: _,
          arguments: __,
          caller: ___,
          ...own
        } = Object.getOwnPropertyDescriptors(fn) as PropertyDescriptorMap;
        Object.defineProperties(wrapped, own);
      } catch {
        // A Proxy whose traps throw can still be called.
      }
      return wrapped as unknown as typeof fn;
    },
  };
}

/** The given fields without those that are undefined, which must not hide known ones. */
function definedFields(given: unknown, field: string): object {
  return Object.fromEntries(Object.entries(optionalObject(given, field)).filter(([, value]) => value !== undefined));
}

function wrapSync(fn: AnyFunction, start: Start): AnyFunction {
  return function (...args) {
    const execution = start(args);
    let result: unknown;
    try {
      result = execution.within(() => Reflect.apply(fn, this, args));
    } catch (thrown) {
      execution.threw(thrown);
      throw thrown;
    }
    if (types.isGeneratorObject(result)) {
      // Measured from its first step, which may never come. It keeps its id, to which what was recorded until now may refer.
      execution.release();
      const wrapSteps = Symbol.asyncIterator in result ? wrapAsyncGenerator : wrapGenerator;
      return wrapSteps(
        () => result,
        () => start(args, execution.operation.id),
      )();
    }
    // Real promises only: to some thenables (query builders, say) `then` means "start now".
    if (!types.isPromise(result)) {
      execution.succeeded(result);
      return result;
    }
    if (result.then !== Promise.prototype.then) {
      recordWhenAwaited(result, execution);
      return result;
    }
    // Symbols are ignored: Node stores internal state in some promises under symbols.
    const isPlain =
      Object.getPrototypeOf(result) === Promise.prototype && Object.getOwnPropertyNames(result).length === 0;
    const followed = result.then(
      (value) => {
        execution.succeeded(value);
        return value;
      },
      (thrown) => {
        execution.threw(thrown);
        // If the promise is not plain, the caller gets it itself, and so its rejection.
        if (isPlain) {
          throw thrown;
        }
      },
    );
    // A promise with more abilities must keep them.
    return isPlain ? followed : result;
  };
}

/**
 * Records the outcome of a promise when its caller awaits it. A `then` of its own may do work that can be done only once (the
 * OpenAI SDK's reads the body of the response), so only the caller may call it.
 */
function recordWhenAwaited(promise: Promise<unknown>, execution: Execution): void {
  const { then } = promise;
  const awaitOriginal = (): Promise<unknown> =>
    then.call(
      promise,
      (value) => {
        execution.succeeded(value);
        return value;
      },
      (thrown) => {
        execution.threw(thrown);
        throw thrown;
      },
    );
  // The caller may never await it.
  execution.release();
  try {
    Object.assign(promise, {
      // biome-ignore lint/suspicious/noThenProperty: it takes the place of one
      then: ((...handlers) => awaitOriginal().then(...handlers)) as Promise<unknown>['then'],
      catch: ((...handlers) => awaitOriginal().catch(...handlers)) as Promise<unknown>['catch'],
      finally: ((...handlers) => awaitOriginal().finally(...handlers)) as Promise<unknown>['finally'],
    });
  } catch {
    // The call that returned a frozen promise goes unrecorded.
  }
}

function wrapAsync(fn: AnyFunction, start: Start): AnyFunction {
  return async function (...args) {
    return follow(start(args), () => Reflect.apply(fn, this, args));
  };
}

async function follow<T>(execution: Execution, work: () => T | PromiseLike<T>): Promise<T> {
  try {
    const value = await execution.within(work);
    execution.succeeded(value);
    return value;
  } catch (thrown) {
    execution.threw(thrown);
    throw thrown;
  }
}

interface Steps<S> {
  next(value: unknown): S;
  return(value: unknown): S;
  throw(thrown: unknown): S;
}

/** The steps of a generator, each taken in the context of the execution. */
function steps<S>(inner: Steps<S>, execution: Execution): Steps<S> {
  return {
    next: (value) => execution.within(() => inner.next(value)),
    return: (value) => execution.within(() => inner.return(value)),
    throw: (thrown) => execution.within(() => inner.throw(thrown)),
  };
}

function wrapGenerator(fn: AnyFunction, start: Start): AnyFunction {
  return function* (...args) {
    const execution = start(args);
    try {
      const inner = execution.within(() => Reflect.apply(fn, this, args)) as Generator;
      return yield* {
        [Symbol.iterator]() {
          return this;
        },
        ...steps(inner, execution),
      };
    } catch (thrown) {
      execution.threw(thrown);
      throw thrown;
    } finally {
      // Also when the consumer stops early.
      execution.succeeded();
    }
  };
}

function wrapAsyncGenerator(fn: AnyFunction, start: Start): AnyFunction {
  return async function* (...args) {
    const execution = start(args);
    try {
      const inner = execution.within(() => Reflect.apply(fn, this, args)) as AsyncGenerator;
      return yield* {
        [Symbol.asyncIterator]() {
          return this;
        },
        ...steps(inner, execution),
      };
    } catch (thrown) {
      execution.threw(thrown);
      throw thrown;
    } finally {
      execution.succeeded();
    }
  };
}
