import assert from 'node:assert/strict';
import type { AnalyticsEvent, Backend } from '@toolweaver/analytics-core';
import type { Observation, Subject } from './subject.ts';
import { differences, type ExecutionFigure, isMissing, tally } from './tally.ts';

/** Core's own bound on what can wait for a backend; no batch is larger. */
const maxBatch = 65_536;
/** The size of a large delivery to a backend that takes events one by one. */
const manyImmediate = 10_000;

/** The likeliest reason for missing events: a `write` that starts something without awaiting it. */
export const tooEarly = 'write() must not resolve before the far side has them';

/** One subject under one law. Each call of the subject or its backend has to end within `timeoutMs`. */
export interface Trial {
  readonly subject: Subject;
  readonly backend: Backend;
  /** The size of the largest batch that `write` may get. */
  readonly maxEvents: number;
  /** The number of events in one large delivery. */
  readonly manyEvents: number;
  /** Splits events into the batches that core would make, each an array of its own. */
  batches(events: readonly AnalyticsEvent[]): AnalyticsEvent[][];
  /** Passes the events to the backend's `write` in one call. Rejects with what that throws. */
  writeBatch(batch: readonly AnalyticsEvent[]): Promise<void>;
  /** Writes the events batch by batch, in order. */
  write(events: readonly AnalyticsEvent[]): Promise<void>;
  /** Flushes the backend. Resolves if it has no `flush`. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Writes and flushes, after which the events are on the far side. */
  deliver(events: readonly AnalyticsEvent[]): Promise<void>;
  /** Probes the far side. Resolves if the backend has no `check`. */
  check(signal?: AbortSignal): Promise<void>;
  /** Closes the backend, only once, as core does. */
  close(): Promise<void>;
  /** Returns what the subject observes on the far side now. */
  observe(): Promise<Observation>;
  /** Asserts that the far side shows exactly these events. `required` names figures that `observe()` has to give. */
  holds(events: readonly AnalyticsEvent[], ...required: readonly ExecutionFigure[]): Promise<void>;
  /** Makes the far side refuse everything. Does nothing if the subject cannot: laws that depend on it say so in `needs`. */
  breakFarSide(): Promise<void>;
  /** Undoes `breakFarSide`. Does nothing if the subject cannot. */
  repairFarSide(): Promise<void>;
  /** Closes the backend and returns a trial of a new one on the same far side. */
  reopened(): Promise<Trial>;
  /** Starts a trial of a further subject. */
  another(): Promise<Trial>;
  /** The longest that one call may take, in ms. */
  readonly timeoutMs: number;
  /** Waits, at most `timeoutMs`, for work that the law itself started. */
  within<T>(what: string, work: T | PromiseLike<T>): Promise<T>;
  /** Closes the backend if the law did not, and disposes of the subject. */
  end(): Promise<void>;
}

/** Makes a subject with a far side of its own: once for each law, and again for each `another()`. */
export type Create = () => Subject | Promise<Subject>;

export async function startTrial(create: Create, timeoutMs: number): Promise<Trial> {
  const subject = await within('create()', timeoutMs, create());
  const { backend, observe } = Object(subject) as Partial<Subject>;
  assert.ok(
    typeof backend?.write === 'function' && backend.delivery && typeof observe === 'function',
    'create() must give a subject: { backend, observe() }, its backend awaited and with `delivery`',
  );
  return trialOf(subject, subject.backend, create, timeoutMs);
}

function largestBatch(delivery: Backend['delivery']): number {
  switch (delivery) {
    case 'immediate':
      return 1;
    case 'counting':
      return 64;
    default:
      return Math.min(delivery.maxEvents, maxBatch);
  }
}

function trialOf(subject: Subject, backend: Backend, create: Create, timeoutMs: number): Trial {
  const { delivery } = backend;
  const maxEvents = largestBatch(delivery);
  const others: Trial[] = [];
  let closing: Promise<void> | undefined;
  let disposed = false;
  const call = <T>(what: string, work: () => T | PromiseLike<T>): Promise<T> =>
    within(what, timeoutMs, (async () => work())());

  const trial: Trial = {
    subject,
    backend,
    maxEvents,
    manyEvents: typeof delivery === 'string' ? manyImmediate : maxEvents,
    batches(events) {
      const count = Math.ceil(events.length / maxEvents);
      return Array.from({ length: count }, (_, at) => events.slice(at * maxEvents, (at + 1) * maxEvents));
    },
    writeBatch: (batch) => call('write()', () => backend.write(batch)),
    async write(events) {
      for (const batch of trial.batches(events)) {
        await trial.writeBatch(batch);
      }
    },
    flush: (signal = new AbortController().signal) => call('flush()', () => backend.flush?.(signal)),
    async deliver(events) {
      await trial.write(events);
      await trial.flush();
    },
    check: (signal = new AbortController().signal) => call('check()', () => backend.check?.(signal)),
    close() {
      closing ??= call('close()', () => backend.close?.());
      return closing;
    },
    async observe() {
      const observation = await call('observe()', () => subject.observe());
      // In a malformed observation there is nothing to compare, so every law would hold.
      assert.ok(
        Array.isArray(Object(observation).executions),
        'observe() must give `executions`, as tally(events) does',
      );
      return observation;
    },
    async holds(events, ...required) {
      const found = differences(await trial.observe(), tally(events), required);
      const shown = found.slice(0, 12);
      if (found.length > shown.length) {
        shown.push(`and ${found.length - shown.length} more`);
      }
      if (found.some((difference) => difference.endsWith(isMissing))) {
        shown.push(tooEarly);
      }
      assert.ok(found.length === 0, `the far side differs from what was delivered:\n  ${shown.join('\n  ')}`);
    },
    breakFarSide: () => call('breakFarSide()', () => subject.breakFarSide?.()),
    repairFarSide: () => call('repairFarSide()', () => subject.repairFarSide?.()),
    async reopened() {
      await trial.close();
      const reopen = subject.reopen;
      assert.ok(reopen, 'this law needs `reopen`');
      const again = trialOf(subject, await call('reopen()', () => reopen.call(subject)), create, timeoutMs);
      // The subject belongs to this trial, which disposes of it when all of its backends are closed.
      others.push({ ...again, end: () => again.close().catch(() => undefined) });
      return again;
    },
    async another() {
      const other = await startTrial(create, timeoutMs);
      others.push(other);
      return other;
    },
    timeoutMs,
    within: (what, work) => within(what, timeoutMs, work),
    async end() {
      if (disposed) {
        return;
      }
      disposed = true;
      const ends = [...others.map((other) => other.end), () => trial.close().catch(() => undefined)];
      const results = await Promise.allSettled(ends.map((end) => end()));
      await call('dispose()', () => subject.dispose?.());
      for (const result of results) {
        if (result.status === 'rejected') {
          throw result.reason;
        }
      }
    },
  };
  return trial;
}

/** @throws AssertionError when the work takes longer. */
async function within<T>(what: string, timeoutMs: number, work: T | PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `${what} took longer than ${timeoutMs} ms` })),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns what the work rejected with, undefined if it resolved. Rethrows a timeout, which is no answer of the backend. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof assert.AssertionError) {
      throw error;
    }
    return error ?? new Error(`rejected with ${error}`);
  }
}
