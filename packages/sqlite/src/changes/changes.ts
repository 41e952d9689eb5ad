import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { feedback } from './feedback.ts';
import { recommend } from './recommend.ts';

/** Everything that the reader has the writing thread keep. What is to change is checked, complete, and free of the clock. */
export interface Changes {
  readonly recommend: typeof recommend;
  readonly feedback: typeof feedback;
}

const changes: Changes = { recommend, feedback };

export type Change<K extends keyof Changes = keyof Changes> = Parameters<Changes[K]>[1];

/** How the reader's methods have something kept. */
export type Keep = <K extends keyof Changes>(name: K, change: Change<K>) => Promise<ReturnType<Changes[K]>>;

/** All of a change or nothing. */
export function keep(db: Connection, config: DatabaseConfig, name: keyof Changes, change: Change): unknown {
  const make = changes[name] as (db: Connection, change: Change) => unknown;
  return transaction(db, config, () => make(db, change));
}
