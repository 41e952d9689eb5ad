import { spawnSync } from 'node:child_process';
import {
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type AnalyticsEvent, type EventType, type ExecutionKind, isAnalyticsError } from '@toolweaver/analytics-core';
import { type ExportOptions, exportEvents, importEvents } from '@toolweaver/analytics-sqlite';
import { artifact, execution, rating } from '@toolweaver/analytics-testkit';
import Database from 'better-sqlite3';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readEvents } from '../src/transfer/stored-events.ts';
import { run } from './support/child.ts';
import { byId, fill, recordable, sampleEvents } from './support/fill.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { query, storedEvents, value } from './support/rows.ts';

const exportProgram = new URL('./fixtures/export.ts', import.meta.url);
const types: readonly EventType[] = ['execution', 'rating', 'health', 'toolkit', 'metrics', 'run', 'artifact'];

const linesOf = (content: string): unknown[] =>
  content
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const idsOf = (content: string): string[] => (linesOf(content) as { id: string }[]).map(({ id }) => id);

async function refusal(options: unknown): Promise<{ code: string; fields: string[]; message: string }> {
  const error = await exportEvents(options as ExportOptions).then(
    () => {
      throw new Error('it was exported');
    },
    (thrown) => thrown,
  );
  if (!isAnalyticsError(error)) {
    throw error;
  }
  return { code: error.code, fields: error.problems.map(({ field }) => field), message: error.message };
}

describe('JSON Lines', () => {
  test('hold every event, and any other database has the same after their import', async () => {
    const folder = testFolder();
    const given = sampleEvents(3000);
    const path = await fill(join(folder, 'from.db'), given);
    const target = join(folder, 'events.jsonl');
    const { events, bytes } = await exportEvents({ path, target });
    expect(events).toBe(given.length);
    expect(bytes).toBe(statSync(target).size);

    const backend = await open({ path: join(folder, 'to.db') });
    for (let times = 0; times < 2; times += 1) {
      expect(await importEvents(backend, target)).toEqual({
        read: given.length,
        imported: given.length,
        skipped: 0,
        rejected: 0,
        rejections: [],
        bytes,
      });
      expect(byId(storedEvents(join(folder, 'to.db')))).toEqual(byId(given));
    }
  });

  test('are the events as JSON, with bytes in base64', async () => {
    const path = join(testFolder(), 'analytics.db');
    const given = [
      execution({ weight: 2.5, cost: { nanoUsd: 7, source: 'computed' } }),
      artifact({ path: undefined, bytes: Uint8Array.of(0, 1, 255) }),
    ];
    await fill(path, given);
    const out = new PassThrough();
    await exportEvents({ path, target: out, format: 'jsonl' });
    out.end();
    expect(linesOf(await text(out))).toEqual([given[0], JSON.parse(JSON.stringify({ ...given[1], bytes: 'AAH/' }))]);
  });

  test('may be compressed', async () => {
    const folder = testFolder();
    const given = Array.from({ length: 4000 }, () => execution({ name: 'x'.repeat(200) }));
    const path = await fill(join(folder, 'from.db'), given);
    const plain = join(folder, 'events.jsonl');
    const packed = join(folder, 'events.jsonl.gz');
    await exportEvents({ path, target: plain });
    const { bytes } = await exportEvents({ path, target: packed });
    expect(bytes).toBe(statSync(packed).size);
    expect(bytes).toBeLessThan(statSync(plain).size / 4);
    expect(gunzipSync(readFileSync(packed)).equals(readFileSync(plain))).toBe(true);

    const backend = await open({ path: join(folder, 'to.db') });
    expect(await importEvents(backend, packed)).toMatchObject({ imported: 4000, bytes });
    expect(value(join(folder, 'to.db'), 'SELECT count(*) FROM executions')).toBe(4000);
  });

  test('hold thousands of executions of one ms, and artifacts of megabytes', async () => {
    const path = join(testFolder(), 'analytics.db');
    const at = Date.now();
    const given = [
      ...Array.from({ length: 4500 }, () => execution({ at })),
      ...Array.from({ length: 5 }, () => artifact({ path: undefined, bytes: Buffer.alloc(700_000, 'x') })),
    ];
    await fill(path, given);
    const target = `${path}.jsonl`;
    await exportEvents({ path, target });
    expect(idsOf(readFileSync(target, 'utf8')).toSorted()).toEqual(given.map(({ id }) => id).toSorted());
  });

  test('of nothing are empty', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), []);
    expect(await exportEvents({ path, target: `${path}.jsonl` })).toEqual({ events: 0, bytes: 0 });
    expect(readFileSync(`${path}.jsonl`, 'utf8')).toBe('');
  });
});

describe('CSV', () => {
  const columns = (path: string): string[] =>
    query(path, 'PRAGMA table_info(executions)').map(({ name }) => String(name));
  const rows = (path: string): unknown[] => query(path, 'SELECT * FROM executions ORDER BY id');

  test('is the view `executions`, and any other database has the same after its import', async () => {
    const folder = testFolder();
    const path = await fill(join(folder, 'from.db'), sampleEvents(2000));
    const target = join(folder, 'executions.csv');
    const { events } = await exportEvents({ path, target });
    expect(events).toBe(value(path, 'SELECT count(*) FROM executions'));
    expect(events).toBeGreaterThan(500);

    const [header, ...records] = parse(readFileSync(target)) as string[][];
    expect(header).toEqual(columns(path));
    const idAt = header?.indexOf('id') as number;
    const numbers = new Set(
      query(path, 'SELECT * FROM executions').flatMap((row) =>
        Object.keys(row).filter((name) => typeof row[name] === 'number'),
      ),
    );
    const guarded = /^'+[=+\-@\t\r\n＝＋－＠]/;
    const read = records.map((cells) =>
      Object.fromEntries(
        cells.map((cell, at) => {
          const name = header?.[at] as string;
          const plain = guarded.test(cell) ? cell.slice(1) : cell;
          return [name, cell === '' ? null : numbers.has(name) ? Number(cell) : plain];
        }),
      ),
    );
    expect(read.toSorted((one, other) => (String(one['id']) < String(other['id']) ? -1 : 1))).toEqual(rows(path));
    expect(records.every((cells) => /^[0-9a-f-]{36}$/.test(cells[idAt] as string))).toBe(true);

    const backend = await open({ path: join(folder, 'to.db') });
    expect(await importEvents(backend, target)).toMatchObject({ read: events, imported: events, rejected: 0 });
    expect(rows(join(folder, 'to.db'))).toEqual(rows(path));
  });

  test('has no cell that a spreadsheet runs', async () => {
    const path = join(testFolder(), 'analytics.db');
    const names = ['=1+1', '+1', '-1', '@x', '＝1', "'=1", `=HYPERLINK("http://x";"y")`, 'plain, "quoted"'];
    await fill(
      path,
      names.map((name) =>
        execution({ name, userId: name, success: false, error: { type: name, message: `\t${name}` } }),
      ),
    );
    await exportEvents({ path, target: `${path}.csv` });
    const [, ...records] = parse(readFileSync(`${path}.csv`)) as string[][];
    expect(records).toHaveLength(names.length);
    expect(records.flat().filter((cell) => /^[=+\-@\t\r\n＝＋－＠]/.test(cell))).toEqual([]);
    expect(records.flat()).toContain(`'=HYPERLINK("http://x";"y")`);
  });

  test('of nothing is its header', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), [rating()]);
    expect(await exportEvents({ path, target: `${path}.csv` })).toMatchObject({ events: 0 });
    expect(readFileSync(`${path}.csv`, 'utf8')).toBe(`${columns(path).join(',')}\r\n`);
  });
});

describe('the conditions', () => {
  const some = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
  const common = {
    at: some(0, 999, 1000, 1001, 2000),
    orgId: some('o', 'p'),
    userId: some('u', 'v'),
    runId: some('r', 's'),
  };
  // Few values, so that every condition meets some of them.
  const simple = fc.tuple(recordable, fc.record(common), some('x', 'y')).map(
    ([event, fields, name]): AnalyticsEvent => ({
      ...event,
      ...fields,
      ...(event.type === 'execution' && { name }),
      ...((event.type === 'rating' || event.type === 'health') && { skillId: name }),
    }),
  );
  const given = fc.sample(simple, 600);
  const values = {
    type: some<readonly EventType[]>(['execution'], ['rating'], ['run', 'artifact'], ['execution', 'health'], []),
    from: some(-5, 0, 0.5, 1000, 1000.5, 1e15),
    to: some(-1, 1001, 2000, 2000.5, 1e15),
    orgId: some('o', 'p', 'nobody'),
    userId: some('u', 'v', 'nobody'),
    runId: some('r', 's', 'nobody'),
    kind: some<ExecutionKind>('skill', 'llm'),
    name: some('x', 'y', 'nobody'),
  };
  const selections = fc
    .tuple(fc.record(values), fc.subarray(Object.keys(values), { maxLength: 3 }))
    .map(
      ([all, keys]): Partial<typeof all> =>
        Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))),
    );

  function nameOf(event: AnalyticsEvent): string | undefined {
    return event.type === 'execution'
      ? event.name
      : event.type === 'rating' || event.type === 'health'
        ? event.skillId
        : undefined;
  }

  test('select what they say', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), given);
    const db = new Database(path, { readonly: true });
    onTestFinished(() => void db.close());
    let found = 0;
    fc.assert(
      fc.property(selections, ({ type = types, ...selection }) => {
        const { from = -Infinity, to = Infinity, orgId, userId, runId, kind, name } = selection;
        const expected = given.filter(
          (event) =>
            type.includes(event.type) &&
            event.at >= from &&
            event.at < to &&
            (orgId === undefined || event.orgId === orgId) &&
            (userId === undefined || event.userId === userId) &&
            (runId === undefined || event.runId === runId) &&
            (kind === undefined || (event.type === 'execution' && event.kind === kind)) &&
            (name === undefined || nameOf(event) === name),
        );
        const { total, groups } = readEvents(db, { types: type, ...selection });
        expect(byId([...groups()].flat())).toEqual(byId(expected));
        expect(total).toBe(expected.length);
        found += Number(total > 0);
      }),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(50);
  });

  test('all get through to the thread', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), given);
    const selection = {
      type: 'execution',
      from: 1,
      to: 1001,
      orgId: 'o',
      userId: 'u',
      runId: 'r',
      kind: 'skill',
      name: 'x',
    } as const;
    for (const left of Object.keys(selection) as (keyof typeof selection)[]) {
      const { [left]: _, ...conditions } = selection;
      const { from = 0, to = Infinity, ...fields } = conditions as Partial<typeof selection>;
      const expected = given.filter(
        (event) =>
          event.at >= from &&
          event.at < to &&
          Object.entries(fields).every(([field, is]) => event[field as 'id'] === is),
      );
      const total = vi.fn();
      const target = `${path}.jsonl`;
      expect(await exportEvents({ path, target, overwrite: true, ...conditions, onProgress: total })).toMatchObject({
        events: expected.length,
      });
      expect(total).toHaveBeenLastCalledWith({ events: expected.length, total: expected.length });
    }
  });
});

describe('a file', () => {
  test('is for its owner alone under any umask, and nothing else is left', async () => {
    const folder = testFolder();
    const path = await fill(join(folder, 'analytics.db'), [execution()]);
    const out = join(folder, 'out');
    mkdirSync(out);
    expect(await run(exportProgram, [path, '000', join(out, 'a.jsonl')])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(await run(exportProgram, [path, '277', join(out, 'b.csv.gz')])).toMatchObject({ code: 0 });
    expect(readdirSync(out).map((name) => [name, statSync(join(out, name)).mode & 0o777])).toEqual([
      ['a.jsonl', 0o600],
      ['b.csv.gz', 0o600],
    ]);
  });

  test('that is there is replaced only when told so, and stays as it is when the export fails', async () => {
    const folder = testFolder();
    const path = await fill(join(folder, 'analytics.db'), [execution()]);
    const target = join(folder, 'events.jsonl');
    writeFileSync(target, 'mine');
    expect(await refusal({ path, target })).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['target'],
      message: expect.stringContaining('is there already: choose another path, or say overwrite'),
    });
    const stop = new Error('enough');
    const onProgress = (): never => {
      throw stop;
    };
    for (const callback of [onProgress, async (): Promise<void> => onProgress()]) {
      await expect(exportEvents({ path, target, overwrite: true, onProgress: callback })).rejects.toBe(stop);
      expect(readFileSync(target, 'utf8')).toBe('mine');
    }
    await exportEvents({ path, target, overwrite: true });
    expect(idsOf(readFileSync(target, 'utf8'))).toHaveLength(1);
    expect(readdirSync(folder).filter((name) => !name.startsWith('analytics.db'))).toEqual(['events.jsonl']);
  });

  test('that is a link to nothing is there, too', async () => {
    const folder = testFolder();
    const path = await fill(join(folder, 'analytics.db'), [execution()]);
    const target = join(folder, 'events.jsonl');
    symlinkSync(join(folder, 'elsewhere.jsonl'), target);
    expect(await refusal({ path, target })).toMatchObject({
      fields: ['target'],
      message: expect.stringContaining('is there already'),
    });
    expect(readlinkSync(target)).toBe(join(folder, 'elsewhere.jsonl'));
    expect(await exportEvents({ path, target, overwrite: true })).toMatchObject({ events: 1 });
  });

  test('that comes into its place meanwhile stays', async () => {
    const folder = testFolder();
    const path = await fill(join(folder, 'analytics.db'), [execution()]);
    const target = join(folder, 'events.jsonl');
    const onProgress = (): void => {
      const [draft = ''] = readdirSync(folder).filter((name) => name.endsWith('.partial'));
      expect(statSync(join(folder, draft)).mode & 0o777).toBe(0o600);
      writeFileSync(target, 'faster');
    };
    expect(await refusal({ path, target, onProgress })).toMatchObject({ code: 'INVALID_CONFIG', fields: ['target'] });
    expect(readFileSync(target, 'utf8')).toBe('faster');
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test.each([false, true])(
    'whose folder goes meanwhile fails with an error of ours (overwrite: %s)',
    async (overwrite) => {
      const folder = testFolder();
      const path = await fill(join(folder, 'analytics.db'), [execution()]);
      const out = join(folder, 'out');
      mkdirSync(out);
      const target = join(out, 'events.jsonl');
      const onProgress = (): void => rmSync(out, { recursive: true });
      await expect(exportEvents({ path, target, overwrite, onProgress })).rejects.toMatchObject({
        code: 'BACKEND_UNAVAILABLE',
        message: expect.stringContaining(`${target} cannot be written: ENOENT`),
      });
    },
  );

  test('cannot be the database itself, a directory, a pipe, or in no directory', async () => {
    const folder = testFolder();
    const path = join(folder, 'analytics.jsonl');
    const backend = await open({ path });
    await backend.write([execution()]);
    symlinkSync(path, join(folder, 'link.jsonl'));
    for (const target of [path, `${path}-wal`, join(folder, 'link.jsonl')]) {
      expect(await refusal({ path, target, format: 'jsonl', overwrite: true })).toMatchObject({
        fields: ['target'],
        message: expect.stringContaining('must not be the database itself'),
      });
    }
    for (const target of [folder, join(folder, 'none/x.jsonl')]) {
      expect(await refusal({ path, target, format: 'jsonl', overwrite: true })).toMatchObject({ fields: ['target'] });
    }
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    expect(await refusal({ path, target: pipe, format: 'jsonl', overwrite: true })).toMatchObject({
      fields: ['target'],
      message: expect.stringContaining('must be the path of a file; give a stream for anything else'),
    });
    expect(statSync(pipe).isFIFO()).toBe(true);
    expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
  });
});

test('a leading ~ is the home directory in the path of a database, an export, an import and a backup', async () => {
  const home = testFolder();
  vi.stubEnv('HOME', home);
  vi.stubEnv('USERPROFILE', home);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(homedir()).toBe(home);
  const backend = await open({ path: '~/analytics.db' });
  await backend.write([execution()]);
  await exportEvents({ path: '~/analytics.db', target: '~/events.jsonl' });
  expect(idsOf(readFileSync(join(home, 'events.jsonl'), 'utf8'))).toHaveLength(1);
  expect(await importEvents(backend, '~/events.jsonl')).toMatchObject({ imported: 1 });
  expect(await backend.store.backup('~/copy.db')).toMatchObject({ path: join(home, 'copy.db') });
});

/** What is thrown with nobody to catch it, until the end of the test. */
function noteUncaught(): readonly unknown[] {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  return uncaught;
}

describe('a stream', () => {
  const big = (count: number): AnalyticsEvent[] =>
    Array.from({ length: count }, () => execution({ name: 'x'.repeat(250) }));

  test('sets the pace, and holds up nobody else meanwhile', async () => {
    const path = join(testFolder(), 'analytics.db');
    const given = big(6000);
    const backend = await open({ path });
    await backend.write(given);
    let received = 0;
    let next: (() => void) | undefined;
    const told: { events: number; total: number }[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _, done) {
        received += chunk.toString().split('\n').length - 1;
        next = done;
      },
    });
    const exported = exportEvents({
      path,
      target: slow,
      format: 'jsonl',
      onProgress: (progress) => told.push(progress),
    });
    await expect.poll(() => next, { timeout: 120_000 }).toBeDefined();
    const first = received;
    expect(first).toBeLessThan(given.length);

    // While the export waits, the database takes events, and its log can be cut back: nothing holds on to an old state.
    await backend.write([execution({ name: 'meanwhile', at: 0 })]);
    const other = new Database(path);
    expect(other.pragma('wal_checkpoint(TRUNCATE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
    other.close();
    expect(received).toBe(first);
    expect(told).toEqual([]);

    const release = setInterval(() => {
      const done = next;
      next = undefined;
      done?.();
    }, 1);
    onTestFinished(() => clearInterval(release));
    const { events } = await exported;
    expect(events).toBe(given.length);
    expect(received).toBe(given.length);
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toEqual({ events: given.length, total: given.length });
    expect(slow.writableEnded).toBe(false);
  });

  test('that fails or is closed ends the export with the reason', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), big(6000));
    const thrown = new Error('no route to the reader');
    const failing = new Writable({ write: (_, __, done) => done(thrown) });
    await expect(exportEvents({ path, target: failing, format: 'jsonl' })).rejects.toBe(thrown);

    const closing = new PassThrough({ highWaterMark: 1 });
    closing.once('data', () => closing.destroy());
    await expect(exportEvents({ path, target: closing, format: 'csv' })).rejects.toThrow(/closed|destroyed/);
  });

  test('says why it was destroyed', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), big(10));
    const target = createWriteStream(join(testFolder(), 'none', 'x.jsonl'));
    await expect(exportEvents({ path, target, format: 'jsonl' })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('that cannot be opened ends no process', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), big(10));
    const uncaught = noteUncaught();
    const target = new Writable({ construct: (done) => done(new Error('no such folder')), write: () => {} });
    await expect(exportEvents({ path, target, format: 'jsonl' })).rejects.toThrow('no such folder');
    expect(uncaught).toEqual([]);
    expect(target.listenerCount('error')).toBe(0);
  });

  // `events.once` would hear the error.
  const closed = (stream: Writable): Promise<void> => new Promise((resolve) => stream.once('close', () => resolve()));

  test('that fails late, after the export, ends no process', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), big(10));
    const uncaught = noteUncaught();
    let goOn = (): void => {};
    const slowToEnd = new Writable({
      write: (_, __, done) => done(new Error('disk gone')),
      destroy: (error, done) => {
        goOn = () => done(error);
      },
    });
    await expect(exportEvents({ path, target: slowToEnd, format: 'jsonl' })).rejects.toThrow('disk gone');
    expect(slowToEnd.closed).toBe(false);
    goOn();
    await closed(slowToEnd);

    const controller = new AbortController();
    const failsLate = new Writable({
      write: (_, __, done) => {
        controller.abort(new Error('enough'));
        goOn = () => done(new Error('late'));
      },
    });
    const { signal } = controller;
    await expect(exportEvents({ path, target: failsLate, format: 'jsonl', signal })).rejects.toThrow('enough');
    goOn();
    await closed(failsLate);
    await turn();
    expect(uncaught).toEqual([]);
    expect(failsLate.listenerCount('error') + slowToEnd.listenerCount('error')).toBe(0);
  });

  test('and the signal: it ends the export while the stream is stuck', async () => {
    const path = await fill(join(testFolder(), 'analytics.db'), big(10));
    const reason = new Error('enough');
    const controller = new AbortController();
    const stuck = new Writable({
      write: () => {
        controller.abort(reason);
      },
    });
    await expect(exportEvents({ path, target: stuck, format: 'jsonl', signal: controller.signal })).rejects.toBe(
      reason,
    );
    expect(stuck.listenerCount('close')).toBe(0);
    await expect(exportEvents({ path, target: stuck, format: 'jsonl', signal: controller.signal })).rejects.toBe(
      reason,
    );
  });
});

describe('refuses', () => {
  test('a database that is not there, and makes none', async () => {
    const folder = testFolder();
    const target = join(folder, 'x.jsonl');
    expect(await refusal({ path: join(folder, 'none.db'), target })).toMatchObject({
      code: 'INVALID_CONFIG',
      fields: ['path'],
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what is no database of ours', async () => {
    const folder = testFolder();
    const notes = join(folder, 'notes.txt');
    writeFileSync(notes, 'no database, but long enough to be taken for one\n'.repeat(100));
    const other = join(folder, 'other.db');
    new Database(other).exec('CREATE TABLE contacts (name TEXT)').close();
    const empty = join(folder, 'empty.db');
    writeFileSync(empty, '');
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    for (const [path, reason] of [
      [notes, 'is not an SQLite database'],
      [other, 'is the database of another program'],
      [empty, 'is empty'],
      [folder, 'is no file'],
      [pipe, 'is no file'],
    ]) {
      expect(await refusal({ path, target: join(folder, 'x.jsonl') })).toMatchObject({
        code: 'INVALID_CONFIG',
        fields: ['path'],
        message: expect.stringContaining(`${path} ${reason}`),
      });
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('x.'))).toEqual([]);
  });

  test.each<[unknown, string[]]>([
    [undefined, ['target', 'format']],
    [{ path: ':memory:', target: 'x.jsonl' }, ['path']],
    [{ path: 'a.db', target: '' }, ['target', 'format']],
    [{ path: 'a.db', target: 'x.txt' }, ['format']],
    [{ path: 'a.db', target: {}, format: 'csv' }, ['target']],
    [{ path: 'a.db', target: new PassThrough() }, ['format']],
    [{ path: 'a.db', target: 'x.csv', type: 'rating' }, ['type']],
    [{ path: 'a.db', target: 'x.csv', type: ['execution', 'run'] }, ['type']],
    [{ path: 'a.db', target: 'x.jsonl', type: ['executions'] }, ['type']],
    [{ path: 'a.db', target: 'x.jsonl', type: [] }, ['type']],
    [{ path: 'a.db', target: 'x.jsonl', type: [undefined] }, ['type']],
    [{ path: 'a.db', target: 'x.jsonl', type: new Array(1) }, ['type']],
    [{ path: 'a.db', target: 'x.jsonl', type: ['rating', 'run'], kind: 'llm' }, ['kind']],
    [{ path: 'a.db', target: 'x.jsonl', type: ['toolkit', 'run'], name: 'parse' }, ['name']],
    [{ path: 'a.db', target: 'x.jsonl', type: ['health', 'run'], name: 'parse', kind: 'skill' }, ['kind']],
    [{ path: 'a.db', target: 'x.jsonl', from: 2, to: 1 }, ['from']],
    [
      {
        path: 1,
        target: 'x.xml',
        format: 'xml',
        overwrite: 1,
        from: 'a',
        to: Number.NaN,
        orgId: 1,
        userId: '',
        runId: {},
        kind: 'x',
        name: 7,
        onProgress: {},
        signal: {},
      },
      ['path', 'format', 'from', 'to', 'orgId', 'userId', 'runId', 'kind', 'name', 'overwrite', 'onProgress', 'signal'],
    ],
  ])('wrong options, all at once: %#', async (options, fields) => {
    expect(await refusal(options)).toMatchObject({ code: 'INVALID_CONFIG', fields });
  });

  test('a time of another form, as reports say it', async () => {
    const options = { path: 'a.db', target: 'x.jsonl', from: new Date(0) as never };
    await expect(exportEvents(options)).rejects.toThrow(
      'from: must be a time in Unix ms, as of Date.now(), got a Date',
    );
  });
});
