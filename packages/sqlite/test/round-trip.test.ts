import { join } from 'node:path';
import type { AnalyticsEvent, Backend } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { events } from './support/any-event.ts';
import { newFolder } from './support/folder.ts';
import { storedEvents } from './support/rows.ts';

const folder = newFolder();
const path = join(folder.path, 'analytics.db');
let backend: Backend;
const written = new Map<string, AnalyticsEvent>();

beforeAll(async () => {
  backend = await sqlite({ path });
});
afterAll(async () => {
  await backend.close?.();
  folder.dispose();
});

const byId = (some: readonly AnalyticsEvent[]): AnalyticsEvent[] =>
  some.toSorted((one, other) => (one.id < other.id ? -1 : 1));

test('any events come back from the file as they were, once, however often and by whatever way they are delivered', async () => {
  const batches = fc.tuple(fc.array(events, { minLength: 1, maxLength: 30 }), fc.nat(), fc.boolean());
  await fc.assert(
    fc.asyncProperty(batches, async ([batch, cut, sync]) => {
      const deliver = async (some: readonly AnalyticsEvent[]): Promise<void> => {
        if (some.length > 0) {
          await (sync ? backend.writeSync?.(some) : backend.write(some));
        }
      };
      await deliver(batch);
      // Again, in part, and in one batch with itself.
      await backend.write([...batch.slice(cut % batch.length), ...batch]);
      for (const event of batch) {
        written.set(event.id, event);
      }
    }),
    // So many that chance leaves fewer than the executions below once in some 10^14 times.
    { numRuns: 100, endOnFailure: true },
  );
  expect(byId(storedEvents(path))).toEqual(byId([...written.values()]));

  const executions = [...written.values()].filter(({ type }) => type === 'execution');
  expect(executions.length).toBeGreaterThan(100);
  const listed: AnalyticsEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = await backend.reader?.listExecutions?.({ limit: 100 }, cursor);
    listed.push(...(page?.executions ?? []));
    cursor = page?.nextCursor;
  } while (cursor !== undefined);
  expect(byId(listed)).toEqual(byId(executions));
});
