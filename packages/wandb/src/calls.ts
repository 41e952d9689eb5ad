import type { Clock } from '@toolweaver/analytics-core';
import { keptAlive } from './clock.ts';
import { insist } from './insist.ts';
import { named } from './notices.ts';

/** Does what may have to be tried again. */
type Insist = (work: (signal: AbortSignal) => Promise<void>) => Promise<void>;

/** What its caller waits for, and the end of the run, too: files, artifacts and alerts. */
export interface Calls {
  make(call: (insistOn: Insist) => Promise<void>): Promise<void>;
  /** Resolves once those under way have come to their ends. */
  settled(): Promise<unknown>;
  /** Gives those up that are not through in time; returns what takes that back. */
  limit(ms: number): () => void;
}

export function createCalls(clock: Clock): Calls {
  const underWay = new Set<Promise<void>>();
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
    settled: () => Promise.allSettled([...underWay]),
    limit(ms) {
      const timer = clock.setTimeout(() => tooLate.abort(new Error(`not within ${ms} ms of the end`)), ms);
      return () => clock.clearTimeout(timer);
    },
  };
}
