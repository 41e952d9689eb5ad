import { type Connection, type DatabaseConfig, transaction } from '../database.ts';
import { feedback } from './feedback.ts';
import { recommend } from './recommend.ts';

/** Everything that the reader has the writer thread store. Changes are validated and complete, and times are absolute. */
export interface Changes {
  readonly recommend: typeof recommend;
  readonly feedback: typeof feedback;
}

const changes: Changes = { recommend, feedback };

export type Change<K extends keyof Changes = keyof Changes> = Parameters<Changes[K]>[1];

/** How the methods of the reader store something. */
export type Keep = <K extends keyof Changes>(name: K, change: Change<K>) => Promise<ReturnType<Changes[K]>>;

/** Applies a change in one transaction. */
export function keep(db: Connection, config: DatabaseConfig, name: keyof Changes, change: Change): unknown {
  const make = changes[name] as (db: Connection, change: Change) => unknown;
  return transaction(db, config, () => make(db, change));
}
