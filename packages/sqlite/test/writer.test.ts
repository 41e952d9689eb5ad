import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AnalyticsEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { loadDriver } from '../src/driver.ts';
import { createEncoder } from '../src/encode.ts';
import { createWriter } from '../src/writer.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const config = { path: ':memory:', busyTimeoutMs: 0, synchronous: 'normal', role: 'writer' } as const;

async function open() {
  const db = await openForWriting(await loadDriver(), config, { thorough: false, onNotice() {} });
  onTestFinished(() => void db.close());
  const writer = createWriter(db, config);
  return {
    db,
    writer,
    write: (events: readonly AnalyticsEvent[]) => writer.write([createEncoder().slice(events, 0, events.length)]),
  };
}

test('a user id with a line break, which no client records, moves no id to another row', async () => {
  const { db, write } = await open();
  const events = ['ann', 'b\nob', 'cy'].map((userId) => execution({ userId }));
  expect(() => write(events)).toThrow('line break');
  expect(db.prepare('SELECT count(*) FROM execution_events').pluck().get()).toBe(0);
  write(events.filter(({ userId }) => !userId?.includes('\n')));
  const users = db.prepare('SELECT text FROM execution_events JOIN dictionary d ON d.id = user ORDER BY text').pluck();
  expect(users.all()).toEqual(['ann', 'cy']);
});

test('the names of a later slice of a batch stay what they are, whatever users there are before', async () => {
  const { db, writer } = await open();
  const events = ['one', 'two'].map((at) =>
    execution({ userId: `user ${at}`, model: `model ${at}`, orgId: `org ${at}` }),
  );
  const encoder = createEncoder();
  writer.write(events.map((_, at) => encoder.slice(events, at, at + 1)));
  const found = db.prepare('SELECT user_id, model, org_id FROM executions ORDER BY user_id').raw().all();
  expect(found).toEqual(events.map(({ userId, model, orgId }) => [userId, model, orgId]));
});

test('an id that the writer remembers keeps no other ids of its batch in memory', async () => {
  const { write } = await open();
  const batch = (number: number) =>
    Array.from({ length: 64 }, (_, row) => execution({ userId: `${row === 0 ? number : ''} ${'x'.repeat(240)}` }));
  write(batch(0));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let number = 1; number <= 500; number += 1) {
    write(batch(number));
  }
  collectGarbage();
  const bytesPerId = (process.memoryUsage().heapUsed - before) / 500;
  expect(bytesPerId).toBeLessThan(4_000);
});
