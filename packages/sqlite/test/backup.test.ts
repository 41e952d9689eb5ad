import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sqlite } from '@toolweaver/analytics-sqlite';
import { execution } from '@toolweaver/analytics-testkit';
import { expect, onTestFinished, test } from 'vitest';
import { writeBackup } from '../src/store/backup.ts';
import { start } from './support/child.ts';
import { everyType } from './support/every-type.ts';
import { testFolder } from './support/folder.ts';
import { open } from './support/open.ts';
import { storedEvents, value } from './support/rows.ts';

const backupUntilKilled = new URL('./fixtures/backup-until-killed.ts', import.meta.url);

test('a backup is a whole database, for its owner alone, which opens as one', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const copy = join(folder, 'copy.db');
  const mask = process.umask(0);
  onTestFinished(() => void process.umask(mask));
  const backend = await open({ path });
  await backend.write(everyType({ userId: 'ada' }));
  expect(await backend.store.backup(copy)).toEqual({ path: copy, bytes: statSync(copy).size });
  expect((statSync(copy).mode & 0o777).toString(8)).toBe('600');
  expect(readdirSync(folder).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);
  expect(storedEvents(copy)).toEqual(storedEvents(path));
  expect(value(copy, 'PRAGMA integrity_check')).toBe('ok');

  const second = await open({ path: copy });
  await second.write([execution()]);
  expect(value(copy, 'SELECT count(*) FROM executions')).toBe(2);
  expect(value(path, 'SELECT count(*) FROM executions')).toBe(1);
});

test('a backup takes the place of the file of a killed program, whose log has gone', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const copy = join(folder, 'copy.db');
  const killed = join(folder, 'killed.db');
  const backend = await open({ path });
  await backend.write([execution()]);
  await backend.store.backup(copy);
  await backend.write([execution()]);
  for (const suffix of ['', '-wal', '-shm']) {
    copyFileSync(`${path}${suffix}`, `${killed}${suffix}`);
  }
  rmSync(`${killed}-wal`);
  rmSync(`${killed}-shm`);
  copyFileSync(copy, killed);
  const notices: unknown[] = [];
  const restored = await open({ path: killed, onNotice: (notice) => void notices.push(notice) });
  expect((await restored.reader.summary()).executions).toBe(1);
  await restored.write([execution()]);
  expect(storedEvents(killed)).toHaveLength(2);
  expect(notices).toEqual([]);
});

test('events are written meanwhile; the copy has those of its start, and its progress is told', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const backend = await open({ path });
  const text = 'x'.repeat(4000);
  for (let round = 0; round < 4; round += 1) {
    await backend.write(Array.from({ length: 5_000 }, () => execution({ attributes: { text } })));
  }
  const told: { writtenBytes: number; totalBytes: number }[] = [];
  let done = false;
  const copying = backend.store
    .backup(join(folder, 'copy.db'), {
      onProgress(progress) {
        told.push(progress);
        throw new Error('a broken callback');
      },
    })
    .finally(() => {
      done = true;
    });
  let written = 0;
  while (!done) {
    await backend.write([execution()]);
    written += 1;
    await setTimeout(1);
  }
  const { bytes } = await copying;
  expect(written).toBeGreaterThan(1);
  const copied = value(join(folder, 'copy.db'), 'SELECT count(*) FROM executions') as number;
  expect(copied).toBeGreaterThanOrEqual(20_000);
  expect(copied).toBeLessThanOrEqual(20_000 + written);
  expect(told.length).toBeGreaterThan(0);
  for (const { writtenBytes, totalBytes } of told) {
    expect(writtenBytes).toBeLessThanOrEqual(totalBytes);
    expect(Math.abs(totalBytes - bytes)).toBeLessThan(bytes / 10);
  }
});

test('works in memory, too', async () => {
  const copy = join(testFolder(), 'copy.db');
  const backend = await open({ path: ':memory:' });
  await backend.write([execution(), execution()]);
  await backend.store.backup(copy);
  expect(value(copy, 'SELECT count(*) FROM executions')).toBe(2);
});

test('a file that is there is left alone', async () => {
  const folder = testFolder();
  const target = join(folder, 'precious.txt');
  writeFileSync(target, 'precious');
  const backend = await open({ path: join(folder, 'analytics.db') });
  await expect(backend.store.backup(target)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    problems: [{ field: 'path', message: expect.stringContaining(`${target} is there already`) }],
  });
  expect(readFileSync(target, 'utf8')).toBe('precious');
  const link = join(folder, 'link.db');
  symlinkSync(join(folder, 'elsewhere.db'), link);
  for (const taken of [folder, link]) {
    await expect(backend.store.backup(taken)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  }
  expect(readlinkSync(link)).toBe(join(folder, 'elsewhere.db'));
});

test('what cannot be written is refused, and nothing is left behind', async () => {
  const folder = testFolder();
  const backend = await open({ path: join(folder, 'analytics.db') });
  const before = readdirSync(folder).toSorted();
  for (const path of [join(folder, 'nowhere/copy.db'), '', 'file:copy.db', 'sqlite://copy.db', 'a\0b', 5, undefined]) {
    await expect(backend.store.backup(path as string)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [{ field: 'path', message: expect.any(String) }],
    });
  }
  await expect(backend.store.backup(join(folder, 'x.db'), { onProgress: 5 as never })).rejects.toMatchObject({
    problems: [{ field: 'onProgress', message: 'must be a function, got 5' }],
  });
  expect(readdirSync(folder).toSorted()).toEqual(before);
});

test('a folder that goes meanwhile, and a file that comes, are said', async () => {
  const folder = testFolder();
  const out = join(folder, 'out');
  mkdirSync(out);
  const target = join(out, 'copy.db');
  const overtaken = writeBackup(target, async () => writeFileSync(target, 'faster'));
  await expect(overtaken).rejects.toMatchObject({ problems: [{ field: 'path' }] });
  expect(readdirSync(out)).toEqual(['copy.db']);
  rmSync(target);
  await expect(writeBackup(target, async () => rmSync(out, { recursive: true }))).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringContaining(`${target} cannot be written: ENOENT`),
  });
});

test('closing ends a backup, and leaves nothing of it behind', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const backend = await sqlite({ path });
  await backend.write(Array.from({ length: 10_000 }, () => execution()));
  const copying = backend.store.backup(join(folder, 'copy.db')).then(
    () => 'done',
    (error) => error.code,
  );
  await setTimeout(5);
  await backend.close?.();
  const outcome = await copying;
  expect(['done', 'CLOSED']).toContain(outcome);
  const expected = outcome === 'done' ? ['analytics.db', 'copy.db'] : ['analytics.db'];
  expect(readdirSync(folder).toSorted()).toEqual(expected);
  await expect(backend.store.backup(join(folder, 'late.db'))).rejects.toMatchObject({ code: 'CLOSED' });
});

test('kill -9 at any moment leaves the database sound, and no copy that is not whole', async () => {
  const folder = testFolder();
  const path = join(folder, 'analytics.db');
  const backend = await sqlite({ path });
  await backend.write(Array.from({ length: 16_384 }, () => execution()));
  await backend.close?.();
  const kills = process.env['RELIABILITY'] === 'full' ? 20 : 3;
  for (let round = 0; round < kills; round += 1) {
    const child = start(backupUntilKilled, [path, join(folder, `copy-${round}`)]);
    await child.says('1\n');
    await setTimeout(Math.random() * 60);
    child.process.kill('SIGKILL');
    await child.ended;
  }
  expect(value(path, 'PRAGMA integrity_check')).toBe('ok');
  const copies = readdirSync(folder).filter((name) => /^copy-\d+-\d+$/.test(name));
  expect(copies.length).toBeGreaterThanOrEqual(kills);
  for (const copy of copies) {
    expect(value(join(folder, copy), 'SELECT count(*) FROM executions')).toBe(16_384);
    expect(value(join(folder, copy), 'PRAGMA integrity_check')).toBe('ok');
  }
}, 180_000);
