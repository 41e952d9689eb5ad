import * as types from 'node:util/types';
import type { Operation } from '../client.ts';

/** An execution under way. It is recorded once, by whichever end comes first. */
export interface Execution {
  readonly operation: Operation;
  /** Calls `fn` inside the execution's context. */
  within<T>(fn: () => T): T;
  succeeded(result?: unknown): void;
  threw(thrown: unknown): void;
  /** Stops counting it as active. It may still be recorded. */
  release(): void;
}

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
export type Start = (args: unknown[], id?: string) => Execution;

/** Returns a function of the same sort as `fn` (sync, async, generator or async generator); `start` begins each call's execution. */
export function wrap(fn: AnyFunction, start: Start): AnyFunction {
  if (types.isGeneratorFunction(fn)) {
    return types.isAsyncFunction(fn) ? wrapAsyncGenerator(fn, start) : wrapGenerator(fn, start);
  }
  return types.isAsyncFunction(fn) ? wrapAsync(fn, start) : wrapSync(fn, start);
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
      recordSteps(result as unknown as Steps<unknown>, () => start(args, execution.operation.id));
      return result;
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

/** The executions that end when a promise with a `then` of its own is awaited; a caller may get the same promise again. */
const awaited = /* @__PURE__ */ new WeakMap<Promise<unknown>, Execution[]>();
/** Generators that are recorded already. */
const stepped = /* @__PURE__ */ new WeakSet<Steps<unknown>>();

/**
 * Records the outcome of a promise when its caller awaits it. A `then` of its own may do work that can be done only once (the
 * OpenAI SDK's reads the body of the response), so only the caller may call it. The same SDK, and others made like it, have two
 * more ways to await a promise: `withResponse()`, which resolves to the value as `data`, and `asResponse()`, which leaves the value
 * unread.
 */
function recordWhenAwaited(promise: Promise<unknown>, execution: Execution): void {
  // The caller may never await it.
  execution.release();
  const others = awaited.get(promise);
  if (others !== undefined) {
    others.push(execution);
    return;
  }
  const executions = [execution];

  /** What to do with an outcome: to record it of the executions that `take` gives, whose result is what `read` reads from it. */
  const recording = (take: () => Execution[], read: (got: unknown) => unknown) =>
    [
      (got: unknown) => {
        for (const { succeeded } of take()) {
          succeeded(read(got));
        }
        return got;
      },
      (thrown: unknown): never => {
        for (const { threw } of take()) {
          threw(thrown);
        }
        throw thrown;
      },
    ] as const;

  const { then } = promise;
  const takeAll = (): Execution[] => executions.splice(0);
  const awaitOriginal = (): Promise<unknown> => then.apply(promise, [...recording(takeAll, (value) => value)]);
  const viaResponse = (name: string, read: (got: unknown) => unknown): object | undefined => {
    const method: unknown = Reflect.get(promise, name);
    if (typeof method !== 'function') {
      return undefined;
    }
    return {
      [name](...args: unknown[]) {
        // Taken out before, as the method may call the others.
        const own = takeAll();
        const got: unknown = Reflect.apply(method, promise, args);
        if (!types.isPromise(got)) {
          executions.push(...own);
          return got;
        }
        return got.then(...recording(() => own, read));
      },
    };
  };
  try {
    Object.assign(promise, {
      // biome-ignore lint/suspicious/noThenProperty: it takes the place of one
      then: ((...handlers) => awaitOriginal().then(...handlers)) as Promise<unknown>['then'],
      catch: ((...handlers) => awaitOriginal().catch(...handlers)) as Promise<unknown>['catch'],
      finally: ((...handlers) => awaitOriginal().finally(...handlers)) as Promise<unknown>['finally'],
      ...viaResponse('withResponse', (got) => (got as { data?: unknown } | undefined)?.data),
      ...viaResponse('asResponse', () => undefined),
    });
    awaited.set(promise, executions);
  } catch {
    // The call that returned a frozen promise goes unrecorded.
  }
}

/**
 * Records a generator from its first step to its end, in an execution that `begin` begins. The caller gets the generator itself, which
 * may be under way already, or have methods of its own.
 */
function recordSteps(generator: Steps<unknown>, begin: () => Execution): void {
  if (stepped.has(generator) || !Object.isExtensible(generator)) {
    return;
  }
  stepped.add(generator);
  let execution: Execution | undefined;

  function step(take: () => unknown): unknown {
    execution ??= begin();
    const { within, succeeded, threw } = execution;
    const took = (result: unknown): unknown => {
      if ((result as IteratorResult<unknown>).done) {
        succeeded();
      }
      return result;
    };
    const failed = (thrown: unknown): never => {
      threw(thrown);
      throw thrown;
    };
    try {
      const result = within(take);
      return types.isPromise(result) ? result.then(took, failed) : took(result);
    } catch (thrown) {
      return failed(thrown);
    }
  }

  for (const name of ['next', 'return', 'throw'] as const) {
    const take = generator[name];
    const value = (given: unknown): unknown => step(() => take.call(generator, given));
    Object.defineProperty(generator, name, { value, configurable: true, writable: true });
  }
}

function wrapAsync(fn: AnyFunction, start: Start): AnyFunction {
  return async function (...args) {
    return follow(start(args), () => Reflect.apply(fn, this, args));
  };
}

/** Records how `work` ends, and ends as it does. */
export async function follow<T>(execution: Execution, work: () => T | PromiseLike<T>): Promise<T> {
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
