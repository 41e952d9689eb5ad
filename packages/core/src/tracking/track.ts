import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Analytics, Clock, DescribeCall, OperationDetails, SubjectDetails } from '../client.ts';
import { AnalyticsError } from '../errors.ts';
import type { ErrorInfo } from '../events/event.ts';
import { optionalError, optionalObject, refuseValue } from '../values/check.ts';
import { isObject } from '../values/describe.ts';
import { parseUuid } from '../values/id.ts';
import { describeThrown } from '../values/thrown.ts';
import { rootOf, type Surroundings } from './context.ts';
import type { MakeInput } from './without-wrong.ts';
import { type AnyFunction, type Execution, follow, wrap } from './wrap.ts';

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
  /** Records what `make` returns: whole, or without the details that are invalid. Never throws, even if `make` does. */
  readonly record: (make: MakeInput) => void;
  /** Reports a mistake whose consequence is that something is left out. */
  readonly leftOut: (mistake: unknown) => void;
}

type Describe = (result: unknown) => OperationDetails;

export function createTracker({ context, clock, newId, record, leftOut }: TrackerOptions): Tracker {
  let active = 0;

  function begin(
    subject: string | Partial<SubjectDetails>,
    defaults: { kind: 'operation' | 'tool'; name?: string },
    describe?: Describe,
    id: string = newId(),
  ): Execution {
    const outer = context.getStore();
    const around = { ...outer, rootId: rootOf(outer) ?? parentOf(subject) ?? id };
    const startedMs = clock.monotonic();
    let details: OperationDetails = {};
    let failure: ErrorInfo | undefined;
    let failed = false;
    let ended = false;
    let isActive = true;
    active += 1;

    function release(): void {
      active -= Number(isActive);
      isActive = false;
    }

    /** Does `work` for the callback, and reports an error instead of throwing into it. */
    function take(work: () => void): void {
      if (ended) {
        leftOut(
          new AnalyticsError('INVALID_EVENT', 'operation.set() or fail() came after the end: await what calls it'),
        );
      }
      try {
        work();
      } catch (thrown) {
        leftOut(thrown);
      }
    }

    function end(success: boolean, error: ErrorInfo | undefined, result?: unknown): void {
      if (ended) {
        return;
      }
      ended = true;
      release();
      const latencyMs = Math.max(0, clock.monotonic() - startedMs);
      const outcome = { type: 'execution', id, success, error, latencyMs } as const;
      let described: object | undefined;
      // In the context of the start, as a generator may be ended from an unrelated one.
      context.run(around, record, (isWhole) => {
        const named = typeof subject === 'string' ? { name: subject } : definedFields(subject, 'subject');
        if (isWhole && describe) {
          described ??= definedFields(describe(result), 'details');
        }
        const all = isWhole ? merged(named, described ?? details) : named;
        return { ...defaults, ...all, ...outcome } as ReturnType<MakeInput>;
      });
    }

    return {
      operation: {
        id,
        set: (more) =>
          take(() => {
            details = merged(details, definedFields(more, 'details'));
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

/** Later values win; attributes, and classes of tokens, are added to those before. */
function merged(details: OperationDetails, more: OperationDetails): OperationDetails {
  const all: { -readonly [field in keyof OperationDetails]: unknown } = { ...details, ...more };
  for (const field of ['attributes', 'usage'] as const) {
    const [before, later] = [details[field], more[field]];
    // Anything else is wrong, and is to be reported.
    if (isObject(before) && isObject(later)) {
      all[field] = { ...before, ...later };
    }
  }
  return all as OperationDetails;
}

/** Undefined if it is absent or wrong, which is reported when the execution is recorded. */
function parentOf(subject: string | Partial<SubjectDetails>): string | undefined {
  try {
    return typeof subject === 'string' ? undefined : parseUuid(subject.parentId);
  } catch {
    return undefined;
  }
}

/** The given fields without those that are undefined, which must not hide known ones. */
function definedFields(given: unknown, field: string): object {
  return Object.fromEntries(Object.entries(optionalObject(given, field)).filter(([, value]) => value !== undefined));
}
