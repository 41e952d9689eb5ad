import type { DeliveryStats } from './delivery/report.ts';
import type { AnalyticsError } from './errors.ts';
import type { AnalyticsEvent } from './events/event.ts';
import type { AnalyticsReader } from './reader/reader.ts';
import type { Secret } from './secret.ts';

/** A value that can be shown: plain JSON, or a secret, which is shown as `[redacted]`. */
export type Setting =
  | string
  | number
  | boolean
  | null
  | Secret
  | readonly Setting[]
  | { readonly [key: string]: Setting };

/** When a queued backend is written to: as soon as `maxEvents` wait, and at the latest `maxDelayMs` after the first. */
export interface BatchDelivery {
  /** The largest batch that `write` gets; whole number >= 1. */
  readonly maxEvents: number;
  /** >= 0. */
  readonly maxDelayMs: number;
}

/** What a backend may read and call at any time: figures to show beside the recorded events, and where to report problems. */
export interface ClientFigures {
  /** The event counts of all backends of the client. Before it counts, `counting` backends get what they do not have yet. */
  stats(): DeliveryStats;
  /** The number of operations of `trackOperation` and `wrapTool` that have begun and not ended. */
  activeOperations(): number;
  /** Passes a problem that no method call can report to the client's `onError`, at most once a minute for each code. */
  report(notice: AnalyticsError): void;
  /** State that backends of this client share, under keys of their own, so that several of them count each event only once. */
  readonly shared: Map<unknown, unknown>;
}

/**
 * The whole contract of a backend; `@toolweaver/analytics-testkit` checks it, and its README says what it cannot see.
 *
 * What core promises: events are valid and complete (but see `counting`); `write` gets at least one and at most `maxEvents`, in
 * the order of recording, and is never called while an earlier `write` is under way, nor after `close`; `close` is called once.
 * What a backend promises: it changes no event, keeps no reference to the array, and throws only from its methods.
 */
export interface Backend {
  /** Unique among the backends of a client; labels its counts and errors. */
  readonly name: string;
  /**
   * With `maxEvents` and `maxDelayMs`, core queues, batches, orders and retries. Backends that work in memory need none of that:
   * - `immediate`: `write` is called inside `record()` with one event, must return at once, and is not retried.
   * - `counting` is the same for less time. `write` gets up to 64 events, at the latest when somebody calls the client's `stats()`;
   *   do so before you show what was counted. It reads neither `id` nor `at` of executions: if all backends of a client are like
   *   that, core may leave the `id` of an execution '' and its `at` 0.
   */
  readonly delivery: 'immediate' | 'counting' | BatchDelivery;
  /**
   * Resolves when all of the events are on the far side; rejects when none of them are. Must end within its own time limit,
   * since nothing else is delivered meanwhile; after a minute it is reported. An event delivered before (same
   * `id`) must not count twice. Reject with an `AnalyticsError`: batches with `BACKEND_UNAVAILABLE` and `STORAGE_FULL` are
   * retried, those with `EVENTS_REJECTED` and `TOO_LARGE` are split in halves, and any other is lost.
   */
  write(events: readonly AnalyticsEvent[]): void | Promise<void>;
  /** Pushes what the backend itself holds (an exporter's pipeline); one call at a time. Resolves when the far side has it. */
  flush?(signal: AbortSignal): Promise<void>;
  /**
   * Probes the far side; resolves only when it could take an event now, rejects with the reason otherwise. May be called while a
   * `write` or a `flush` is under way.
   */
  check?(signal: AbortSignal): Promise<void>;
  /** Called once, before any event, by the client that takes over the backend; not needed without a client. */
  attach?(client: ClientFigures): void;
  /** What `getConfigSummary()` shows. Secrets are `Secret` values. */
  readonly settings: { readonly [key: string]: Setting };
  /** The read side, if the backend has one: all questions, or those that it can answer. */
  readonly reader?: Partial<AnalyticsReader>;
  /**
   * Delivers synchronously, at process exit, what is still queued. May get events of an unfinished `write`, and more than
   * `maxEvents`.
   */
  writeSync?(events: readonly AnalyticsEvent[]): void;
  /**
   * Called once when the client begins to close: what is not delivered after `timeoutMs` is lost, and a write under way is no
   * longer waited for. For backends that then take another way. Must return at once.
   */
  closing?(timeoutMs: number): void;
  /** Delivers what `write` accepted, and releases everything, even while a `write` hangs. */
  close?(): void | Promise<void>;
}
