import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type AnalyticsError, createAnalytics } from '@toolweaver/analytics-core';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { artifact, execution, ledgerHolds, rating } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openForWriting } from '../src/database.ts';
import { start } from './support/child.ts';
import { copyDatabase, damage, damages, makeDatabase, setAsideFiles } from './support/damage.ts';
import { patiently } from './support/deliver.ts';
import { newFolder, testFolder } from './support/folder.ts';
import { open, openClient } from './support/open.ts';
import { query, value } from './support/rows.ts';

const openAndRecord = new URL('./fixtures/open-and-record.ts', import.meta.url);
const shared = newFolder();
const whole = join(shared.path, 'whole.db');

beforeAll(async () => {
  await makeDatabase(whole);
  return () => shared.dispose();
});

const executions = (path: string): unknown => value(path, 'SELECT count(*) FROM executions');

/** A copy of a database, and where its notices go. */
function given(): { path: string; notices: AnalyticsError[]; onNotice(notice: AnalyticsError): void } {
  const path = join(testFolder(), 'analytics.db');
  copyDatabase(whole, path);
  const notices: AnalyticsError[] = [];
  return { path, notices, onNotice: (notice) => void notices.push(notice) };
}

/** Puts another letter where the text is found first: the schema comes first in the file, and its copy after it. */
function flip(path: string, before: string, after: string, find: 'indexOf' | 'lastIndexOf' = 'indexOf'): void {
  damage(path, (bytes) => {
    const at = bytes[find](before);
    expect(at).toBeGreaterThan(0);
    bytes.write(after, at);
  });
}

const changing = (statements: string) => (path: string) =>
  void new Database(path).unsafeMode().exec(statements).close();

describe('definitions of ours are restored when it is opened, and nothing is lost', () => {
  test.each<[string, (path: string) => void, string[]]>([
    ['another letter in a view', (path) => flip(path, 'lower(hex', 'lowar(hex'), ['ratings']],
    [
      'another letter in a trigger',
      (path) => flip(path, 'INSERT INTO run_metrics', 'INSERT INTO run_mEtrics'),
      ['metrics_events_added'],
    ],
    ['another letter in the copy of them', (path) => flip(path, 'lower(hex', 'lowar(hex', 'lastIndexOf'), []],
    ['a view less', changing('DROP VIEW skill_usage'), ['skill_usage']],
    ['another view', changing('DROP VIEW skill_usage; CREATE VIEW skill_usage AS SELECT 1 AS one'), ['skill_usage']],
    [
      'two indexes less',
      changing('DROP INDEX execution_events_subject; DROP INDEX execution_events_run'),
      ['execution_events_subject', 'execution_events_run'],
    ],
  ])('%s', async (_what, change, names) => {
    const { path, notices, onNotice } = given();
    const definitions = 'SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name';
    const before = query(path, definitions);
    change(path);
    for (let opened = 0; opened < 2; opened += 1) {
      const backend = await open({ path, onNotice });
      await backend.write([execution()]);
      await backend.close?.();
    }
    expect(executions(path)).toBe(2_002);
    expect(query(path, definitions)).toEqual(before);
    expect(setAsideFiles(path)).toEqual([]);
    expect(notices.map(({ code, message }) => [code, message])).toEqual(
      names.length === 0
        ? []
        : [['BACKEND_UNAVAILABLE', expect.stringContaining(`had other definitions of ${names.join(', ')}`)]],
    );
  });

  test('while another process has it open', async () => {
    const { path, notices, onNotice } = given();
    const first = await open({ path });
    changing('DROP VIEW skill_usage')(path);
    const second = await open({ path, onNotice });
    await first.write([execution()]);
    await second.write([execution()]);
    expect(value(path, 'SELECT count(*) FROM skill_usage')).toBe(executions(path));
    expect(executions(path)).toBe(2_002);
    expect(notices).toHaveLength(1);
  });

  test('but no table that has the name of one is dropped', async () => {
    const { path } = given();
    changing('DROP VIEW skill_usage; CREATE TABLE skill_usage (mine TEXT)')(path);
    await expect(sqlite({ path })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('the table skill_usage stands where a view of ours was: rename it'),
    });
  });
});

describe('a database of ours is set aside when it is opened', () => {
  test.each(damages)('%s, and a new one is begun', async (_what, change) => {
    const { path, notices, onNotice } = given();
    const damaged = damage(path, change);
    const backend = await open({ path, onNotice });
    await backend.write([execution()]);
    expect(executions(path)).toBe(1);
    const [aside, ...others] = setAsideFiles(path) as [string, ...string[]];
    expect(others).toEqual([]);
    expect(aside).toMatch(/analytics\.db\.corrupt-\d{8}T\d{6}Z$/);
    expect(readFileSync(aside).equals(damaged)).toBe(true);
    expect((statSync(aside).mode & 0o777).toString(8)).toBe('600');
    expect(notices).toEqual([
      expect.objectContaining({
        code: 'BACKEND_UNAVAILABLE',
        backend: 'sqlite',
        message: expect.stringContaining(`it was set aside as ${aside}, and a new file is begun`),
      }),
    ]);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  });

  test('without an onNotice, the client that takes it on reports it', async () => {
    const { path } = given();
    damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
    const backend = await open({ path });
    const errors: AnalyticsError[] = [];
    const analytics = createAnalytics({ backends: [backend], onError: (error) => void errors.push(error) });
    expect(errors).toMatchObject([{ backend: 'sqlite', message: expect.stringContaining('it was set aside as') }]);
    await analytics.close();
  });

  // SQLite's own check says nothing of these.
  test.each([
    [
      'another letter in the definition of a table',
      changing(
        `PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, '"latency_ms" real', '"latency_ms" reel') WHERE name = 'execution_events'`,
      ),
    ],
    ['a column of another name', changing('ALTER TABLE execution_events RENAME COLUMN latency_ms TO duration')],
    ['a table less', changing('DROP TABLE floors')],
    ['no copy of its definitions', changing('DROP TABLE schema_copy')],
    [
      'rows that an index of ours would refuse',
      changing(
        `DROP INDEX recommendations_of_user;
        INSERT INTO recommendations (id, user, subject, type, score, reason, at)
        VALUES (x'01', 1, 1, 'trending', 0, '', 0), (x'02', 1, 1, 'trending', 0, '', 0)`,
      ),
    ],
  ])('with %s', async (_what, change) => {
    const { path, notices, onNotice } = given();
    change(path);
    expect(value(path, 'PRAGMA quick_check')).toBe('ok');
    const backend = await open({ path, onNotice });
    await backend.write([execution()]);
    expect(setAsideFiles(path)).toHaveLength(1);
    expect(notices).toHaveLength(1);
    expect(executions(path)).toBe(1);
  });

  test('but not for what others have put into it', async () => {
    const { path, notices, onNotice } = given();
    changing('CREATE TABLE notes (text TEXT); CREATE VIEW broken AS SELECT * FROM gone')(path);
    changing('CREATE INDEX mine ON probe (data)')(path);
    for (const table of ['execution_events', 'subjects', 'rollups', 'run_metrics', 'dictionary', 'schema_copy']) {
      for (const column of ['note TEXT', 'priority INTEGER NOT NULL DEFAULT 3 CHECK (priority > 0)']) {
        changing(`ALTER TABLE ${table} ADD COLUMN ${column}`)(path);
      }
    }
    const backend = await open({ path, onNotice });
    await backend.write([execution()]);
    expect(executions(path)).toBe(2_001);
    expect(query(path, 'SELECT count(*) AS count FROM execution_events WHERE priority = 3')).toEqual([
      { count: 2_001 },
    ]);
    expect(notices).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)('by root, who leaves the new file to the owner of the old one', async () => {
    const { path, onNotice } = given();
    damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
    chownSync(path, 12_345, 12_346);
    await open({ path, onNotice });
    expect(setAsideFiles(path)).toHaveLength(1);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      const { uid, gid, mode } = statSync(file);
      expect([uid, gid, (mode & 0o777).toString(8)]).toEqual([12_345, 12_346, '600']);
    }
  });

  test('together with its log', async () => {
    const { path, onNotice } = given();
    // Whoever has it open keeps the log where it is.
    const other = new Database(path);
    onTestFinished(() => void other.close());
    other.exec('INSERT INTO probe (data) VALUES (zeroblob(9000))');
    damage(path, (bytes) => void bytes.fill(0x5a, 8192));
    const log = readFileSync(`${path}-wal`);
    const backend = await open({ path, onNotice });
    await backend.write([execution()]);
    const [aside] = setAsideFiles(path);
    expect(readFileSync(`${aside}-wal`).equals(log)).toBe(true);
    expect(executions(path)).toBe(1);
    other.close();
    expect(existsSync(`${path}-wal`)).toBe(true);
  });

  test('where a symbolic link leads to', async () => {
    const { path, onNotice } = given();
    const link = join(testFolder(), 'link.db');
    symlinkSync(path, link);
    damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
    const backend = await open({ path: link, onNotice });
    await backend.write([execution()]);
    expect(setAsideFiles(path)).toHaveLength(1);
    expect(realpathSync(link)).toBe(path);
    expect(executions(path)).toBe(1);
  });

  test('also when it is too large to be checked whole, and the end of a table tells', async () => {
    const path = join(testFolder(), 'analytics.db');
    const first = await sqlite({ path });
    await first.write(Array.from({ length: 40 }, () => artifact({ bytes: new Uint8Array(1024 * 1024) })));
    await first.write([rating()]);
    await first.close?.();
    const page = value(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'rating_events'") as number;
    damage(path, (bytes) => void bytes.fill(0x5a, page * 4096 - 4096, page * 4096));
    const notices: AnalyticsError[] = [];
    const backend = await open({ path, onNotice: (notice) => void notices.push(notice) });
    await backend.write([rating()]);
    expect(notices).toHaveLength(1);
    expect(value(path, 'SELECT count(*) FROM ratings')).toBe(1);
  });

  test('again and again, under a name of its own each time', async () => {
    const { path, onNotice } = given();
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const config = { path, busyTimeoutMs: 1000, synchronous: 'full' } as const;
    for (let round = 0; round < 3; round += 1) {
      damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
      (await openForWriting(Database, config, { onNotice: onNotice as never })).close();
    }
    expect(setAsideFiles(path)).toHaveLength(3);
  });
});

describe('what is not beyond doubt ours is refused, and left alone:', () => {
  const ours = (): Buffer => readFileSync(whole);
  const foreign = (): Buffer => {
    const path = join(testFolder(), 'foreign.db');
    const db = new Database(path);
    db.exec('CREATE TABLE contacts (name TEXT)');
    db.prepare('INSERT INTO contacts VALUES (?)').run('x'.repeat(10_000));
    db.close();
    return readFileSync(path);
  };
  const dump = (): Buffer =>
    Buffer.from(
      query(whole, 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')
        .map(({ sql }) => `${sql};\n`)
        .join(''),
    );

  test.each([
    ['notes', () => Buffer.from('notes of mine\n'.repeat(1000))],
    ['a dump of ours', dump],
    ['noise', () => Buffer.alloc(20_000, 0x5a)],
    ['zeroes', () => Buffer.alloc(20_000)],
    ['too little to tell', () => ours().subarray(0, 50)],
    ['a damaged database of another program', () => foreign().fill(0xff, 100, 4096)],
    ['half a database of another program', () => foreign().subarray(0, 8192)],
    [
      'a damaged database of a newer version',
      () => {
        const bytes = ours();
        bytes.writeUInt32BE(1000, 60);
        return bytes.fill(0xff, 100, 4096);
      },
    ],
  ])('%s', async (_what, make) => {
    const folder = testFolder();
    const path = join(folder, 'analytics.db');
    const bytes = make();
    writeFileSync(path, bytes);
    await expect(sqlite({ path })).rejects.toMatchObject({ code: 'INVALID_CONFIG', problems: [{ field: 'path' }] });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['analytics.db']);
  });
});

/** As another program would: so that pages are read from the file again. */
function touch(path: string): void {
  const db = new Database(path);
  try {
    db.exec('INSERT INTO probe (data) VALUES (1); DELETE FROM probe');
  } catch {
    // It may meet the damage first.
  }
  db.close();
}

describe('a database that is damaged while it is open', () => {
  /** The names of all users are found by it. */
  const indexPage = (): number =>
    value(whole, "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_dictionary_1'") as number;

  test.each([
    ['with a page of noise', (bytes: Buffer) => void bytes.fill(0x5a, indexPage() * 4096 - 4096, indexPage() * 4096)],
    ['emptied', () => Buffer.alloc(0)],
    ['without its second half', (bytes: Buffer) => bytes.subarray(0, (bytes.length >> 13) << 12)],
  ])('%s, is set aside by the delivery that meets it; the events go to the new one', async (_what, change) => {
    const { path, notices, onNotice } = given();
    const errors: AnalyticsError[] = [];
    const analytics = await openClient(
      { path, onNotice },
      { retry: { minDelayMs: 1, maxDelayMs: 10, maxAttempts: 100 }, onError: (error) => void errors.push(error) },
    );
    damage(path, change);
    for (let round = 0; round < 20; round += 1) {
      touch(path);
      for (let number = 0; number < 500; number += 1) {
        analytics.recordSkillExecution({
          skillId: `skill ${number}`,
          userId: `new user ${round} ${number}`,
          success: true,
        });
      }
      expect(await analytics.flush(patiently)).toMatchObject({ ok: true });
    }
    ledgerHolds(analytics.stats());
    const [aside, ...others] = setAsideFiles(path);
    expect(others).toEqual([]);
    expect(notices).toEqual([
      expect.objectContaining({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(String(aside)) }),
    ]);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
    // Those before the damage was met may be in the old one.
    expect(executions(path)).toBeGreaterThan(0);
    expect(analytics.stats().backends['sqlite']).toMatchObject({ delivered: 10_000 });
  });

  test('is set aside when a reader meets it', async () => {
    const { path, notices, onNotice } = given();
    const backend = await open({ path, onNotice });
    damage(path, (bytes) => void bytes.fill(0x5a, 4096));
    await expect(backend.reader.listExecutions()).rejects.toMatchObject({ code: expect.any(String) });
    await vi.waitFor(() => expect(notices).toHaveLength(1), { timeout: 120_000 });
    expect(setAsideFiles(path)).toHaveLength(1);
    expect((await backend.reader.listExecutions()).executions).toEqual([]);
  });
});

test('processes that find it damaged at once set it aside once, and all get their events into the new one', async () => {
  const { path } = given();
  damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
  const children = Array.from({ length: 6 }, (_, at) => start(openAndRecord, [path, `process-${at}`]));
  await Promise.all(children.map((child) => child.says('ready')));
  for (const child of children) {
    child.process.stdin?.write('go\n');
  }
  const ends = await Promise.all(children.map(({ ended }) => ended));
  expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ends.map(() => ({ code: 0, stderr: '' })));
  const told = ends.map(({ stdout }) => JSON.parse(stdout.split('\n')[1] ?? '') as { ok: boolean; notices: string[] });
  expect(told.every(({ ok }) => ok)).toBe(true);
  expect(told.flatMap(({ notices }) => notices.filter((message) => message.includes('set aside as')))).toHaveLength(1);
  expect(setAsideFiles(path)).toHaveLength(1);
  expect(query(path, 'SELECT user_id, count(*) AS rows FROM executions GROUP BY 1 ORDER BY 1')).toEqual(
    children.map((_, at) => ({ user_id: `process-${at}`, rows: 1000 })),
  );
}, 180_000);

test('a process that was killed while it set a database aside holds nobody up for long', async () => {
  const { path } = given();
  damage(path, (bytes) => void bytes.fill(0xff, 100, 4096));
  mkdirSync(`${path}.set-aside`);
  utimesSync(`${path}.set-aside`, new Date(0), new Date(0));
  const backend = await open({ path });
  await backend.write([execution()]);
  expect(setAsideFiles(path)).toHaveLength(1);
  expect(existsSync(`${path}.set-aside`)).toBe(false);
});

test.each([['itself'], ['a symbolic link']])(
  'a log that is deleted alone loses nothing of what was written to %s',
  async (what) => {
    const path = join(testFolder(), 'analytics.db');
    const link = join(testFolder(), 'link.db');
    symlinkSync(path, link);
    const backend = await open({ path: what === 'itself' ? path : link });
    await backend.write([execution(), execution()]);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`);
    await backend.write([execution()]);
    expect(executions(path)).toBe(3);
    expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  },
);

test('what becomes of a file is told when it was deleted or replaced', async () => {
  const { path, notices, onNotice } = given();
  const backend = await open({ path, onNotice });
  for (const suffix of ['', '-wal', '-shm']) {
    renameSync(`${path}${suffix}`, `${path}.moved${suffix}`);
  }
  await backend.write([execution()]);
  await backend.write([execution()]);
  expect(executions(path)).toBe(2);
  expect(executions(`${path}.moved`)).toBe(2_000);
  expect(notices.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      `${path} was deleted or replaced; the file that is there now is used, or a new one is started; what only the old one held`,
    ),
  ]);
});

test('whatever is wrong with the bytes, the next events are in a sound file, and the old bytes are kept', async () => {
  const rounds = process.env['RELIABILITY'] === 'full' ? 300 : 20;
  const outcomes = { kept: 0, 'set aside': 0 };
  const config = (path: string) => ({ path, busyTimeoutMs: 1000, synchronous: 'full' }) as const;
  // Seeded, so that a failure comes again.
  let state = 20_260_101;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  for (let round = 0; round < rounds; round += 1) {
    const folder = newFolder();
    const path = join(folder.path, 'analytics.db');
    copyDatabase(whole, path);
    const damaged = damage(path, (bytes) => {
      const at = random(bytes.length);
      switch (round % 4) {
        case 0:
          return bytes.subarray(0, 4096 + (at % (bytes.length - 4096)));
        case 1:
          return void bytes.fill(random(256), at, Math.min(bytes.length, at + 1 + random(4096)));
        case 2: {
          const page = at >> 12;
          return void bytes.fill(random(256), page << 12, (page + 1) << 12);
        }
        default:
          for (let flips = 8; flips > 0; flips -= 1) {
            const byte = random(bytes.length);
            bytes[byte] = (bytes[byte] as number) ^ (1 << random(8));
          }
          return undefined;
      }
    });
    const notices: string[] = [];
    const onNotice = ({ message }: { readonly message: string }) => void notices.push(message);
    const db = await openForWriting(Database, config(path), { onNotice });
    db.exec('INSERT INTO probe (data) VALUES (zeroblob(9000))');
    expect(db.prepare('SELECT count(*) FROM probe').pluck().get()).toBe(1);
    expect(db.pragma('quick_check', { simple: true })).toBe('ok');
    db.close();
    const aside = setAsideFiles(path);
    // A flipped bit in the text of a definition leaves a sound file: that it is defined anew is told, too.
    expect(notices.filter((notice) => !notice.endsWith('ours are restored'))).toHaveLength(aside.length);
    outcomes[aside.length === 0 ? 'kept' : 'set aside'] += 1;
    if (aside[0] !== undefined) {
      expect(readFileSync(aside[0]).equals(damaged)).toBe(true);
    }
    folder.dispose();
  }
  expect(outcomes['set aside']).toBeGreaterThan(rounds / 2);
}, 120_000);
