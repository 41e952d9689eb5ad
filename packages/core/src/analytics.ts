import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientFigures } from './backend.ts';
import type { Analytics, AnalyticsOptions, DeadlineOptions } from './client.ts';
import { configSummary } from './config-summary.ts';
import { createDelivery, type Delivery } from './delivery/delivery.ts';
import { checkHealth } from './delivery/health.ts';
import type { BackendFlush, DropReason, FlushReport } from './delivery/report.ts';
import { createReporter } from './delivery/reporter.ts';
import { AnalyticsError, type ErrorCode } from './errors.ts';
import type { AnalyticsEvent } from './events/event.ts';
import { toExecution } from './events/execution.ts';
import type {
  EventInput,
  LlmCallInput,
  MetricsInput,
  SkillExecutionInput,
  ToolInvocationInput,
} from './events/input.ts';
import { toEvent } from './events/normalize.ts';
import { createPricing } from './events/pricing.ts';
import { createSampler } from './events/sampling.ts';
import { sizeOf } from './events/size.ts';
import { onEnd } from './exit.ts';
import { fieldOf, type Misuse, toMisuse } from './misuse.ts';
import { resolveOptions } from './options.ts';
import { clientReader } from './reader/client-reader.ts';
import { callbackError, createSources } from './sources.ts';
import { extendContext, rootOf, type Surroundings } from './tracking/context.ts';
import { createRuns } from './tracking/run.ts';
import { createTraces } from './tracking/trace.ts';
import { createTracker } from './tracking/track.ts';
import { type MakeInput, withoutWrong } from './tracking/without-wrong.ts';
import { optionalObject, refuse as refuseField, requiredNumber, requiredObject, requiredText } from './values/check.ts';
import { quote } from './values/describe.ts';
import { unknownFields, unknownNames } from './values/unknown.ts';

const flushTimeoutMs = 10_000;
const checkTimeoutMs = 5_000;
/** Misspelt fields show up among the first events; checking every event would double the cost of recording. */
const checkedInputs = 1_000;

/**
 * Creates a client for any number of backends. The client owns them from here on: `close()` closes them.
 * @throws AnalyticsError `INVALID_CONFIG` with every problem of the options; `UNSUPPORTED` on a Node that is too old.
 */
export function createAnalytics(options: AnalyticsOptions): Analytics {
  // npm only warns about `engines`; without this check an older Node would record, and fail at `close()`.
  if (typeof Promise.withResolvers !== 'function') {
    throw new AnalyticsError('UNSUPPORTED', `Node 22.18 or later is needed, this is ${process.versions.node}`);
  }
  const resolved = resolveOptions(options);
  const { clock, backends, errorMessages, sampleRate } = resolved;
  const reporter = createReporter(resolved.onError, clock);
  const deliveries = backends.map((backend) => createDelivery(backend, { ...resolved, reporter }));
  const isQueued = backends.some(({ delivery }) => typeof delivery === 'object');
  const context = new AsyncLocalStorage<Surroundings>();
  const sample = createSampler(resolved, () => rootOf(context.getStore()));
  const { now, newId } = createSources(resolved);
  const price = createPricing(resolved.prices, ({ model }, cause) => {
    reporter.report('INTERNAL', undefined, () => callbackError(`prices.price() for ${model}`, cause));
  });
  const defaults = { now, newId, context: () => context.getStore(), errorMessages, price };
  // Prices depend on the time, and sampling on the id.
  const areOnlyCounted =
    price === undefined && sampleRate === 1 && backends.every(({ delivery }) => delivery === 'counting');
  const executionDefaults = areOnlyCounted ? { ...defaults, now: () => 0, newId: () => '' } : defaults;
  const stats: Analytics['stats'] = () => ({
    backends: Object.fromEntries(deliveries.map((delivery) => [delivery.backend.name, delivery.stats()])),
  });
  const { activeOperations, ...tracker } = createTracker({
    context,
    clock,
    newId: idAhead,
    record,
    leftOut: (mistake) => reportMisuse(mistake, 'it is left out'),
  });
  const figures: ClientFigures = {
    stats,
    activeOperations,
    report: (notice) => reporter.report(notice.code, notice.backend, () => notice),
    shared: new Map(),
  };
  for (const delivery of deliveries) {
    delivery.attach(figures);
  }
  const flushSync = (): void => {
    for (const delivery of deliveries) {
      delivery.flushSync();
    }
  };
  const release =
    deliveries.length === 0
      ? undefined
      : onEnd(resolved.flushOnSignals, (ending, isLast) => {
          isExiting = ending === 'exit';
          flushSync();
          if (isLast) {
            for (const delivery of deliveries) {
              delivery.tellUnsent();
            }
          }
        });
  const reader = clientReader(deliveries);
  let checksLeft = checkedInputs;
  /** The process exits: whatever its later listeners record, nothing else will deliver. */
  let isExiting = false;
  let closing: Promise<FlushReport> | undefined;

  /**
   * Hands the event that `make` returns to every backend, or counts why not; undefined means that sampling left it out. `input`
   * is a parameter of its own, as creating a closure for each event would be slower.
   */
  function accept<T>(make: (input: T) => AnalyticsEvent | undefined, input: T): void {
    if (deliveries.length === 0) {
      return;
    }
    let event: AnalyticsEvent | undefined;
    try {
      if (closing !== undefined) {
        throw new AnalyticsError('CLOSED', 'the client is closed: await what records before you close it');
      }
      event = make(input);
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
    if (isExiting) {
      flushSync();
    }
  }

  function count(reason: DropReason): void {
    for (const delivery of deliveries) {
      delivery.refuse(reason);
    }
  }

  function refuse(thrown: unknown): void {
    const why = toMisuse(thrown);
    count(refusals[why.code] ?? 'callback_error');
    tell(why, `Refused an event: ${why.message}`);
  }

  /** Reports a mistake in a call that refuses no event. */
  function reportMisuse(thrown: unknown, consequence: string, code?: ErrorCode): void {
    const why = toMisuse(thrown);
    tell(why, `${why.message}; ${consequence}`, code);
  }

  function tell(why: Misuse, text: string, code: ErrorCode = why.code): void {
    reporter.report(code, fieldOf(why), () => new AnalyticsError(code, text, why));
  }

  /** Samples the event made from `input`, and reports fields of the input that do not exist. */
  function take(input: object, event: AnalyticsEvent, sampleRate?: number): AnalyticsEvent | undefined {
    if (checksLeft > 0) {
      checksLeft -= 1;
      const problems = unknownFields(input, event).map((field) => ({ field, message: 'is not a field of this event' }));
      if (problems.length > 0) {
        const message = `Unknown in an event: ${problems.map(({ field }) => quote(field)).join(', ')}`;
        reportMisuse(new AnalyticsError('INVALID_EVENT', message, { problems }), 'left out');
      }
    }
    return sample(event, sampleRate);
  }

  const skill = (execution: SkillExecutionInput) =>
    take(execution, toExecution('skill', checked(execution).skillId, 'skillId', execution, executionDefaults));
  const tool = (invocation: ToolInvocationInput) =>
    take(invocation, toExecution('tool', checked(invocation).toolName, 'toolName', invocation, executionDefaults));
  const llm = (call: LlmCallInput) =>
    take(call, toExecution('llm', nameOf(checked(call)), 'name', call, executionDefaults));
  const eventOf = (input: EventInput, sampleRate?: number) => take(input, toEvent(input, defaults), sampleRate);

  function acceptInput(make: () => EventInput): void {
    accept((makeInput) => eventOf(makeInput()), make);
  }

  const tracked = withoutWrong(eventOf, reportMisuse);
  function record(make: MakeInput): void {
    accept(tracked, make);
  }

  const leftOut = (thrown: unknown): void => reportMisuse(thrown, 'it is left out', 'INVALID_CONFIG');

  function timeoutMs(given: DeadlineOptions | undefined, byDefault: number): number {
    try {
      const options = optionalObject(given, 'options') as DeadlineOptions;
      const [unknown] = unknownNames(options, { timeoutMs: true });
      if (unknown !== undefined) {
        refuseField(unknown.field, unknown.message);
      }
      return requiredNumber(options.timeoutMs ?? byDefault, 'timeoutMs', 0, Number.POSITIVE_INFINITY, false);
    } catch (thrown) {
      reportMisuse(thrown, `${byDefault} is used`, 'INVALID_CONFIG');
      return byDefault;
    }
  }

  /** An id that is needed before its event is made. If the user's `newId` fails, recording the event reports it. */
  function idAhead(): string {
    try {
      return newId(now());
    } catch {
      return '';
    }
  }

  async function each<T>(work: (delivery: Delivery) => Promise<T>): Promise<Record<string, T>> {
    const done = deliveries.map(async (delivery) => [delivery.backend.name, await work(delivery)] as const);
    return Object.fromEntries(await Promise.all(done));
  }

  async function flushed(work: (delivery: Delivery) => Promise<BackendFlush>): Promise<FlushReport> {
    const backends = await each(work);
    return { ok: Object.values(backends).every(({ ok }) => ok), backends };
  }

  const flush: Analytics['flush'] = (given) => {
    const timeout = timeoutMs(given, flushTimeoutMs);
    return flushed((delivery) => delivery.flush(timeout));
  };

  const close: Analytics['close'] = (given) => {
    if (closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<FlushReport>();
      // Set first, as the code called below may itself call `close()`.
      closing = promise;
      const timeout = timeoutMs(given, flushTimeoutMs);
      const closed = flushed((delivery) => delivery.close(timeout));
      resolve(closed.finally(release));
    }
    return closing;
  };

  return {
    record: (event) => acceptInput(() => event),
    recordSkillExecution: (execution) => accept(skill, execution),
    recordToolInvocation: (invocation) => accept(tool, invocation),
    recordLlmCall: (call) => accept(llm, call),
    recordToolkitEvent: (event) => acceptInput(() => ({ ...checked(event), type: 'toolkit' })),
    recordSkillRating: (rating) => acceptInput(() => ({ ...checked(rating), type: 'rating' })),
    updateHealthScore: (score) => acceptInput(() => ({ ...checked(score), type: 'health' })),
    logMetrics: (values, given) =>
      acceptInput(() => ({ ...optionalObject(given, 'options'), type: 'metrics', values }) as MetricsInput),
    ...tracker,
    ...createTraces(context),
    withContext: (values, fn) => context.run(extendContext(context.getStore(), values, leftOut), fn),
    ...createRuns({ context, newId: idAhead, record }),
    reader,
    stats,
    async healthCheck(given) {
      const timeout = timeoutMs(given, checkTimeoutMs);
      const backends = await each((delivery) => checkHealth(delivery, clock, timeout));
      return { healthy: Object.values(backends).every(({ healthy }) => healthy), backends };
    },
    getConfigSummary: () => configSummary(backends, resolved),
    flush,
    push: flush,
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

/** Returns `input`, once it is known to be an object. */
function checked<T extends object>(input: T): T {
  requiredObject(input, 'event');
  return input;
}

const refusals: { readonly [C in ErrorCode]?: DropReason } = {
  INVALID_EVENT: 'invalid',
  TOO_LARGE: 'too_large',
  CLOSED: 'closed',
};

function nameOf({ name, model }: LlmCallInput): unknown {
  return requiredText(model, 'model') && (name ?? '') === '' ? model : name;
}
