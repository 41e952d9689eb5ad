import type { Clock } from '@toolweaver/analytics-core';
import { keptAlive } from '../clock.ts';
import { named } from '../notices.ts';
import { retry } from '../retry.ts';

type WithRetries = (work: (signal: AbortSignal) => Promise<void>) => Promise<void>;

/** Calls that both the caller and the end of the run wait for: files, artifacts and alerts. */
export interface Calls {
  make(call: (withRetries: WithRetries) => Promise<void>): Promise<void>;
  /**
   * Does the work for a version of an artifact once it is read and earlier versions of the same name have settled: the service
   * numbers versions in the order in which they are completed.
   */
  inOrder<T>(name: unknown, reading: Promise<T>, work: (read: T) => Promise<void>): Promise<void>;
  /** Resolves once all pending calls have settled. */
  settled(): Promise<unknown>;
  /** Aborts the calls that are still pending after `ms`. Returns a function that cancels this. */
  limit(ms: number): () => void;
}

export function createCalls(clock: Clock): Calls {
  const underWay = new Set<Promise<void>>();
  /** The last pending version of each name. */
  const versions = new Map<unknown, Promise<void>>();
  const tooLate = new AbortController();
  const withRetries: WithRetries = (work) => retry(() => work(tooLate.signal), clock, tooLate.signal);
  return {
    async make(call) {
      const made = keptAlive(clock, call(withRetries));
      underWay.add(made);
      try {
        await made;
      } catch (error) {
        throw named(error, 'wandb');
      } finally {
        underWay.delete(made);
      }
    },
    async inOrder(name, reading, work) {
      const before = versions.get(name);
      const done = (async () => {
        const read = await reading;
        await before?.catch(() => {});
        await work(read);
      })();
      versions.set(name, done);
      try {
        await done;
      } finally {
        if (versions.get(name) === done) {
          versions.delete(name);
        }
      }
    },
    settled: () => Promise.allSettled([...underWay]),
    limit(ms) {
      const timer = clock.setTimeout(() => tooLate.abort(new Error(`not within ${ms} ms of the end`)), ms);
      return () => clock.clearTimeout(timer);
    },
  };
}
