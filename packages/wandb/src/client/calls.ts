import type { Clock } from '@toolweaver/analytics-core';
import { keptAlive } from '../clock.ts';
import { insist } from '../insist.ts';
import { named } from '../notices.ts';

/** Does what may have to be tried again. */
type Insist = (work: (signal: AbortSignal) => Promise<void>) => Promise<void>;

/** What its caller waits for, and the end of the run, too: files, artifacts and alerts. */
export interface Calls {
  make(call: (insistOn: Insist) => Promise<void>): Promise<void>;
  /**
   * Does the work of a version of an artifact once it is read, and those of this name before it are through: the service numbers
   * them in the order in which they are complete.
   */
  inOrder<T>(name: unknown, reading: Promise<T>, work: (read: T) => Promise<void>): Promise<void>;
  /** Resolves once those under way have come to their ends. */
  settled(): Promise<unknown>;
  /** Gives those up that are not through in time; returns what takes that back. */
  limit(ms: number): () => void;
}

export function createCalls(clock: Clock): Calls {
  const underWay = new Set<Promise<void>>();
  /** The last one under way of each name. */
  const versions = new Map<unknown, Promise<void>>();
  const tooLate = new AbortController();
  const insistOn: Insist = (work) => insist(() => work(tooLate.signal), clock, tooLate.signal);
  return {
    async make(call) {
      const made = keptAlive(clock, call(insistOn));
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
