import { Kysely, SqliteDialect } from 'kysely';
import type { Connection } from '../database.ts';
import { executions } from './executions.ts';
import type { Db } from './filter.ts';
import { leaderboard } from './leaderboard.ts';
import { usage } from './usage.ts';

/** Every question that the thread with the database answers; their options are checked, complete, and free of the clock. */
export interface Answers {
  readonly usage: typeof usage;
  readonly leaderboard: typeof leaderboard;
  readonly executions: typeof executions;
}

const answers: Answers = { usage, leaderboard, executions };

export type Question<K extends keyof Answers = keyof Answers> = Parameters<Answers[K]>[1];

/** How the reader's methods ask. */
export type Ask = <K extends keyof Answers>(name: K, question: Question<K>) => ReturnType<Answers[K]>;

/** Answers from one state of the database, whatever is written meanwhile. */
export function answer(connection: Connection, name: keyof Answers, question: Question): Promise<unknown> {
  const db: Db = new Kysely({ dialect: new SqliteDialect({ database: connection }) });
  const find = answers[name] as (db: Db, question: Question) => Promise<unknown>;
  return db.transaction().execute((tx) => find(tx, question));
}
