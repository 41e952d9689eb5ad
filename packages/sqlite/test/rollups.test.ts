import { join } from 'node:path';
import type { ExecutionEvent } from '@toolweaver/analytics-core';
import { execution } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Connect, openForWriting } from '../src/database.ts';
import { foldSome } from '../src/fold.ts';
import { executions } from './support/arbitrary.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { expectRollupsHold } from './support/rollups.ts';

const hour = 3_600_000;
const monthHours = 32 * 24;
const month = monthHours * hour;
const start = Date.UTC(2026, 2, 1);

function sql<T>(path: string, query: string): T[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(query).all() as T[];
  } finally {
    db.close();
  }
}

describe('roll-ups', () => {
  test('say what the rows say, however the executions came', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const batch = fc.array(executions, { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(batch, fc.nat(), fc.boolean(), fc.boolean(), async (events, cut, ask, sync) => {
        await (sync ? backend.writeSync?.(events) : backend.write(events));
        // Some of them again, in one batch with themselves: nothing may be counted twice.
        await backend.write([...events.slice(cut % events.length), ...events]);
        if (ask) {
          await backend.reader?.getLeaderboard();
        }
        expectRollupsHold(path);
      }),
      { numRuns: 40, endOnFailure: true },
    );
    await backend.reader?.getLeaderboard();
    expect(sql(path, 'SELECT * FROM rollup_log')).toEqual([]);
    expect(expectRollupsHold(path)).toBeGreaterThan(100);
  }, 180_000);

  test('put late executions into the hour, the day and the month in which they were', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const times = [start + 26 * hour, start + 26 * hour + 1, start + 26 * hour - 1, start, start + 24 * hour - 1];
    for (const at of times) {
      await backend.write([execution({ at, name: 'late' })]);
      await backend.reader?.getLeaderboard();
    }
    const cells = sql(path, 'SELECT width, start, executions, first_at, last_at FROM rollups ORDER BY width, start');
    const cell = (width: number, hours: number, count: number, first: number, last: number): object => ({
      width: width * hour,
      start: start + hours * hour,
      executions: count,
      first_at: first,
      last_at: last,
    });
    expect(cells).toEqual([
      cell(1, 0, 1, start, start),
      cell(1, 23, 1, start + 24 * hour - 1, start + 24 * hour - 1),
      cell(1, 25, 1, start + 26 * hour - 1, start + 26 * hour - 1),
      cell(1, 26, 2, start + 26 * hour, start + 26 * hour + 1),
      cell(24, 0, 2, start, start + 24 * hour - 1),
      cell(24, 24, 3, start + 26 * hour - 1, start + 26 * hour + 1),
      cell(monthHours, (start - (start % month)) / hour - start / hour, 5, start, start + 26 * hour + 1),
    ]);
  });

  test('keep an organisation apart, and count it with everybody', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    await backend.write([
      execution({ at: start, orgId: 'a', weight: 2.5 }),
      execution({ at: start, orgId: 'b' }),
      execution({ at: start }),
    ]);
    await backend.reader?.getLeaderboard();
    const cells = sql(
      path,
      `SELECT width / ${hour} AS hours, d.text AS org, executions FROM rollups r LEFT JOIN dictionary d ON d.id = r.org
       ORDER BY hours, org`,
    );
    expect(cells).toEqual([
      { hours: 1, org: null, executions: 4.5 },
      { hours: 24, org: null, executions: 4.5 },
      { hours: 24, org: 'a', executions: 2.5 },
      { hours: 24, org: 'b', executions: 1 },
      { hours: monthHours, org: null, executions: 4.5 },
    ]);
  });

  test('are added up by themselves when many writes have come together', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    for (let write = 0; write < 70; write += 1) {
      await backend.write([execution({ at: start + write })]);
    }
    expect(sql(path, 'SELECT * FROM rollup_log').length).toBeLessThan(64);
    expect(sql(path, `SELECT * FROM rollups`)).not.toEqual([]);
    expectRollupsHold(path);
  });

  test('are added up in parts where there are many, each of which holds', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const config = { path, busyTimeoutMs: 0, synchronous: 'normal' } as const;
    const db = await openForWriting(Database as unknown as Connect, config);
    onTestFinished(() => void db.close());
    const lines = (): number => sql(path, 'SELECT * FROM rollup_log').length;
    for (const mostCells of [1, 13, 20, 1000]) {
      for (let write = 0; write < 6; write += 1) {
        const names = Array.from({ length: 3 }, (_, at) => ({ at: start, name: `skill-${write + at}`, orgId: 'a' }));
        await backend.write(names.map(execution));
      }
      const left = [lines()];
      while (foldSome(db, config, mostCells)) {
        expectRollupsHold(path);
        left.push(lines());
      }
      expect(left).toEqual({ 1: [6, 5, 4, 3, 2, 1], 13: [6, 4, 2], 20: [6, 3], 1000: [6] }[mostCells]);
      expect(lines()).toBe(0);
      expectRollupsHold(path);
    }
  });

  test('keep count of at most 100 types of error in a cell, and of all failures', async () => {
    const path = join(testFolder(), 'analytics.db');
    const backend = await open({ path });
    const failures = Array.from({ length: 250 }, (_, at) =>
      execution({ at: start + at, success: false, error: { type: `Error${at}` } }),
    );
    await backend.write(failures);
    await backend.reader?.getLeaderboard();
    const counts = sql<{ types: number; failures: number }>(
      path,
      `SELECT count(*) AS types, sum(value) AS failures FROM rollups, json_each(errors) GROUP BY width`,
    );
    expect(counts).toEqual(Array(3).fill({ types: 101, failures: 250 }));
    // Those that come later push out none.
    await backend.write([
      execution({ at: start, success: false, error: { type: 'Error99' } }),
      execution({ at: start, success: false, error: { type: 'Latecomer' } }),
    ]);
    await backend.reader?.getLeaderboard();
    const of99 = sql<{ failures: number }>(
      path,
      `SELECT value AS failures FROM rollups, json_each(errors)
       WHERE CAST(key AS INTEGER) = (SELECT id FROM dictionary WHERE text = 'Error99')`,
    );
    expect(of99).toEqual(Array(3).fill({ failures: 2 }));
  });
});

test('executions of one ms whose ids end alike are all kept, once', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path });
  const alike = Array.from({ length: 40 }, (_, at): ExecutionEvent => {
    const head = (at + 1).toString(16).padStart(8, '0');
    return execution({ id: `${head}-0000-4000-8000-0000001fffff`, at: start, name: `skill-${at % 3}` });
  });
  await backend.write(alike.slice(0, 25));
  await backend.write(alike.toReversed());
  await backend.write(alike);
  expect(sql(path, 'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM execution_events')).toEqual([
    { rows: 40, ids: 40 },
  ]);
  expectRollupsHold(path);
  const page = await backend.reader?.listExecutions({ limit: 1000 });
  expect(page?.executions.map(({ id }) => id)).toEqual(alike.map(({ id }) => id).toReversed());
});

test('a question is answered from the log while it cannot be folded, and changes nothing', async () => {
  const path = join(testFolder(), 'analytics.db');
  const backend = await open({ path, busyTimeoutMs: 100 });
  const events = (from: number): ExecutionEvent[] =>
    Array.from({ length: 30 }, (_, at) =>
      execution({
        at: start + from + at * 40 * 60_000,
        name: `skill-${at % 3}`,
        latencyMs: from + at,
        userId: `user-${at % 7}`,
        success: at % 5 > 0,
        ...(at % 5 === 0 && { error: { type: 'E' } }),
      }),
    );
  await backend.write(events(0));
  await backend.reader.summary();
  await backend.write(events(1));
  const ask = async (): Promise<unknown> => [
    await backend.reader.getLeaderboard({ metric: 'adoption' }),
    await backend.reader.summary({ from: start + 90 * 60_000, to: start + 20 * hour }),
    await backend.reader.getErrors(),
  ];
  const db = new Database(path);
  db.exec('BEGIN IMMEDIATE');
  const locked = await ask();
  db.exec('ROLLBACK');
  db.close();
  expect(sql(path, 'SELECT * FROM rollup_log')).toHaveLength(1);
  expect(await ask()).toEqual(locked);
  expect(sql(path, 'SELECT * FROM rollup_log')).toEqual([]);
});
