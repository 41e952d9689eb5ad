import { join } from 'node:path';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { createEncoder } from '../src/encode.ts';
import { toFailure } from '../src/failure.ts';
import { toWriteError } from '../src/new-file.ts';
import type { Slice } from '../src/slice.ts';
import { createWriter } from '../src/writer.ts';
import { testFolder } from './support/folder.ts';
import { storedEvents, value } from './support/rows.ts';

const byId = (events: readonly AnalyticsEvent[]): AnalyticsEvent[] =>
  events.toSorted((one, other) => (one.id < other.id ? -1 : 1));

test('a batch that does not fit is not there at all, and the next one is', async () => {
  const path = join(testFolder(), 'small.db');
  const config = { path, busyTimeoutMs: 1000, synchronous: 'full' } as const;
  const db = await openForWriting(Database, config);
  onTestFinished(() => void db.close());
  const writer = createWriter(db, config);
  const pages = db.pragma('page_count', { simple: true }) as number;
  db.pragma(`max_page_count = ${pages + 8}`);
  const of = (count: number, name: string): AnalyticsEvent[] =>
    Array.from({ length: count }, (_, at) => execution({ name: `${name} ${at}`, userId: `user ${at % 3}` }));
  const many = of(2000, 'many');
  const few = of(10, 'few');
  const slicesOf = (events: AnalyticsEvent[]): Slice[] => [createEncoder().slice(events, 0, events.length)];

  let failure: unknown;
  try {
    writer.write(slicesOf(many));
  } catch (error) {
    failure = error;
  }
  expect(toFailure(failure, path, false)).toMatchObject({
    code: 'STORAGE_FULL',
    message: expect.stringContaining(`${path} has no room left`),
  });
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(0);
  expect(value(path, 'SELECT count(*) FROM dictionary')).toBe(0);

  // The ids that the failed batch gave out are forgotten with it.
  writer.write(slicesOf(few));
  db.pragma('max_page_count = 100000');
  writer.write(slicesOf(many));
  expect(byId(storedEvents(path))).toEqual(byId([...few, ...many]));
});

test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('a file that the system refuses to let grow has no room: %s', (code) => {
  const error = Object.assign(new Error(`${code}: write`), { code, syscall: 'write' });
  const expected = { code: 'STORAGE_FULL', message: expect.stringContaining('a.db') };
  expect([toFailure(error, 'a.db', false), toWriteError(error, 'a.db')]).toMatchObject([expected, expected]);
});
