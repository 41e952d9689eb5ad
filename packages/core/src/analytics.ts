import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, optionalObject, requiredNumber, requiredObject, requiredText } from './check.ts';
import type { Analytics, AnalyticsOptions, DeadlineOptions } from './client.ts';
import { clientReader } from './client-reader.ts';
import { configSummary } from './config-summary.ts';
import { extendContext, type Surroundings } from './context.ts';
import { createDelivery } from './delivery.ts';
import { AnalyticsError, type ErrorCode, isAnalyticsError } from './errors.ts';
import type { AnalyticsEvent, ExecutionKind } from './event.ts';
import { onExit, onSignals } from './exit.ts';
import { checkHealth } from './health.ts';
import { parseUuid, uuidV7Source } from './id.ts';
import type { EventInput, ExecutionDetails } from './input.ts';
import { maxTime, toEvent, toExecution } from './normalize.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import { createPricing } from './pricing.ts';
import type { BackendFlush, DropReason, FlushReport } from './report.ts';
import { createReporter } from './reporter.ts';
import { createRuns } from './run.ts';
import { createSampler } from './sampling.ts';
import { sizeOf } from './size.ts';
import { describeThrown } from './thrown.ts';
import { createTraces } from './trace.ts';
import { createTracker, type TrackedInput } from './track.ts';

const flushTimeoutMs = 10_000;
const checkTimeoutMs = 5_000;

/**
 * A client in front of any number of backends. From here on they are the client's: `close()` closes them.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options.
 */
export function createAnalytics(options: AnalyticsOptions): Analytics {
  const resolved = resolveOptions(options);
  const { clock, backends, errorMessages } = resolved;
  const reporter = createReporter(resolved.onError, clock);
  const deliveries = backends.map((backend) => createDelivery(backend, { ...resolved, reporter }));
  const isQueued = backends.some(({ delivery }) => delivery !== 'immediate');
  const context = new AsyncLocalStorage<Surroundings>();
  const sample = createSampler(resolved);
  const { now, newId } = sources(resolved);
  const price = createPricing(resolved.prices, ({ model }, cause) => {
    reporter.report('INTERNAL', undefined, () => callbackError(`prices.price() for ${model}`, cause));
  });
  const defaults = { now, newId, context: () => context.getStore(), errorMessages, price };
  const stats: Analytics['stats'] = () => ({
    backends: Object.fromEntries(deliveries.map((delivery) => [delivery.backend.name, delivery.stats()])),
  });
  const { activeOperations, ...tracker } = createTracker({ context, clock, newId: idAhead, record: acceptTracked });
  const figures = { stats, activeOperations, shared: new Map() };
  for (const backend of backends) {
    backend.attach?.(figures);
  }
  const flushSync = (): void => {
    for (const delivery of deliveries) {
      delivery.flushSync();
    }
  };
  const releases = deliveries.length === 0 ? [] : [onExit(flushSync), onSignals(resolved.flushOnSignals, flushSync)];
  const reader = clientReader(deliveries);
  let closing: Promise<FlushReport> | undefined;

  /** Hands the event that `make` returns to every backend, or counts why not. `rate` is that of a sampling of its own. */
  function accept(make: () => AnalyticsEvent, rate?: () => number | undefined): void {
    if (deliveries.length === 0) {
      return;
    }
    let event: AnalyticsEvent | undefined;
    try {
      if (closing !== undefined) {
        throw new AnalyticsError('CLOSED', 'recorded after close()');
      }
      const made = make();
      event = sample(made, rate?.());
    } catch (thrown) {
      refuse(thrown);
      return;
    }
    if (event === undefined) {
      count('sampled');
      return;
    }
    const bytes = isQueued ? sizeOf(event) : 0;
    for (const delivery of deliveries) {
      delivery.offer(event, bytes);
    }
  }

  function count(reason: DropReason): void {
    for (const delivery of deliveries) {
      delivery.refuse(reason);
    }
  }

  function refuse(thrown: unknown): void {
    const { code, message, cause, problems } = misuse(thrown);
    count(refusals.get(code) ?? 'callback_error');
    reporter.report(
      code,
      undefined,
      () => new AnalyticsError(code, `Refused an event: ${message}`, { cause, problems }),
    );
  }

  /** For what is wrong with a call that records nothing by itself. */
  function reportMisuse(thrown: unknown, consequence: string): void {
    const { message, cause, problems } = misuse(thrown);
    reporter.report('INVALID_CONFIG', undefined, () => {
      return new AnalyticsError('INVALID_CONFIG', `${message}; ${consequence}`, { cause, problems });
    });
  }

  function acceptInput(make: () => EventInput): void {
    accept(() => toEvent(make(), defaults));
  }

  function acceptTracked(make: () => TrackedInput): void {
    let rate: number | undefined;
    accept(
      () => {
        const input = make();
        const { sampleRate } = input;
        rate = sampleRate === undefined ? undefined : requiredNumber(sampleRate, 'sampleRate', 0, 1, false);
        return toEvent(input, defaults);
      },
      () => rate,
    );
  }

  function acceptExecution(
    kind: ExecutionKind,
    input: ExecutionDetails & { readonly success: boolean },
    name: (input: never) => unknown,
    field: string,
  ): void {
    accept(() => toExecution(kind, name(requiredObject(input, 'event') as never), field, input, defaults));
  }

  const leftOut = (thrown: unknown): void => reportMisuse(thrown, 'it is left out of the context');

  function timeoutMs(given: DeadlineOptions | undefined, byDefault: number): number {
    try {
      return requiredNumber(given?.timeoutMs ?? byDefault, 'timeoutMs', 0, Number.POSITIVE_INFINITY, false);
    } catch (thrown) {
      reportMisuse(thrown, `${byDefault} is used`);
      return byDefault;
    }
  }

  /** An id that is needed before its event. Where the user's source of ids fails, recording the event will say so. */
  function idAhead(): string {
    try {
      return newId(now());
    } catch {
      return '';
    }
  }

  async function each(work: (delivery: (typeof deliveries)[number]) => Promise<BackendFlush>): Promise<FlushReport> {
    const flushed = await Promise.all(
      deliveries.map(async (delivery) => [delivery.backend.name, await work(delivery)] as const),
    );
    return { ok: flushed.every(([, { ok }]) => ok), backends: Object.fromEntries(flushed) };
  }

  const flush: Analytics['flush'] = (given) => {
    const timeout = timeoutMs(given, flushTimeoutMs);
    return closing ?? each((delivery) => delivery.flush(timeout));
  };

  const close: Analytics['close'] = (given) => {
    if (closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<FlushReport>();
      // Set first: what is called from here on may call `close()` itself.
      closing = promise;
      const timeout = timeoutMs(given, flushTimeoutMs);
      const closed = each((delivery) => delivery.close(timeout));
      resolve(
        closed.finally(() => {
          for (const release of releases) {
            release();
          }
        }),
      );
    }
    return closing;
  };

  return {
    record: (event) => acceptInput(() => event),
    recordSkillExecution: (execution) => acceptExecution('skill', execution, skillName, 'skillId'),
    recordToolInvocation: (invocation) => acceptExecution('tool', invocation, toolName, 'toolName'),
    recordLlmCall: (call) => acceptExecution('llm', call, callName, 'name'),
    recordToolkitEvent: (event) => acceptInput(() => ({ ...checked(event), type: 'toolkit' })),
    recordSkillRating: (rating) => acceptInput(() => ({ ...checked(rating), type: 'rating' })),
    updateHealthScore: (score) => acceptInput(() => ({ ...checked(score), type: 'health' })),
    logMetrics: (values, given) =>
      acceptInput(() => ({ ...optionalObject(given, 'options'), type: 'metrics', values })),
    ...tracker,
    ...createTraces(context),
    withContext: (values, fn) => context.run(extendContext(context.getStore(), values, leftOut), fn),
    ...createRuns({ context, newId: idAhead, record: acceptInput }),
    reader,
    stats,
    healthCheck: (given) => checkHealth(deliveries, clock, timeoutMs(given, checkTimeoutMs)),
    getConfigSummary: () => configSummary(backends, resolved),
    flush,
    push: flush,
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

/** The input with its type, once it is known to be an object. */
function checked<T extends object>(input: T): T {
  requiredObject(input, 'event');
  return input;
}

type Misuse = Pick<AnalyticsError, 'code' | 'message' | 'cause' | 'problems'>;

/** What is to be said about what reading an input threw. */
function misuse(thrown: unknown): Misuse {
  try {
    if (isAnalyticsError(thrown)) {
      const { code, message, cause, problems } = thrown;
      return { code, message, cause, problems };
    }
  } catch {
    // Its getters throw: as unknown as any other value.
  }
  const { type, message } = describeThrown(thrown);
  return { code: 'INVALID_EVENT', message: `reading it threw ${type}: ${message ?? ''}`, cause: thrown, problems: [] };
}

const refusals: ReadonlyMap<ErrorCode, DropReason> = new Map([
  ['INVALID_EVENT', 'invalid'],
  ['TOO_LARGE', 'too_large'],
  ['CLOSED', 'closed'],
]);

const skillName = (input: { skillId: unknown }): unknown => input.skillId;
const toolName = (input: { toolName: unknown }): unknown => input.toolName;
const callName = ({ name, model }: { name: unknown; model: unknown }): unknown =>
  requiredText(model, 'model') && (name ?? '') === '' ? model : name;

/** Time and ids, guarded where they are the user's. */
function sources({ clock, newId }: ResolvedOptions): { now: () => number; newId: (nowMs: number) => string } {
  const uuidV7 = uuidV7Source();
  return {
    now() {
      let nowMs: unknown;
      try {
        nowMs = clock.now();
      } catch (cause) {
        throw callbackError('clock.now()', cause);
      }
      if (typeof nowMs === 'number' && nowMs >= 0 && nowMs <= maxTime) {
        return Math.trunc(nowMs);
      }
      throw new AnalyticsError('INTERNAL', `clock.now() gave ${describe(nowMs)}, which is no time`);
    },
    newId(nowMs) {
      if (newId === undefined) {
        return uuidV7(nowMs);
      }
      let id: unknown;
      try {
        id = newId();
      } catch (cause) {
        throw callbackError('newId()', cause);
      }
      const uuid = typeof id === 'string' ? parseUuid(id) : undefined;
      if (uuid === undefined) {
        throw new AnalyticsError('INTERNAL', `newId() gave ${describe(id)}, which is no UUID`);
      }
      return uuid;
    },
  };
}

function callbackError(name: string, cause: unknown): AnalyticsError {
  const { type, message } = describeThrown(cause);
  return new AnalyticsError('INTERNAL', `${name} threw ${type}: ${message ?? ''}`, { cause });
}
