import { setTimeout } from 'node:timers/promises';
import { type Analytics, type Backend, createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { countRows } from './by-hand.ts';
import type { Workload } from './data.ts';

/** Well below the queue's limit of 65 536, so that nothing is dropped, and two batches, so that the backend is never idle. */
const maxQueued = 32_768;
export const checkedEvery = 1024;
/** Waking up to check the queue takes some 50 µs, which are no cost of recording. After this wait, a batch is still queued. */
export const waitMs = 40;

export interface SqliteClient {
  readonly client: Analytics;
  /**
   * Closes the client and checks the database, because a speed at which events are lost does not count.
   * @throws Error when it does not hold exactly so many executions.
   */
  closeWith(expected: number): Promise<void>;
}

/** Makes a client as a program does, with default options. `others`: backends besides SQLite. */
export async function sqliteClient(path: string, others: readonly Backend[] = []): Promise<SqliteClient> {
  const client = createAnalytics({ backends: [await sqlite({ path }), ...others] });
  return {
    client,
    async closeWith(expected) {
      await client.close();
      const rows = countRows(path);
      if (rows !== expected) {
        throw new Error(`recorded ${expected} executions, but the database holds ${rows}`);
      }
    },
  };
}

/** Waits until the queue has room. Await it every `checkedEvery` events. */
export async function roomInQueue(client: Analytics, most: number = maxQueued): Promise<void> {
  while ((client.stats().backends['sqlite']?.queued ?? 0) > most) {
    await setTimeout(waitMs);
  }
}

/** Records `count` executions as fast as the backend takes them. Resolves when they are in the database. */
export async function recordAll({ client }: SqliteClient, load: Workload, count: number): Promise<void> {
  await recordSome(client, load, 0, count);
  const { ok, backends } = await client.flush({ timeoutMs: 60_000 });
  if (!ok) {
    throw backends['sqlite']?.error ?? new Error('the flush failed');
  }
}

/** Records the executions from index `from` to below `to`, as fast as the backend takes them. */
export async function recordSome(client: Analytics, { at }: Workload, from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1) {
    if (index % checkedEvery === 0) {
      await roomInQueue(client);
    }
    client.recordSkillExecution(at(index));
  }
}
