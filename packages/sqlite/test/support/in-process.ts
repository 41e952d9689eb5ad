import type { AnalyticsEvent, AnalyticsReader } from '@toolweaver/analytics-core';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { createAnswer } from '../../src/answers/answers.ts';
import { keep } from '../../src/changes/changes.ts';
import { type Connect, type Connection, openForWriting } from '../../src/database.ts';
import { createEncoder } from '../../src/encode.ts';
import { fold } from '../../src/fold.ts';
import { createReader } from '../../src/reader/reader.ts';
import type { Thread } from '../../src/thread.ts';
import { createWriter } from '../../src/writer.ts';

/** A store without its threads: quick to make, and open to see and to change what is in it. */
export interface Store {
  readonly reader: AnalyticsReader;
  readonly db: Connection;
  write(events: readonly AnalyticsEvent[]): void;
  /** The statements that were run while `body` was, with their parameters filled in. */
  statementsOf(body: () => Promise<unknown>): Promise<string[]>;
  close(): void;
}

export async function createStore(): Promise<Store> {
  const config = { path: ':memory:', busyTimeoutMs: 0, synchronous: 'normal' } as const;
  let statements: string[] = [];
  class Recorded extends Database {
    constructor(path: string, options: object) {
      super(path, { ...options, verbose: (statement) => statements.push(String(statement)) });
    }
  }
  const db = await openForWriting(Recorded as unknown as Connect, config);
  const writer = createWriter(db, config);
  const answer = createAnswer(db);
  const thread: Pick<Thread, 'call'> = {
    async call(request) {
      switch (request.op) {
        case 'fold':
          return fold(db, config);
        case 'read':
          return answer(request.name, request.question, request.evenUnfolded);
        case 'keep':
          return keep(db, config, request.name, request.change);
        default:
          throw new Error(`no ${request.op} here`);
      }
    },
  };
  return {
    reader: createReader(thread as Thread, thread as Thread),
    db,
    write: (events) => writer.write([createEncoder().slice(events, 0, events.length)]),
    async statementsOf(body) {
      statements = [];
      await body();
      return statements;
    },
    close: () => db.close(),
  };
}

/** One that goes when the test is over. */
export async function storeOfTest(): Promise<Store> {
  const store = await createStore();
  onTestFinished(() => store.close());
  return store;
}
