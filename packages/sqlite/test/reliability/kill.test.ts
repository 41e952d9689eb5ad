import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { ledgerHolds } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { inLanes, times, trial } from '../../../../test/support/trial.ts';
import { start } from '../support/child.ts';
import { patiently } from '../support/deliver.ts';
import { testFolder } from '../support/folder.ts';
import { complete, executionNumber, numberedOf } from '../support/numbered.ts';
import { expectRollupsHold, rolledUpExecutions } from '../support/rollups.ts';
import { query, value } from '../support/rows.ts';

const recordUntilKilled = new URL('../fixtures/record-until-killed.ts', import.meta.url);
const maintain = new URL('../fixtures/maintain.ts', import.meta.url);
const upgradeProgram = new URL('../fixtures/upgrade.ts', import.meta.url);

const lanes = 2;
const killsPerFile = 5;
/** Enough for some batches. */
const maxLifeMs = 60;
/** What comes twice, as from a sender that does not know what became of it. */
const deliveredTwice = 50;

/** Kills a program that records at a random moment after its first acknowledgement; returns the last one. */
async function acknowledgedBeforeKill(args: readonly unknown[], lifeMs: number): Promise<number> {
  const child = start(recordUntilKilled, args.map(String));
  await child.says('\n');
  await setTimeout(lifeMs);
  child.process.kill('SIGKILL');
  const { stdout, stderr } = await child.ended;
  expect(stderr).toBe('');
  // A line that was cut off acknowledges nothing.
  return Number(stdout.split('\n').at(-2));
}

trial('R01', 'kill -9 at any moment loses nothing that was acknowledged', async ({ random, add, most }) => {
  const kills = times(500, 10);
  const folder = testFolder();
  await inLanes(lanes, kills / killsPerFile, async (file) => {
    const path = join(folder, `${file}.db`);
    let predecessor = { seed: 0, last: 0 };
    for (let round = 0; round < killsPerFile; round += 1) {
      const seed = random.seed();
      const { last } = predecessor;
      const again = [predecessor.seed, Math.max(1, last - deliveredTwice + 1), last];
      const acknowledged = await acknowledgedBeforeKill([path, seed, ...again], random.next() * maxLifeMs);
      expect(acknowledged).toBeGreaterThan(0);
      const stored = numberedOf(path, seed);
      add('kills');
      add('acknowledged', acknowledged);
      add('lost', Math.max(0, acknowledged - stored.last) + stored.last - stored.numbers);
      add('duplicated', stored.rows - stored.numbers);
      add('storedUnacknowledged', stored.last - acknowledged);
      // Batches are committed whole and in order: there are no gaps, and it reaches at least to what was acknowledged.
      expect(stored).toEqual(complete(stored.last));
      expect(stored.last).toBeGreaterThanOrEqual(acknowledged);
      // What came twice is there once.
      expect(numberedOf(path, predecessor.seed)).toEqual(complete(last));
      expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
      add('rollUpCellsCompared', expectRollupsHold(path));
      predecessor = { seed, last: stored.last };
    }
    most('rowsOfLargestFile', value(path, 'SELECT count(*) FROM executions') as number);
    await goesOn(path, value(path, 'SELECT count(*) FROM executions') as number);
  });
});

async function recordNumbered(path: string, seed: number, count: number, start?: number): Promise<void> {
  const analytics = createAnalytics({ backends: [await sqlite({ path })] });
  for (let number = 1; number <= count; number += 1) {
    analytics.record(executionNumber(seed, number, start));
    if (number % 1_000 === 0) {
      expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    }
  }
  expect(await analytics.close(patiently)).toMatchObject({ ok: true });
  ledgerHolds(analytics.stats());
}

/** The backend opens a file with so many executions, and adds one. */
async function goesOn(path: string, rows: number): Promise<void> {
  const analytics = createAnalytics({ backends: [await sqlite({ path })] });
  analytics.recordSkillExecution({ skillId: 'after', success: true });
  expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
  await analytics.close();
  ledgerHolds(analytics.stats());
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(rows + 1);
}

interface Life {
  readonly ended: boolean;
  /** From its start to its end. */
  readonly ms: number;
}

/** Lets a program that waits for it begin, and kills it some time later; or lets it come to its end. */
async function killAfterStart(program: URL, args: readonly string[], lifeMs?: number): Promise<Life> {
  const child = start(program, args);
  await child.says('ready');
  const began = performance.now();
  child.process.stdin?.write('go\n');
  if (lifeMs === undefined) {
    await child.says('done');
  } else {
    await setTimeout(lifeMs);
    child.process.kill('SIGKILL');
  }
  const ms = performance.now() - began;
  const { stdout, stderr } = await child.ended;
  expect(stderr).toBe('');
  return { ended: stdout.includes('done'), ms };
}

const schemaOf = (path: string): unknown => query(path, 'SELECT type, name, sql FROM sqlite_schema ORDER BY name');

trial('R02', 'kill -9 during a migration leaves the schema of before or after it', async ({ random, add }) => {
  const kills = times(100, 8);
  const folder = testFolder();
  const old = join(folder, 'old.db');
  await recordNumbered(old, 1, 20_000);
  const next = join(folder, 'next.db');
  copyFileSync(old, next);
  const upgrade = await killAfterStart(upgradeProgram, [next, 'next']);
  const schemas = { old: schemaOf(old), next: schemaOf(next) };
  expect(schemas.next).not.toEqual(schemas.old);

  await inLanes(lanes, kills, async (number) => {
    const path = join(folder, `${number}.db`);
    const isUpgrade = number % 2 === 1;
    if (isUpgrade) {
      copyFileSync(old, path);
    }
    const lifeMs = random.next() * (isUpgrade ? upgrade.ms : 40);
    const { ended } = await killAfterStart(upgradeProgram, [path, isUpgrade ? 'next' : 'this'], lifeMs);
    add('kills');
    add(ended ? 'atItsEnd' : 'underWay');
    if (!existsSync(path)) {
      add('noFileYet');
      return;
    }
    const before = isUpgrade ? schemas.old : [];
    const after = isUpgrade ? schemas.next : schemas.old;
    // What was cut off is taken back by the next one that may write.
    new Database(path).exec('SELECT count(*) FROM sqlite_schema').close();
    const found = schemaOf(path);
    expect([before, after]).toContainEqual(found);
    const isAfter = JSON.stringify(found) === JSON.stringify(after);
    add(isAfter ? 'after' : 'before');
    expect(value(path, 'PRAGMA user_version')).toBe(isUpgrade ? (isAfter ? 2 : 1) : Number(isAfter));
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    if (isUpgrade) {
      expect(numberedOf(path, 1)).toEqual(complete(20_000));
    }
    if (!(isUpgrade && isAfter)) {
      await goesOn(path, isUpgrade ? 20_000 : 0);
    }
  });
});

const dayMs = 86_400_000;
/** Runs, by their seeds. */
const [old, young] = [1, 2];
const [oldRows, youngRows] = [times(20_000, 6_000), times(5_000, 1_000)] as const;
const userId = 'user-7';
const tasks = ['prune', 'compact', 'backup', 'erase'] as const;

trial('R03', 'kill -9 during pruning, compacting, a backup or an erasure', async ({ random, add }) => {
  const kills = times(100, 4);
  const folder = testFolder();
  const whole = join(folder, 'whole.db');
  await recordNumbered(whole, old, oldRows);
  await recordNumbered(whole, young, youngRows, Date.now() - 20 * dayMs);
  const ofUser = value(whole, 'SELECT count(*) FROM executions WHERE user_id = ?', userId) as number;
  const rolledUp = rolledUpExecutions(whole);
  expect(rolledUp).toBe(oldRows + youngRows);
  async function perform(
    name: string,
    task: string,
    lifeMs?: number,
  ): Promise<Life & { path: string; target: string }> {
    const path = join(folder, `${name}.db`);
    const target = task === 'erase' ? userId : `${path}.copy`;
    copyFileSync(whole, path);
    return { path, target, ...(await killAfterStart(maintain, [path, task, target], lifeMs)) };
  }
  // How long each takes when it is let be.
  const durations = new Map<string, number>();
  for (const task of tasks) {
    durations.set(task, (await perform(task, task)).ms);
  }

  await inLanes(lanes, kills, async (number) => {
    const task = tasks[number % tasks.length] as (typeof tasks)[number];
    const lifeMs = random.next() * 1.1 * (durations.get(task) as number);
    const { path, target, ended } = await perform(String(number), task, lifeMs);
    add('kills');
    add(`${task}${ended ? 'Ended' : 'UnderWay'}`);

    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    // Whatever rows are gone, what they came to is not.
    expect(rolledUpExecutions(path)).toBe(rolledUp);
    const left = { old: numberedOf(path, old), young: numberedOf(path, young) };
    if (task === 'prune') {
      // The oldest went first, each once.
      const first = value(path, "SELECT min(attributes ->> 'number') FROM executions WHERE run_id = ?", String(old));
      expect(left.old.rows).toBe(first === null ? 0 : oldRows - (first as number) + 1);
      expect(left.young).toEqual(complete(youngRows));
    } else if (task === 'erase') {
      const rows = value(path, 'SELECT count(*) FROM executions WHERE user_id = ?', userId);
      expect([0, ofUser]).toContain(rows);
      expect(left.old.rows + left.young.rows).toBe(oldRows + youngRows - ofUser + (rows as number));
    } else {
      expect(left).toEqual({ old: complete(oldRows), young: complete(youngRows) });
    }
    if (task === 'backup' && existsSync(target)) {
      add('backupsComplete');
      expect(value(target, 'PRAGMA integrity_check')).toBe('ok');
      expect(numberedOf(target, old)).toEqual(complete(oldRows));
      expect(numberedOf(target, young)).toEqual(complete(youngRows));
    }
    await goesOn(path, left.old.rows + left.young.rows);
  });
  add('draftsLeft', readdirSync(folder).filter((name) => name.endsWith('.partial')).length);
});
