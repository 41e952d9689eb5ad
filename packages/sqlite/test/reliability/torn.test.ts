import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { Random } from '../../../../test/support/random.ts';
import { times, trial } from '../../../../test/support/trial.ts';
import { countedBy } from '../support/counted.ts';
import { patiently } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { value } from '../support/rows.ts';
import { type Frame, framesOf } from '../support/write-ahead-log.ts';

const cases = times(4000, 100);
/** Every so many are opened by the backend, too, which takes longer. */
const openedEvery = 40;
const transactions = 30;
const sectorBytes = 512;

/** What a power loss may leave behind. */
interface Files {
  readonly database: Buffer;
  readonly log: Buffer;
}

/** And how many rows there were after each flush. */
interface Recorded extends Files {
  readonly acknowledged: ReadonlySet<number>;
}

interface Transaction {
  /** Where it ends in the log; 0 for what the database's own file holds. */
  readonly end: number;
  /** Of all pages of the database after it. */
  readonly digest: string;
  readonly rows: number;
}

trial('R06', 'a log that a power loss has torn gives a clean prefix of whole transactions', async ({ random, add }) => {
  const folder = testFolder();
  for (const begun of ['once', 'anew'] as const) {
    const whole = await record(join(folder, `${begun}.db`), begun === 'anew', random);
    const frames = framesOf(whole.log);
    const path = join(folder, 'torn.db');
    const committed = statesOf(path, whole, frames);
    expect(committed.length).toBeGreaterThan(transactions);
    expect(committed.filter(({ rows }) => !whole.acknowledged.has(rows))).toEqual([]);
    add('transactions', committed.length - 1);
    for (let number = 0; number < cases / 2; number += 1) {
      const harm = random.pick(harms);
      const { database, log } = harm.apply(whole, frames, random);
      const damagedAt = firstDifference(whole.log, log);
      const expected = committed.findLast(({ end }) => end <= damagedAt) as Transaction;
      put(path, { database, log });
      expect(stateOf(path), `case ${number}: ${harm.name}, damaged from ${damagedAt} on`).toEqual({
        digest: expected.digest,
        rows: expected.rows,
      });
      add('cases');
      add(harm.name);
      if (number % openedEvery === 0) {
        put(path, { database, log });
        await goesOn(path, expected.rows);
        add('goneOnFrom');
      }
    }
  }
});

/** Records in transactions of random sizes, and takes the files as they are before they are closed. */
async function record(path: string, logBegunAnew: boolean, random: Random): Promise<Recorded> {
  const analytics = createAnalytics({ backends: [await sqlite({ path })] });
  const acknowledged = new Set([0]);
  let rows = 0;
  const write = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      const number = random.below(50);
      analytics.recordSkillExecution({ skillId: `skill-${number % 7}`, success: true, userId: `user-${number}` });
    }
    expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    rows += count;
    acknowledged.add(rows);
  };
  if (logBegunAnew) {
    // Enough for a log that is longer than the next one.
    await write(3_000);
    const db = new Database(path);
    expect(db.pragma('wal_checkpoint(RESTART)')).toMatchObject([{ busy: 0 }]);
    db.close();
  }
  for (let left = transactions; left > 0; left -= 1) {
    await write(1 + random.below(60));
  }
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  const files = { database: readFileSync(copy), log: readFileSync(`${copy}-wal`) };
  expect(await analytics.close(patiently)).toMatchObject({ ok: true });
  ledgerHolds(analytics.stats());
  return { ...files, acknowledged };
}

/** The states that there may be: after each transaction, read from a log that ends right behind it. */
function statesOf(path: string, { database, log }: Files, frames: readonly Frame[]): Transaction[] {
  const ends = [0, ...frames.filter(({ commits }) => commits).map(({ end }) => end)];
  return ends.map((end) => {
    put(path, { database, log: log.subarray(0, end) });
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    return { end, ...stateOf(path) };
  });
}

function stateOf(path: string): { digest: string; rows: number } {
  const db = new Database(path);
  try {
    db.pragma('synchronous = off');
    const isMade = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'executions'").pluck().get() === 1;
    const rows = isMade ? (db.prepare('SELECT count(*) FROM execution_events').pluck().get() as number) : 0;
    return { digest: createHash('sha1').update(db.serialize()).digest('hex'), rows };
  } finally {
    db.close();
  }
}

/** The backend opens the file, finds what is there, and adds to it. */
async function goesOn(path: string, rows: number): Promise<void> {
  const analytics = createAnalytics({ backends: [await sqlite({ path })] });
  analytics.recordSkillExecution({ skillId: 'after', success: true });
  expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
  expect(await countedBy(analytics)).toBe(rows + 1);
  await analytics.close();
  ledgerHolds(analytics.stats());
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(rows + 1);
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
}

function put(path: string, { database, log }: Files): void {
  rmSync(`${path}-shm`, { force: true });
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, log);
}

interface Harm {
  readonly name: string;
  apply(whole: Files, frames: readonly Frame[], random: Random): Files;
}

const harms: readonly Harm[] = [
  {
    name: 'cut',
    apply: ({ database, log }, _frames, random) => ({ database, log: log.subarray(0, random.below(log.length + 1)) }),
  },
  {
    name: 'lostSectors',
    apply: ({ database, log }, _frames, random) => {
      const torn = Buffer.from(log);
      for (let left = 1 + random.below(5); left > 0; left -= 1) {
        const sector = random.below(Math.ceil(log.length / sectorBytes)) * sectorBytes;
        torn.fill(random.pick([0, 0xff]), sector, Math.min(sector + sectorBytes, log.length));
      }
      return { database, log: torn };
    },
  },
  {
    name: 'flippedBytes',
    apply: ({ database, log }, _frames, random) => {
      const torn = Buffer.from(log);
      for (let left = 1 + random.below(5); left > 0; left -= 1) {
        const at = random.below(log.length);
        torn[at] = (torn[at] as number) ^ (1 + random.below(255));
      }
      return { database, log: torn };
    },
  },
  {
    // Some pages are already in the database's file, one of them in part.
    name: 'halfCheckpoint',
    apply: ({ database, log }, frames, random) => {
      const pageSize = log.readUInt32BE(8);
      const latest = new Map(frames.map((frame) => [frame.page, frame]));
      const copied = [...latest.values()].filter(() => random.next() < 0.5);
      const pages = Math.max(database.length / pageSize, ...copied.map(({ page }) => page));
      const torn = Buffer.alloc(pages * pageSize);
      database.copy(torn);
      for (const { page, start } of copied) {
        const bytes = random.next() < 0.1 ? random.below(pageSize / sectorBytes) * sectorBytes : pageSize;
        log.copy(torn, (page - 1) * pageSize, start, start + bytes);
      }
      return { database: torn, log };
    },
  },
];

/** The length of the shorter one if it is the start of the other. */
function firstDifference(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length);
  if (one.subarray(0, length).equals(other.subarray(0, length))) {
    return one.length === other.length ? Number.POSITIVE_INFINITY : length;
  }
  for (let at = 0; ; at += 1) {
    if (one[at] !== other[at]) {
      return at;
    }
  }
}
