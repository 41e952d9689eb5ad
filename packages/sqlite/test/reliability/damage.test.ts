import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Analytics, type Backend, createAnalytics, isAnalyticsError } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { Random } from '../../../../test/support/random.ts';
import { inLanes, times, trial } from '../../../../test/support/trial.ts';
import { applicationId, schemaVersion } from '../../src/identity.ts';
import { countedBy } from '../support/counted.ts';
import { copyDatabase, damage, makeDatabase, setAsideFiles } from '../support/damage.ts';
import { deliverAll, patiently } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { value } from '../support/rows.ts';

const pageBytes = 4096;
const lanes = 3;
/** A question starts a thread of its own. */
const askedEvery = 5;

type Change = (bytes: Buffer, random: Random) => Buffer | undefined;
const changes: Readonly<Record<string, Change>> = {
  zeroedHeader: (bytes) => void bytes.fill(0, 0, 100),
  cutOff: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  pageOfNoise: (bytes, random) => {
    const page = random.below(bytes.length / pageBytes) * pageBytes;
    for (let at = page; at < page + pageBytes; at += 4) {
      bytes.writeUInt32LE(random.seed(), at);
    }
    return undefined;
  },
  flippedBytes: (bytes, random) => {
    for (let left = 8; left > 0; left -= 1) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 + random.below(255));
    }
    return undefined;
  },
};
const kinds = Object.keys(changes);

/** Records some, and has them delivered, however many attempts it takes. */
async function recordSome(analytics: Analytics, name: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    analytics.recordSkillExecution({
      skillId: name,
      success: true,
      userId: `${name}-${number}`,
      attributes: { number },
    });
  }
  await deliverAll(analytics);
  expect(analytics.stats().backends['sqlite']?.queued).toBe(0);
}

const countOf = (path: string, name: string): unknown =>
  value(path, 'SELECT count(*) FROM executions WHERE name = ?', name);

trial('R12', 'damaged files never throw into the host: used, refused, or set aside', async ({ random, add }) => {
  const whole = join(testFolder(), 'whole.db');
  await makeDatabase(whole);
  await inLanes(lanes, times(800, 8), async (number) => {
    const kind = kinds[number % kinds.length] as string;
    const path = join(testFolder(), 'analytics.db');
    copyDatabase(whole, path);
    const damaged = damage(path, (bytes) => (changes[kind] as Change)(bytes, random));
    const name = `case ${number}: ${kind}`;
    add('files');
    let backend: Backend;
    try {
      backend = await sqlite({ path });
    } catch (error) {
      expect(isAnalyticsError(error) && error.code, `${name}: ${error}`).toBe('INVALID_CONFIG');
      expect(readFileSync(path).equals(damaged)).toBe(true);
      // What carries our mark is ours, and set aside instead; but not where a newer version seems to have written it.
      const isMarked = damaged.length >= 100 && damaged.readUInt32BE(68) === applicationId;
      expect(isMarked && damaged.readInt32BE(60) <= schemaVersion, name).toBe(false);
      add('refused');
      add(`${kind}Refused`);
      return;
    }
    const [aside] = setAsideFiles(path);
    const analytics = createAnalytics({
      backends: [backend],
      retry: { minDelayMs: 1, maxDelayMs: 10, maxAttempts: 1000 },
    });
    await recordSome(analytics, 'first', 50);
    // Reading may be the one to meet the damage; then it says so.
    if (number % askedEvery === 0) {
      const answer = await countedBy(analytics).catch((error) => error);
      expect(answer === 50 || aside === undefined, `${name}: ${answer}`).toBe(true);
      expect(typeof answer === 'number' || isAnalyticsError(answer), `${name}: ${answer}`).toBe(true);
      add(typeof answer === 'number' ? 'answers' : 'questionsRefused');
    }
    await recordSome(analytics, 'second', 50);
    const setAsideLater = setAsideFiles(path).length > (aside === undefined ? 0 : 1);
    add(setAsideLater ? 'setAsideLater' : aside === undefined ? 'used' : 'setAside');
    if (aside !== undefined) {
      add(`${kind}SetAside`);
      expect(readFileSync(aside).equals(damaged), name).toBe(true);
      expect(value(path, 'PRAGMA integrity_check'), name).toBe('ok');
    }
    // What SQLite can tell of damage is gone, whatever was done about it.
    expect(value(path, 'PRAGMA quick_check'), name).toBe('ok');
    if (!setAsideLater) {
      expect([countOf(path, 'first'), countOf(path, 'second')], name).toEqual([50, 50]);
    }
    expect(analytics.stats().backends['sqlite'], name).toMatchObject({ accepted: 100, delivered: 100 });
    await analytics.close();
    ledgerHolds(analytics.stats());
  });
});

const all = ['', '-wal', '-shm'];
const remove = (path: string, suffixes: readonly string[] = all): void => {
  for (const suffix of suffixes) {
    rmSync(`${path}${suffix}`, { force: true, recursive: true });
  }
};

interface Event {
  readonly name: string;
  happen(path: string, other: string): void;
  /** For what cannot be written to: makes room again. */
  undo?(path: string): void;
}

trial('R13', 'a database that is deleted, replaced or cut off while it is open', async ({ add }) => {
  const folder = testFolder();
  const other = join(folder, 'other.db');
  await makeDatabase(other, 100);
  const events: readonly Event[] = [
    { name: 'deleted', happen: (path) => remove(path) },
    { name: 'file deleted', happen: (path) => remove(path, ['']) },
    { name: 'log deleted', happen: (path) => remove(path, ['-wal', '-shm']) },
    { name: 'folder deleted', happen: (path) => rmSync(dirname(path), { recursive: true }) },
    {
      name: 'moved away',
      happen: (path) => {
        for (const suffix of all) {
          renameSync(`${path}${suffix}`, `${path}.moved${suffix}`);
        }
      },
    },
    {
      name: 'replaced by another of ours',
      happen: (path) => {
        remove(path);
        cpSync(other, path);
      },
    },
    {
      name: 'replaced by that of another program',
      happen: (path) => {
        remove(path);
        new Database(path).exec('CREATE TABLE contacts (name TEXT)').close();
      },
      undo: remove,
    },
    {
      name: 'replaced by a text',
      happen: (path) => {
        remove(path);
        writeFileSync(path, 'notes of mine\n'.repeat(1000));
      },
      undo: remove,
    },
    {
      name: 'replaced by a directory',
      happen: (path) => {
        remove(path);
        mkdirSync(path);
      },
      undo: remove,
    },
    {
      name: 'replaced by an empty file',
      happen: (path) => {
        remove(path);
        writeFileSync(path, '');
      },
    },
    { name: 'emptied', happen: (path) => truncateSync(path, 0) },
    { name: 'cut off', happen: (path) => truncateSync(path, 5 * pageBytes) },
  ];
  for (const { name, happen, undo } of events) {
    const path = join(folder, name, 'analytics.db');
    const notices: string[] = [];
    const analytics = createAnalytics({
      backends: [await sqlite({ path, onNotice: ({ message }) => void notices.push(message) })],
      retry: { minDelayMs: 1, maxDelayMs: 10, maxAttempts: 100_000 },
    });
    await recordSome(analytics, 'before', 500);
    happen(path, other);
    if (undo !== undefined) {
      for (let number = 0; number < 100; number += 1) {
        analytics.recordSkillExecution({ skillId: 'meanwhile', success: true });
      }
      expect(await analytics.flush({ timeoutMs: 500 }), name).toMatchObject({ ok: false });
      expect((await analytics.healthCheck()).healthy, name).toBe(false);
      undo(path);
    }
    await recordSome(analytics, 'after', 500);
    const health = await analytics.healthCheck(patiently);
    const stats = analytics.stats().backends['sqlite'];
    // Where there was nothing to write to, they waited, or were given up and counted.
    const givenUp = stats?.dropped.send_failed ?? 0;
    expect([0, undo === undefined ? 0 : 100], name).toContain(givenUp);
    expect(stats, name).toMatchObject({ delivered: (undo === undefined ? 1_000 : 1_100) - givenUp, queued: 0 });
    expect(countOf(path, 'after'), name).toBe(500);
    expect(countOf(path, 'meanwhile'), name).toBe(undo === undefined ? 0 : 100 - givenUp);
    add('givenUp', givenUp);
    const before = countOf(path, 'before') as number;
    // What is no longer there is told.
    expect(before === 500 || notices.length > 0, `${name}: ${before} of 500`).toBe(true);
    expect(health.healthy, name).toBe(true);
    expect(value(path, 'PRAGMA integrity_check'), name).toBe('ok');
    await analytics.close();
    ledgerHolds(analytics.stats());
    add('cases');
    add('rows', 1_000);
    add('goneWithTheirFile', 500 - before);
    add('setAside', setAsideFiles(path).length);
  }
});
